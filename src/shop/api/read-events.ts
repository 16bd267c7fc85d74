/** A page of `events`, newest event time first. Walks idx_events_timestamp, or the index of a filter; never the table. */
import { z } from "@hono/zod-openapi";
import { and, desc, eq, sql } from "drizzle-orm";
import type { Database } from "../../server/api/reader.ts";
import { idSchema, instantSchema, isoInstant, moneySchema, splitColumns } from "../../server/api/shapes.ts";
import { events } from "../schema.ts";

/** Longer attributes are left out of lists: 200 records of 1 MiB are no page. */
const attributesFit = sql`octet_length(${events.attributes}::text) <= 16384`;

const { shape, fields } = splitColumns({
    eventId: [z.uuid(), events.eventId],
    eventType: [z.string(), events.eventType],
    productId: [z.string(), events.productId],
    userId: [z.string(), events.userId],
    eventTimestamp: [instantSchema, isoInstant(events.eventTimestamp)],
    quantity: [z.number().int().nonnegative().nullable(), events.quantity],
    price: [moneySchema.nullable(), events.price],
    attributes: [
        z.record(z.string(), z.unknown()).nullable().openapi({
            description: "Columns of the file that `events` does not have.",
        }),
        sql<Record<string, unknown> | null>`case when ${attributesFit} then ${events.attributes} end`,
    ],
    attributesOmitted: [
        z.boolean().openapi({ description: "True if attributes over 16 KiB were omitted." }),
        sql<boolean>`(${attributesFit}) is false`,
    ],
    createdAt: [instantSchema.openapi({ description: "When it was inserted." }), isoInstant(events.createdAt)],
    chunkId: [idSchema, events.chunkId],
    recordNo: [idSchema, events.recordNo],
});

export const eventSchema = z.object(shape).openapi("Event");
export type ShopEvent = z.infer<typeof eventSchema>;

export interface EventsQuery {
    limit: number;
    /** Time and id. With microseconds: a Date would lose three digits, and the page after would skip or repeat events. */
    after?: [string, string] | undefined;
    eventType?: string | undefined;
    userId?: string | undefined;
    productId?: string | undefined;
}

/**
 * One row more than `limit`, so that the caller knows whether there is a next page.
 *
 * The order is total (event_timestamp, event_id), so equal timestamps are neither skipped nor repeated. The row
 * comparison lets Postgres enter idx_events_timestamp at the key and sort only within equal timestamps.
 */
export function selectEvents(db: Database, { limit, after, eventType, userId, productId }: EventsQuery) {
    return db
        .select(fields)
        .from(events)
        .where(
            and(
                eventType === undefined ? undefined : eq(events.eventType, eventType),
                userId === undefined ? undefined : eq(events.userId, userId),
                productId === undefined ? undefined : eq(events.productId, productId),
                after &&
                    sql`(${events.eventTimestamp}, ${events.eventId}) < (${after[0]}::timestamptz, ${after[1]}::uuid)`,
            ),
        )
        .orderBy(desc(events.eventTimestamp), desc(events.eventId))
        .limit(limit + 1);
}
