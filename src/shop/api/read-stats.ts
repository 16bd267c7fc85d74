/** Totals and series from the ledger and the rollups. Never touches `events`. */

import { z } from "@hono/zod-openapi";
import { type SQL, sql } from "drizzle-orm";
import { totals } from "../../database/schema.ts";
import { program } from "../../environment.ts";
import type { Database } from "../../server/api/reader.ts";
import {
    countSchema,
    instantSchema,
    isoInstant,
    jsonOf,
    moneySchema,
    recordCounts,
    sumOutcomes,
} from "../../server/api/shapes.ts";
import { eventStats } from "../schema.ts";

export const buckets = ["minute", "hour", "day"] as const;
export type Bucket = (typeof buckets)[number];

/** Event types times buckets: about three days of minutes. */
export const maxSeriesPoints = 20_000;

export interface SeriesQuery {
    bucket: Bucket;
    /** Inclusive and exclusive, compared with the beginning of a bucket; each may be left out. */
    from?: string | undefined;
    to?: string | undefined;
    eventType?: string | undefined;
}

const eventSums = { events: countSchema, quantity: countSchema, revenue: moneySchema };

export const statsSchema = z
    .object({
        asOf: instantSchema.openapi({ description: "The database's clock at the snapshot of all numbers." }),
        records: z.object(recordCounts).openapi({
            description: "Read is the sum of the outcomes, over all committed batches.",
        }),
        totals: z.object(eventSums),
        eventTypes: z.array(z.object({ eventType: z.string(), ...eventSums })),
        pruned: z.array(z.object({ eventType: z.string(), ...eventSums })).openapi({
            description: `Events deleted for their age (${program} prune). Only \`records\` includes them.`,
        }),
        series: z
            .object({
                bucket: z.enum(buckets),
                data: z.array(z.object({ bucket: instantSchema, eventType: z.string(), ...eventSums })),
            })
            .optional()
            .openapi({
                description:
                    "Present if bucket, from, to or event_type was given. By event time; a bucket without events has no row. " +
                    "Minutes are kept only for recent event times.",
            }),
    })
    .openapi("Stats");
export type Stats = z.infer<typeof statsSchema>;

/**
 * Everything from one statement, so from one snapshot: read is the sum of the outcomes, and
 * inserted = the events of all types (those that were pruned or displaced included), in every answer. At most maxSeriesPoints + 1 points come back.
 */
export async function readStats(db: Database, series?: SeriesQuery): Promise<Stats> {
    const [row] = await db.execute<Stats>(sql`
        select
            ${isoInstant(sql`statement_timestamp()`)} as "asOf",
            (${outcomes}) as "records",
            (${eventTotals}) as "totals",
            (${sumsByType("total")}) as "eventTypes",
            (${sumsByType("pruned")}) as "pruned"
            ${series ? sql`, (${seriesOf(series)}) as "series"` : sql``}
    `);
    return row!;
}

const sums = sql`
    'events', coalesce(sum(${eventStats.events}), 0),
    'quantity', coalesce(sum(${eventStats.quantity}), 0),
    'revenue', round(coalesce(sum(${eventStats.revenue}), 0), 2)::text
`;

const outcomes = sql`select ${jsonOf(sumOutcomes(totals))} from ${totals}`;

const eventTotals = sql`select json_build_object(${sums}) from ${eventStats} where ${eventStats.grain} = 'total'`;

const sumsByType = (grain: "total" | "pruned") => sql`
    select coalesce(json_agg(type_totals.sums order by type_totals.event_type), '[]')
    from (
        select
            ${eventStats.eventType} as event_type,
            json_build_object('eventType', ${eventStats.eventType}, ${sums}) as sums
        from ${eventStats}
        where ${eventStats.grain} = ${grain}
        group by ${eventStats.eventType}
    ) as type_totals
`;

function seriesOf({ bucket, from, to, eventType }: SeriesQuery): SQL {
    return sql`
        select json_build_object(
            'bucket', ${bucket}::text,
            'data', coalesce(json_agg(points.point order by points.bucket, points.event_type), '[]')
        )
        from (
            select
                ${eventStats.bucket} as bucket,
                ${eventStats.eventType} as event_type,
                json_build_object(
                    'bucket', ${isoInstant(eventStats.bucket)}, 'eventType', ${eventStats.eventType}, ${sums}
                ) as point
            from ${eventStats}
            where ${eventStats.grain} = ${bucket}
            ${from === undefined ? sql`` : sql`and ${eventStats.bucket} >= ${from}::timestamptz`}
            ${to === undefined ? sql`` : sql`and ${eventStats.bucket} < ${to}::timestamptz`}
            ${eventType === undefined ? sql`` : sql`and ${eventStats.eventType} = ${eventType}`}
            group by ${eventStats.bucket}, ${eventStats.eventType}
            limit ${maxSeriesPoints + 1}
        ) as points
    `;
}
