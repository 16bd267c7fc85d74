/** A page of `events`, newest event time first. Walks idx_events_timestamp, or the index of a filter; never the table. */
import { and, desc, eq, type SQL, sql } from "drizzle-orm";
import { events } from "../../database/schema.ts";
import type { Database } from "../../server/api/reader.ts";
import { isoInstant } from "../../server/api/shapes.ts";

/** Longer attributes are left out of lists: 200 records of 1 MiB are no page. */
const maxAttributesBytes = 16_384;

export interface EventKey {
    /** With microseconds: a Date would lose three digits, and the page after would skip or repeat events. */
    eventTimestamp: string;
    eventId: string;
}

export interface EventsQuery {
    limit: number;
    after?: EventKey | undefined;
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
export function selectEvents(db: Database, query: EventsQuery) {
    const attributesFit = sql`octet_length(${events.attributes}::text) <= ${maxAttributesBytes}`;
    return db
        .select({
            eventId: events.eventId,
            eventType: events.eventType,
            productId: events.productId,
            userId: events.userId,
            eventTimestamp: isoInstant(events.eventTimestamp),
            quantity: events.quantity,
            price: events.price,
            attributes: sql<Record<string, unknown> | null>`case when ${attributesFit} then ${events.attributes} end`,
            attributesOmitted: sql<boolean>`(${attributesFit}) is false`,
            createdAt: isoInstant(events.createdAt),
            chunkId: events.chunkId,
            recordNo: events.recordNo,
        })
        .from(events)
        .where(and(...conditions(query)))
        .orderBy(desc(events.eventTimestamp), desc(events.eventId))
        .limit(query.limit + 1);
}

function conditions({ after, eventType, userId, productId }: EventsQuery): (SQL | undefined)[] {
    return [
        eventType === undefined ? undefined : eq(events.eventType, eventType),
        userId === undefined ? undefined : eq(events.userId, userId),
        productId === undefined ? undefined : eq(events.productId, productId),
        after &&
            sql`(${events.eventTimestamp}, ${events.eventId}) < (${after.eventTimestamp}::timestamptz, ${after.eventId}::uuid)`,
    ];
}
