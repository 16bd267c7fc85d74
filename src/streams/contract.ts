/**
 * What is particular to this stream: the columns of an event record as files name them. Its rules, rollups and table
 * are in sql/events/. The engine (src/engine, sql/engine) takes the rest from the ledger.
 */
export const eventColumns = [
    "event_id",
    "event_type",
    "product_id",
    "user_id",
    "event_timestamp",
    "quantity",
    "price",
] as const;

export type EventColumn = (typeof eventColumns)[number];

/** What makes a record the same as another, and decides its slice. */
export const keyColumn: EventColumn = "event_id";

/** A file without one of these fails; the others are null when a file lacks them. */
export const requiredColumns: readonly EventColumn[] = [
    "event_id",
    "event_type",
    "product_id",
    "user_id",
    "event_timestamp",
];

/** How many columns that we don't know the raw way can stage (extra_1 … in sql/engine/staging.sql). */
export const stagedExtraColumns = 16;
