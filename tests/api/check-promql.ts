/** Expressions in PromQL, read by Prometheus' own grammar and held to the metrics of a running API. */
import { beforeAll } from "bun:test";
import type { SyntaxNode } from "@lezer/common";
import { parser } from "@prometheus-io/lezer-promql";
import { waitUntil } from "../support/wait-until.ts";
import { useProxiedApi } from "./api-fixture.ts";
import { type Exposition, parseExposition } from "./parse-exposition.ts";
import { insertBatch, insertFile, insertWorker } from "./seed-ledger.ts";

/** The metrics of an API that has seen batches, a failed file, a worker that retries, and an outage. Filled before the first test. */
export function useScrape(importMetaPath: string): Exposition {
    const api = useProxiedApi(importMetaPath);
    const exposition: Exposition = { samples: [], types: new Map(), helps: new Set() };
    beforeAll(async () => {
        await insertBatch(api.sql, { inserted: 5, conflict: 1, rejected: 3 });
        await insertFile(api.sql, "failed.csv", "failed");
        await insertWorker(api.sql, { retries: { count: 3, lastReason: "53100", lastSecondsAgo: 1 } });
        const isReady = async () => (await api.get("/readyz")).status === 200;
        api.proxy.takeDown();
        await waitUntil("the API notices", async () => !(await isReady()));
        await api.proxy.mend();
        await waitUntil("the API is back", isReady);
        Object.assign(exposition, parseExposition((await api.get("/metrics")).body));
    });
    return exposition;
}

/** Prometheus adds them to each series. */
export const targetLabels = ["job", "instance"];
const counterFunctions = ["rate", "increase", "irate"];
const gaugeFunctions = ["predict_linear", "deriv", "delta", "max_over_time", "avg_over_time", "min_over_time"];

/** What is wrong with an expression: names, labels and values that `/metrics` does not have, a type that is asked for in a wrong way. */
export function faultsIn(expr: string, { samples, types }: Exposition): string[] {
    const faults: string[] = [];
    const textOf = ({ from, to }: SyntaxNode) => expr.slice(from, to);
    const labelNames = new Set([...targetLabels, ...samples.flatMap(({ labels }) => Object.keys(labels))]);

    function lookAtSelector(selector: SyntaxNode): void {
        const name = textOf(selector.getChild("Identifier")!);
        const series = samples.filter((sample) => sample.name === name);
        if (series.length === 0) {
            faults.push(`${name}: no such metric`);
            return;
        }
        for (const matcher of selector.getChild("LabelMatchers")?.getChildren("UnquotedLabelMatcher") ?? []) {
            const label = textOf(matcher.getChild("LabelName")!);
            if (targetLabels.includes(label)) continue;
            const operator = textOf(matcher.getChild("MatchOp")!);
            const wanted = JSON.parse(textOf(matcher.getChild("StringLiteral")!)) as string;
            const values = series.flatMap(({ labels }) => (label in labels ? [labels[label]!] : []));
            const form = new RegExp(`^(?:${operator === "=~" ? wanted : RegExp.escape(wanted)})$`);
            if (values.length === 0) faults.push(`${name}{${label}}: no such label`);
            else if (!values.some((value) => form.test(value)))
                faults.push(`${name}{${textOf(matcher)}}: no such value`);
        }
        lookAtType(selector, name);
    }

    function lookAtType(selector: SyntaxNode, name: string): void {
        const type = types.get(name) ?? types.get(name.replace(/_(?:bucket|sum|count)$/, ""));
        const call = selector.parent?.name === "MatrixSelector" ? selector.parent.parent?.parent : null;
        const called = call?.getChild("FunctionIdentifier") ? textOf(call.getChild("FunctionIdentifier")!) : null;
        if (type !== "gauge" && !counterFunctions.includes(called ?? ""))
            faults.push(`${name}: a ${type} without rate or increase`);
        if (type === "gauge" && called !== null && !gaugeFunctions.includes(called))
            faults.push(`${name}: ${called} of a ${type}`);
    }

    parser.parse(expr).iterate({
        enter({ node }) {
            if (node.type.isError) faults.push("not PromQL");
            if (node.name === "VectorSelector") lookAtSelector(node);
            if (node.name === "GroupingLabels")
                for (const label of node.getChildren("LabelName"))
                    if (!labelNames.has(textOf(label))) faults.push(`${textOf(label)}: no such label`);
        },
    });
    return faults;
}
