/** How many events of each type there are, by event time. */
import { useMemo } from "preact/hooks";
import type { Flow } from "../../server/api/flow/read-flow.ts";
import { hue, spanOf } from "../../server/page/charts/steps.ts";
import { type Chart, TimeChart } from "../../server/page/charts/time-chart.tsx";
import { formatCode, formatShort } from "../../server/page/format.ts";
import { useResource } from "../../server/page/live/use-resource.ts";
import type { Stats } from "../api/read-stats.ts";
import { eventsByType } from "./events-by-type.ts";

export function TypesChart({ flow }: { flow: Flow }) {
    const { from } = spanOf(flow);
    const grain = flow.stepSeconds >= 3600 ? "day" : flow.stepSeconds >= 600 ? "hour" : "minute";
    const stepSeconds = { minute: 60, hour: 3600, day: 86_400 }[grain];
    // Whole steps, and no end unless the range has one: all pages ask for the same, and share one answer.
    const fromStep = new Date(Math.floor(from / stepSeconds) * stepSeconds * 1000).toISOString();
    const end = flow.stagedRecords === null ? `&to=${flow.asOf}` : "";
    const path = `/v1/stats?bucket=${grain}&from=${fromStep}${end}`;
    const { data: stats } = useResource<Stats>(path, { everyMs: 3000, idleMs: 30_000, keepsOld: true });
    const chart = useMemo(() => chartOf(flow, stats, grain, stepSeconds), [flow, stats]);
    return <TimeChart chart={chart} />;
}

function chartOf(flow: Flow, stats: Stats | null, grain: string, stepSeconds: number): Chart {
    const span = spanOf(flow);
    const byFrequency = stats?.eventTypes.toSorted((left, right) => right.events - left.events) ?? [];
    const types = byFrequency.map(({ eventType }) => eventType);
    const { times, series } = eventsByType(stats?.series?.data ?? [], types, span, stepSeconds);
    return {
        title: `Events by type, per ${grain} of event time`,
        summary: "The number of events of each type, by event time.",
        kind: "bars",
        times,
        series: series.map(({ name, values }, index) => ({ name: formatCode(name), color: hue(index), values })),
        ...span,
        format: formatShort,
        empty: "No events in this time range.",
    };
}
