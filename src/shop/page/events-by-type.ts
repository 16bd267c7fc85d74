/** From the series of /v1/stats to what a chart draws. Pure. */
import type { Values } from "../../server/page/charts/steps.ts";
import type { Stats } from "../api/read-stats.ts";

export interface TypeSeries {
    times: number[];
    series: { name: string; values: Values }[];
}

/** A bucket between two that have events has none: 0. Outside of them nothing is known: null. */
export function eventsByType(
    { series }: Pick<Stats, "series">,
    types: readonly string[],
    fromMs: number,
    toMs: number,
    stepMs: number,
): TypeSeries {
    const counts = new Map(
        (series?.data ?? []).map((point) => [`${Date.parse(point.bucket)} ${point.eventType}`, point.events]),
    );
    const starts: number[] = [];
    for (let at = Math.floor(fromMs / stepMs) * stepMs; at < toMs; at += stepMs) starts.push(at);
    return {
        times: starts.map((at) => (at + stepMs / 2) / 1000),
        series: types.map((name) => ({ name, values: starts.map((at) => counts.get(`${at} ${name}`) ?? 0) })),
    };
}
