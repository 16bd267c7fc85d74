/** Four charts with one cursor and one time range. */
import { useMemo } from "preact/hooks";
import { triggerMsOf } from "../../../operations/status/worker-report.ts";
import { formatDuration, formatNumber } from "../../../terminal/format.ts";
import type { Flow } from "../../api/flow/read-flow.ts";
import { formatRate, formatShort } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { status } from "../live/connection.ts";
import { inScope } from "../live/scope.ts";
import { useResource } from "../live/use-resource.ts";
import { Panel } from "../parts/panel.tsx";
import { RangeChoice } from "../parts/range-choice.tsx";
import type { StreamView } from "../stream-view.ts";
import { address } from "../views/location.ts";
import { flowQuery, parseRange, type TimeRange } from "../views/time-range.ts";
import { backlogRecords, phaseHue, phaseMeanings, phaseMeans, rates, spanOf, stepTimes } from "./steps.ts";
import { type Chart, TimeChart } from "./time-chart.tsx";

/** No faster than a step can change what is drawn. */
function paceOf(stepSeconds: number) {
    return { everyMs: 300 * stepSeconds, idleMs: Math.max(5000, 500 * stepSeconds), keepsOld: true };
}

/** `Chart`: one more, of the stream that is shown. */
export function FlowCharts({ Chart: OwnChart }: { Chart: StreamView["Chart"] | null }) {
    const range = parseRange(address.value.searchParams);
    const minuteMs = Math.floor(nowMs.value / 60_000) * 60_000;
    const path = inScope(`/v1/flow?${flowQuery(range, minuteMs)}`);
    const { data: flow, ...known } = useResource<Flow>(path, paceOf(stepOf(range)));
    const triggerMs = triggerMsOf(status.value?.workers ?? []);
    const charts = useMemo(
        () => flow && { arrivals: arrivals(flow), durations: durations(flow, triggerMs), backlog: backlog(flow) },
        [flow, triggerMs],
    );
    return (
        <Panel id="flow" title="Flow" tools={<RangeChoice otherwise="5m" />} {...known}>
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

/** A guess, before the answer says how long a step is. */
function stepOf(range: TimeRange): number {
    if (range === null || !("preset" in range)) return range === null ? 5 : 30;
    return { "5m": 5, "1h": 30, "24h": 600, "7d": 3600 }[range.preset];
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
        empty: "No arrivals in this time range.",
    };
}

function durations(flow: Flow, triggerMs: number): Chart {
    return {
        title: "Batch duration by phase",
        summary: "The average duration of a batch, by phase, over time.",
        kind: "bars",
        times: stepTimes(flow),
        series: phaseMeans(flow).map(({ name, values }) => ({
            name,
            meaning: phaseMeanings[name],
            color: phaseHue(name),
            values,
        })),
        ...spanOf(flow),
        format: formatDuration,
        mark: triggerMs > 0 ? { value: triggerMs, label: "trigger" } : undefined,
        least: 10,
        empty: "No batches in this time range.",
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
        empty: flow.stagedRecords === null ? "Known only for a range up to now." : "No backlog in this time range.",
    };
}

function formatRateShort(value: number): string {
    return value >= 10_000 ? formatShort(value) : value >= 10 ? formatNumber(value) : formatRate(value);
}
