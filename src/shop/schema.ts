/** The tables of the built-in stream: its own, and the sums that are kept beside it. */
import { sql } from "drizzle-orm";
import { index, integer, jsonb, numeric, pgTable, primaryKey, text, uuid, varchar } from "drizzle-orm/pg-core";
import { count, ingest, instant } from "../database/schema.ts";

/** The table that consumers read. Only the merge writes it. */
export const events = pgTable(
    "events",
    {
        eventId: uuid("event_id").primaryKey(),
        eventType: varchar("event_type", { length: 50 }).notNull(),
        productId: varchar("product_id", { length: 100 }).notNull(),
        userId: varchar("user_id", { length: 100 }).notNull(),
        eventTimestamp: instant("event_timestamp").notNull(),
        quantity: integer("quantity"),
        price: numeric("price", { precision: 10, scale: 2 }),
        /** Columns of the file that we don't know, by name; null when there are none. */
        attributes: jsonb("attributes"),
        createdAt: instant("created_at").notNull().default(sql`now()`),
        chunkId: count("chunk_id").notNull(),
        recordNo: count("record_no").notNull(),
    },
    (table) => [
        index("idx_events_event_type").on(table.eventType),
        index("idx_events_user_id").on(table.userId),
        index("idx_events_product_id").on(table.productId),
        index("idx_events_timestamp").on(table.eventTimestamp),
    ],
);

/** The known types: a row adds a type. */
export const eventTypes = ingest.table("event_types", {
    eventType: varchar("event_type", { length: 50 }).primaryKey(),
});

/** Counts by event type and time. The grain `total` has one row per type, at bucket 1970-01-01. */
export const eventStats = ingest.table(
    "event_stats",
    {
        /**
         * total | day | hour | minute: of the events that there are; minutes are kept for recent event time only.
         * pruned: of those that were removed for their age, one row per type like total.
         */
        grain: text("grain").notNull(),
        bucket: instant("bucket").notNull(),
        eventType: varchar("event_type", { length: 50 }).notNull(),
        events: count("events").notNull(),
        quantity: count("quantity").notNull(),
        /** Sum of quantity × price over purchases. */
        revenue: numeric("revenue").notNull(),
    },
    (table) => [primaryKey({ columns: [table.grain, table.bucket, table.eventType] })],
);

/** Counts by product. The grain `total` has one row per product, at bucket 1970-01-01. */
export const productStats = ingest.table(
    "product_stats",
    {
        /** total | day. Days are kept for event time that was not older than 35 days when it was merged. */
        grain: text("grain").notNull(),
        bucket: instant("bucket").notNull(),
        productId: varchar("product_id", { length: 100 }).notNull(),
        events: count("events").notNull(),
        purchases: count("purchases").notNull(),
        /** Quantity and revenue (the sum of quantity × price) count purchases only. */
        quantity: count("quantity").notNull(),
        revenue: numeric("revenue").notNull(),
    },
    (table) => [primaryKey({ columns: [table.grain, table.bucket, table.productId] })],
);
