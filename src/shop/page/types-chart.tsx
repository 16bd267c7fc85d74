/** How many events of each type there are, by their own time. */
import { useMemo } from "preact/hooks";
import type { Flow } from "../../server/api/flow/read-flow.ts";
import { range, shade, windowMs } from "../../server/page/charts/flow-charts.tsx";
import { TimeChart } from "../../server/page/charts/time-chart.tsx";
import { formatCode, formatShort } from "../../server/page/format.ts";
import { useResource } from "../../server/page/live/use-resource.ts";
import type { Stats } from "../api/read-stats.ts";
import { eventsByType } from "./events-by-type.ts";

export function TypesChart({ flow }: { flow: Flow }) {
    const grain = flow.window === "24h" ? "hour" : "minute";
    const stepMs = grain === "hour" ? 3_600_000 : 60_000;
    const toMs = Date.parse(flow.asOf);
    const fromMs = toMs - windowMs[flow.window];
    // Whole steps, without an end: all pages ask the same, and share one answer.
    const from = new Date(Math.floor(fromMs / stepMs) * stepMs).toISOString();
    const path = `/v1/stats?bucket=${grain}&from=${from}`;
    const { data: stats } = useResource<Stats>(path, { everyMs: 3000, idleMs: 30_000, keepsOld: true });
    const { times, series } = useMemo(() => {
        const types =
            stats?.eventTypes.toSorted((left, right) => right.events - left.events).map(({ eventType }) => eventType) ??
            [];
        const typed = stats ? eventsByType(stats, types, fromMs, toMs, stepMs) : { times: [], series: [] };
        return {
            times: typed.times,
            series: typed.series.map(({ name, values }, index) => ({
                name: formatCode(name),
                color: shade(index),
                values,
            })),
        };
    }, [stats, fromMs, toMs]);
    return (
        <TimeChart
            title={`Events by type, per ${grain} of event time`}
            summary="How many events of each type have a time in each step."
            kind="bars"
            times={times}
            series={series}
            {...range(flow)}
            format={formatShort}
            empty="No event has a time in this window."
        />
    );
}
