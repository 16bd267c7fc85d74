/** Four charts with one cursor and one window. */
import { useMemo } from "preact/hooks";
import { triggerMsOf } from "../../../operations/status/worker-report.ts";
import { formatDuration, formatNumber } from "../../../terminal/format.ts";
import type { Flow, FlowWindow } from "../../api/flow/read-flow.ts";
import { formatRate, formatShort } from "../format.ts";
import { status } from "../live/connection.ts";
import { inScope } from "../live/scope.ts";
import { useResource } from "../live/use-resource.ts";
import { Choice } from "../parts/choice.tsx";
import { Panel } from "../parts/panel.tsx";
import { flowWindow } from "../settings.ts";
import type { StreamView } from "../stream-view.ts";
import { backlogRecords, phaseMeans, rates, shade, spanOf, stepTimes } from "./steps.ts";
import { type Chart, TimeChart } from "./time-chart.tsx";

const windows = [
    { value: "5m", label: "5 min", name: "The last five minutes" },
    { value: "1h", label: "1 h", name: "The last hour" },
    { value: "24h", label: "24 h", name: "The last day" },
] as const;

/** No faster than a step can change what is drawn. */
const paces: Record<FlowWindow, { everyMs: number; idleMs: number }> = {
    "5m": { everyMs: 1500, idleMs: 5000 },
    "1h": { everyMs: 6000, idleMs: 15_000 },
    "24h": { everyMs: 30_000, idleMs: 60_000 },
    "7d": { everyMs: 60_000, idleMs: 60_000 },
};

/** `Chart`: one more, of the stream that is shown. */
export function FlowCharts({ Chart: OwnChart }: { Chart: StreamView["Chart"] | null }) {
    const window = flowWindow.value;
    const { data: flow, ...known } = useResource<Flow>(inScope(`/v1/flow?window=${window}`), paces[window]);
    const triggerMs = triggerMsOf(status.value?.workers ?? []);
    const charts = useMemo(
        () => flow && { arrivals: arrivals(flow), durations: durations(flow, triggerMs), backlog: backlog(flow) },
        [flow, triggerMs],
    );
    return (
        <Panel id="flow" title="Flow" tools={<Choice label="Window" value={flowWindow} options={windows} />} {...known}>
            <div class="charts">
                {charts && (
                    <>
                        <TimeChart chart={charts.arrivals} />
                        <TimeChart chart={charts.durations} />
                        {OwnChart && <OwnChart flow={flow!} />}
                        <TimeChart chart={charts.backlog} />
                    </>
                )}
            </div>
        </Panel>
    );
}

function arrivals(flow: Flow): Chart {
    return {
        title: "Records per second",
        summary: "Records that arrived and records that were committed, per second, over time.",
        kind: "lines",
        times: stepTimes(flow),
        series: [
            { name: "arrived", color: "--second", values: rates(flow, "arrived") },
            { name: "committed", color: "--accent", values: rates(flow, "read") },
        ],
        ...spanOf(flow),
        format: formatRateShort,
        empty: "Nothing arrived in this window.",
    };
}

function durations(flow: Flow, triggerMs: number): Chart {
    return {
        title: "Batch duration by phase",
        summary: "How long a batch took on average, by phase, over time.",
        kind: "bars",
        times: stepTimes(flow),
        series: phaseMeans(flow).map(({ name, values }, index) => ({ name, color: shade(index), values })),
        ...spanOf(flow),
        format: formatDuration,
        mark: triggerMs > 0 ? { value: triggerMs, label: "trigger" } : undefined,
        least: 10,
        empty: "No batch in this window.",
    };
}

function backlog(flow: Flow): Chart {
    return {
        title: "Backlog",
        summary: "Records that were staged and not merged, over time.",
        kind: "steps",
        times: stepTimes(flow).map((at) => at - flow.stepSeconds / 2),
        series: [{ name: "staged, not merged", color: "--accent", values: backlogRecords(flow) }],
        ...spanOf(flow),
        format: formatShort,
        least: 10,
        empty: "Nothing waited in this window.",
    };
}

function formatRateShort(value: number): string {
    return value >= 10_000 ? formatShort(value) : value >= 10 ? formatNumber(value) : formatRate(value);
}
