/** `GET /v1/stats` */
import { createRoute, z } from "@hono/zod-openapi";
import type { Api, Context } from "../../server/api/api.ts";
import { sharedForMs } from "../../server/api/api.ts";
import { answers, Problem } from "../../server/api/problem.ts";
import { instantParameterSchema, textSchema } from "../../server/api/shapes.ts";
import { buckets, maxSeriesPoints, readStats, type SeriesQuery, statsSchema } from "./read-stats.ts";

const getStats = createRoute({
    method: "get",
    path: "/v1/stats",
    summary: "Totals, and a series by event time when a bucket or a range is given",
    request: {
        query: z.strictObject({
            from: instantParameterSchema.optional(),
            to: instantParameterSchema.optional(),
            bucket: z.enum(buckets).optional().openapi({ description: "`hour` when from, to or event_type is given." }),
            event_type: textSchema(50).optional().openapi({ description: "Limits the series, not the totals." }),
        }),
    },
    responses: answers("Committed facts of one snapshot", statsSchema, 400, 503),
});

export function addStatsRoutes(app: Api, { reader }: Context): void {
    app.openapi(getStats, async (c) => {
        const query = toSeriesQuery(c.req.valid("query"));
        const key = `stats ${JSON.stringify(query ?? null)}`;
        const { series, ...totals } = await reader.share(key, sharedForMs.live, (db) => readStats(db, query));
        if (!query || !series) return c.json(totals, 200);
        if (series.length > maxSeriesPoints) throw tooWide();
        return c.json({ ...totals, series: { bucket: query.bucket, data: series } }, 200);
    });
}

interface StatsParameters {
    from?: string | undefined;
    to?: string | undefined;
    bucket?: SeriesQuery["bucket"] | undefined;
    event_type?: string | undefined;
}

function toSeriesQuery({ from, to, bucket, event_type: eventType }: StatsParameters): SeriesQuery | undefined {
    if (from !== undefined && to !== undefined && Date.parse(from) >= Date.parse(to)) {
        throw new Problem({ code: "invalid_parameter", detail: "`to` must be later than `from`.", parameter: "to" });
    }
    const asksForSeries = [from, to, bucket, eventType].some((value) => value !== undefined);
    return asksForSeries ? { bucket: bucket ?? "hour", from, to, eventType } : undefined;
}

function tooWide(): Problem {
    return new Problem({
        code: "range_too_wide",
        detail: `At most ${maxSeriesPoints} points: narrow from and to, take a wider bucket, or one event_type.`,
        parameter: "from",
    });
}
