/**
 * docs/operations/grafana.json against the metrics of a running API: each query asks for what is there, each legend names a label
 * that the query gives, each series of the API has a panel. Grafana itself is not at hand where the tests run.
 */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import manifest from "../../package.json";
import { states } from "../../src/operations/status/status-schema.ts";
import { projectDir } from "../support/test-server.ts";
import { faultsIn, targetLabels, useScrape } from "./check-promql.ts";

interface Panel {
    id: number;
    type: string;
    title: string;
    description?: string;
    gridPos: { x: number; y: number; w: number; h: number };
    datasource?: { uid: string };
    targets?: { refId: string; expr: string; legendFormat: string; datasource: { uid: string } }[];
    fieldConfig?: { overrides: { matcher: { options: string } }[] };
}

const dashboard = (await Bun.file(join(projectDir, "docs/operations/grafana.json")).json()) as {
    panels: Panel[];
    templating: { list: { name: string; query: string | { query: string } }[] };
};
const { panels } = dashboard;
const variables = dashboard.templating.list;
const queries = panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ refId, expr, legendFormat }) => ({ name: `${title} ${refId}`, expr, legendFormat })),
);
const labelQueries = variables.flatMap(({ query }) => (typeof query === "string" ? [] : [query.query]));

/** With the variables as Grafana fills them in. */
const filled = (expr: string) =>
    expr.replaceAll("$__rate_interval", "5m").replaceAll("$stream", ".*").replaceAll("$instance", "127.0.0.1:4040");

describe("the dashboard", () => {
    const exposition = useScrape(import.meta.path);
    const labelsOf = (metric: string) =>
        exposition.samples.filter(({ name }) => name === metric).flatMap(({ labels }) => Object.keys(labels));

    test.each(queries.map(({ name, expr }) => [name, expr]))("asks in %s for what /metrics has", (_, expr) => {
        expect(faultsIn(filled(expr), exposition)).toEqual([]);
    });

    test.each(queries.map(({ name, expr, legendFormat }) => [name, expr, legendFormat]))(
        "names in the legend of %s labels that the query gives",
        (_, expr, legendFormat) => {
            const grouped = [...expr.matchAll(/\bby \(([^)]+)\)/g)].flatMap(([, names]) => names!.split(/, */));
            const given =
                grouped.length > 0 ? grouped : [...expr.matchAll(/sluice_\w+/g)].flatMap(([it]) => labelsOf(it));
            const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!);
            expect(named.filter((label) => !given.includes(label))).toEqual([]);
        },
    );

    test("fills its choices from metrics and labels that are there", () => {
        const parts = labelQueries.map((query) => /^label_values\((.+), (\w+)\)$/.exec(query)!);
        expect(parts.length).toBe(2);
        for (const [, selector, label] of parts) {
            const metric = /^\w+/.exec(selector!)![0];
            expect(exposition.types.has(metric), metric).toBe(true);
            expect([...targetLabels, ...labelsOf(metric)]).toContain(label!);
        }
    });

    test("shows every metric that any stream has", () => {
        // The shop's own sums are on the page, and the verdict of one stream is an alert.
        const isElsewhere =
            /^sluice_(events|event_quantity|revenue)_total$|^sluice_stream_state$|^process_start_time_seconds$/;
        const asked = queries.map(({ expr }) => expr).join("\n");
        const missing = [...exposition.types.keys()].filter((name) => !asked.includes(name) && !isElsewhere.test(name));
        expect(missing).toEqual([]);
    });
});

test("every query is limited to the chosen API, so that two on one database are not added up", () => {
    const selectors = queries.flatMap(({ expr }) => expr.match(/(?:sluice|process)_\w+(?:\{[^}]*\})?/g)!);
    expect(selectors.filter((selector) => !selector.includes('instance="$instance"'))).toEqual([]);
});

test("every variable that is used is there, and every panel takes its data source from the one", () => {
    const used = [...JSON.stringify(dashboard).matchAll(/\$\{?(\w+)/g)].map(([, name]) => name!);
    const names = variables.map(({ name }) => name);
    expect([...new Set(used)].filter((name) => !name.startsWith("__")).toSorted()).toEqual(names.toSorted());
    const sources = panels.flatMap(({ targets = [], datasource }) => [
        datasource,
        ...targets.map((it) => it.datasource),
    ]);
    expect(new Set(sources.filter((it) => it !== undefined).map(({ uid }) => uid))).toEqual(
        new Set([`\${datasource}`]),
    );
});

test("panels have numbers of their own, a title and a description, and lie beside each other", () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(panels.filter(({ type, description }) => type !== "row" && !description)).toEqual([]);
    const cells = panels.flatMap(({ title, gridPos: { x, y, w, h } }) => {
        expect([title, x + w <= 24]).toEqual([title, true]);
        return Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`);
    });
    expect(new Set(cells).size).toBe(cells.length);
});

test("every state has a colour, and the commands that it names are there", () => {
    const coloured = panels[1]!.fieldConfig!.overrides.map(({ matcher }) => matcher.options);
    expect(coloured.toSorted()).toEqual([...states].toSorted());
    const commands = [...JSON.stringify(dashboard).matchAll(/`bun run ([\w:-]+)/g)].map(([, name]) => name!);
    expect(commands.length).toBeGreaterThan(1);
    expect(commands.filter((name) => !(name in manifest.scripts))).toEqual([]);
});
