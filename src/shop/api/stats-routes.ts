/** `GET /v1/stats` */
import { z } from "@hono/zod-openapi";
import { addGetRoute } from "../../server/api/get-route.ts";
import { Problem } from "../../server/api/problem.ts";
import type { Api, Context } from "../../server/api/route-types.ts";
import { rangeParameters, refuseEmptyRange, textSchema } from "../../server/api/shapes.ts";
import { buckets, maxSeriesPoints, readStats, type SeriesQuery, statsSchema } from "./read-stats.ts";

export function addStatsRoutes(app: Api, context: Context): void {
    addGetRoute(app, context, {
        path: "/v1/stats",
        summary: "Totals; with a bucket or a range, also a series by event time",
        query: {
            ...rangeParameters,
            bucket: z
                .enum(buckets)
                .optional()
                .openapi({ description: "Default: `hour` if from, to or event_type is given." }),
            event_type: textSchema(50).optional().openapi({ description: "Limits the series, not the totals." }),
        },
        answer: { description: "Committed facts of one snapshot", schema: statsSchema },
        toQuestion: toSeriesQuery,
        async read(db, query) {
            const stats = await readStats(db, query);
            if (stats.series && stats.series.data.length > maxSeriesPoints) throw tooWide();
            return stats;
        },
    });
}

interface StatsParameters {
    from?: string | undefined;
    to?: string | undefined;
    bucket?: SeriesQuery["bucket"] | undefined;
    event_type?: string | undefined;
}

function toSeriesQuery({ from, to, bucket, event_type: eventType }: StatsParameters): SeriesQuery | undefined {
    refuseEmptyRange({ from, to });
    const asksForSeries = [from, to, bucket, eventType].some((value) => value !== undefined);
    return asksForSeries ? { bucket: bucket ?? "hour", from, to, eventType } : undefined;
}

function tooWide(): Problem {
    return new Problem(
        "range_too_wide",
        `The limit is ${maxSeriesPoints} points. Narrow from and to, use a larger bucket, or select one event_type.`,
        { parameter: "from" },
    );
}
