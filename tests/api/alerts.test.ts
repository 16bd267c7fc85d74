/**
 * docs/operations/alerts.yaml against the metrics of a running API: each name, label and value in an expression is there,
 * and is asked for as its type allows. The expressions are read by Prometheus' own grammar.
 */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv/dist/2020";
import manifest from "../../package.json";
import { projectDir } from "../support/test-server.ts";
import { faultsIn, useScrape } from "./check-promql.ts";

const rulesFile = join(projectDir, "docs/operations/alerts.yaml");

interface Alert {
    alert: string;
    expr: string;
    annotations: { summary: string; description: string; remedy: string };
}

const document = Bun.YAML.parse(await Bun.file(rulesFile).text()) as { groups: { name: string; rules: Alert[] }[] };
const alerts = document.groups.flatMap(({ rules }) => rules);

test("the file has the form of Prometheus' alerting rules, and each says what it means and what to do", () => {
    const text = { type: "string", minLength: 1 };
    const rule = closed({
        alert: { type: "string", pattern: "^Sluice[A-Za-z]+$" },
        expr: text,
        "for?": { type: "string", pattern: "^[0-9]+[smh]$" },
        labels: closed({ severity: { enum: ["page", "ticket"] } }),
        annotations: closed({ summary: text, description: text, remedy: text }),
    });
    const group = closed({ name: text, rules: { type: "array", minItems: 1, items: rule } });
    const ajv = new Ajv({ allErrors: true });
    ajv.validate(closed({ groups: { type: "array", minItems: 1, items: group } }), document);
    expect(ajv.errors).toBeNull();

    for (const names of [document.groups.map(({ name }) => name), alerts.map(({ alert }) => alert)])
        expect(names).toEqual([...new Set(names)]);
});

test("the commands and documents that the remedies name are there", () => {
    const prose = alerts.map(({ annotations }) => Object.values(annotations).join("\n")).join("\n");
    const commands = [...prose.matchAll(/`bun run ([\w:-]+)/g)].map(([, name]) => name!);
    const documents = [...prose.matchAll(/\bdocs\/[\w/-]+\.md/g)].map(([path]) => path);

    expect(commands.length).toBeGreaterThan(5);
    expect(commands.filter((name) => !(name in manifest.scripts))).toEqual([]);
    expect(documents.filter((path) => !existsSync(join(projectDir, path)))).toEqual([]);
});

describe("each expression", () => {
    const exposition = useScrape(import.meta.path);

    test.each(alerts.map(({ alert, expr }) => [alert, expr]))(
        "of %s asks for what /metrics has, as its type allows",
        (_, expr) => {
            expect(faultsIn(expr, exposition)).toEqual([]);
        },
    );

    test.each([
        ["sluice_record_total > 0", "sluice_record_total: no such metric"],
        ['rate(sluice_records_total{outcom="rejected"}[5m]) > 0', "sluice_records_total{outcom}: no such label"],
        ['sluice_state{state="late"} == 1', 'sluice_state{state="late"}: no such value'],
        [
            'rate(sluice_http_requests_total{status=~"7.."}[5m]) > 0',
            'sluice_http_requests_total{status=~"7.."}: no such value',
        ],
        ["sum by (outcom) (rate(sluice_records_total[5m]))", "outcom: no such label"],
        ["sluice_batches_total > 0", "sluice_batches_total: a counter without rate or increase"],
        ["rate(sluice_files[5m]) > 0", "sluice_files: rate of a gauge"],
        ["rate(sluice_records_total[5m) > 0", "not PromQL"],
    ])("should fail: %s", (expr, fault) => {
        expect(faultsIn(expr, exposition)).toContain(fault);
    });
});

/** On a machine that has Prometheus: its own verdict on the file, and what fires on series made for it. */
test.skipIf(Bun.which("promtool") === null)("promtool takes the rules, and each fires when it should", async () => {
    for (const args of [
        ["check", "rules", rulesFile],
        ["test", "rules", join(import.meta.dir, "alerts-fire.yaml")],
    ]) {
        const child = Bun.spawn(["promtool", ...args], { stdout: "pipe", stderr: "pipe" });
        const said = `${await new Response(child.stdout).text()}${await new Response(child.stderr).text()}`;
        expect([await child.exited, said]).toEqual([0, expect.stringContaining("SUCCESS")]);
    }
});

/** A JSON Schema of exactly these properties; a name with `?` may be missing. */
function closed(properties: Record<string, object>): object {
    const names = Object.keys(properties);
    return {
        type: "object",
        properties: Object.fromEntries(names.map((name) => [name.replace("?", ""), properties[name]])),
        required: names.filter((name) => !name.endsWith("?")),
        additionalProperties: false,
    };
}
