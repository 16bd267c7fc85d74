/** `GET /v1/stats` */
import { createRoute, z } from "@hono/zod-openapi";
import type { Api, Context } from "../../server/api/api.ts";
import { sharedForMs } from "../../server/api/api.ts";
import { Problem, problemResponses } from "../../server/api/problem.ts";
import {
    countSchema,
    instantParameterSchema,
    instantSchema,
    moneySchema,
    recordCounts,
    textSchema,
} from "../../server/api/shapes.ts";
import { buckets, maxSeriesPoints, readStats, type SeriesQuery } from "./read-stats.ts";

const eventSums = { events: countSchema, quantity: countSchema, revenue: moneySchema };

export const statsSchema = z
    .object({
        asOf: instantSchema.openapi({ description: "The database's clock at the snapshot that every number is from." }),
        records: z.object(recordCounts).openapi({
            description: "read = inserted + duplicate + conflict + rejected, over all committed batches.",
        }),
        totals: z.object(eventSums),
        eventTypes: z.array(z.object({ eventType: z.string(), ...eventSums })),
        pruned: z.array(z.object({ eventType: z.string(), ...eventSums })).openapi({
            description:
                "Of events that were removed for their age (bun run prune). They are in records, and in no other sum.",
        }),
        series: z
            .object({
                bucket: z.enum(buckets),
                data: z.array(z.object({ bucket: instantSchema, eventType: z.string(), ...eventSums })),
            })
            .optional()
            .openapi({
                description:
                    "Only when bucket, from, to or event_type was given. By event time; a bucket without events has " +
                    "no row. Minutes are kept for recent event time only.",
            }),
    })
    .openapi("Stats");

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
    responses: {
        200: {
            description: "Committed facts of one snapshot",
            content: { "application/json": { schema: statsSchema } },
        },
        ...problemResponses(400, 503),
    },
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
