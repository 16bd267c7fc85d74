/** Makes a chart's values from the series of /v1/stats. Pure. */
import type { Values } from "../../server/page/charts/steps.ts";
import type { Stats } from "../api/read-stats.ts";

type Points = NonNullable<Stats["series"]>["data"];

/** A bucket without events has 0 of each type. Times are the middles of buckets, in seconds like `span`. */
export function eventsByType(
    points: Points,
    types: readonly string[],
    span: { from: number; to: number },
    stepSeconds: number,
): { times: number[]; series: { name: string; values: Values }[] } {
    const keyOf = (seconds: number, type: string) => `${seconds} ${type}`;
    const counts = new Map(
        points.map(({ bucket, eventType, events }) => [keyOf(Date.parse(bucket) / 1000, eventType), events]),
    );
    const starts: number[] = [];
    const first = Math.floor(span.from / stepSeconds) * stepSeconds;
    for (let at = first; at < span.to; at += stepSeconds) starts.push(at);
    return {
        times: starts.map((at) => at + stepSeconds / 2),
        series: types.map((name) => ({ name, values: starts.map((at) => counts.get(keyOf(at, name)) ?? 0) })),
    };
}
