/** What the checks of the sums must see; like corruptions.ts. */
import type { Corruption } from "./corruptions.ts";

/** Whoever damages what is summed up makes these fail as well, by their nature. */
export const sumChecks = [
    "balance_inserted_events",
    "recount_files",
    "recount_products",
    "recount_rejects",
    "recount_totals",
];

export const sumCorruptions: Corruption[] = [
    ...["batches", "read", "inserted", "duplicate", "conflict", "rejected", "displaced"].map((column) => ({
        check: "recount_totals",
        what: `a total of another number: ${column}`,
        corrupt: `update ingest.totals set ${column} = ${column} + 1 where kind = 'merge'`,
        row: { kind: "merge" },
    })),
    ...["batches", "read", "inserted", "duplicate", "conflict", "rejected", "displaced"].map((column) => ({
        check: "recount_totals",
        what: `batches that were pruned, of another number: ${column}`,
        corrupt: `update ingest.pruned_totals set ${column} = ${column} + 1`,
        row: { kind: "merge" },
    })),
    {
        check: "balance_inserted_events",
        what: "an event that is gone from the sums and not counted as pruned",
        corrupt: "update ingest.event_stats set events = events - 1 where event_type = 'view'",
        row: { inserted: 12, displaced: 1, events: 8, pruned: 2 },
        alsoFails: ["recount_rollups"],
    },
    {
        check: "balance_inserted_events",
        what: "an event that is counted as pruned and is there",
        corrupt: "update ingest.event_stats set events = events + 1 where grain = 'pruned'",
        row: { inserted: 12, displaced: 1, events: 9, pruned: 3 },
    },
    {
        check: "recount_totals",
        what: "replays that nobody added up",
        corrupt: "delete from ingest.totals where kind = 'replay'",
        row: { kind: "replay", read: null, summed_read: 3 },
    },
    {
        check: "recount_totals",
        what: "a total of batches that there are not",
        corrupt: "insert into ingest.totals values ('other', 0, 0, 0, 0, 0, 0, 0)",
        row: { kind: "other", summed_batches: null },
    },
    {
        check: "recount_files",
        what: "a file more in a state than there are",
        corrupt: "insert into ingest.file_changes values ('merged', 1)",
        row: { state: "merged", files: 5, recounted_files: 4 },
    },
    {
        check: "recount_files",
        what: "a state that was not counted",
        corrupt: "delete from ingest.file_changes where state = 'failed'",
        row: { state: "failed", files: null, recounted_files: 1 },
    },
    {
        check: "recount_files",
        what: "a state that no file is in",
        corrupt: "insert into ingest.file_stats values ('other', 2)",
        row: { state: "other", files: 2, recounted_files: null },
    },
    ...["rejects", "resolved", "last_reject_id"].map((column) => ({
        check: "recount_rejects",
        what: `a reason with another number: ${column}`,
        corrupt: `update ingest.reject_stats set ${column} = ${column} + 1 where reason = 'user_id_missing'`,
        row: { kind: "rejected", reason: "user_id_missing" },
    })),
    ...["first_rejected_at", "last_rejected_at"].map((column) => ({
        check: "recount_rejects",
        what: `a reason of another time: ${column}`,
        corrupt: `update ingest.reject_stats set ${column} = '2024-03-01' where reason = 'event_id_conflict'`,
        row: { kind: "conflict", reason: "event_id_conflict" },
    })),
    {
        check: "recount_rejects",
        what: "a reason that was not counted",
        corrupt: "delete from ingest.reject_stats where reason = 'price_invalid'",
        row: { reason: "price_invalid", rejects: null, recounted_rejects: 2 },
    },
    {
        check: "recount_rejects",
        what: "a reason that no reject has",
        corrupt: "insert into ingest.reject_stats values ('2024-03-01', 'rejected', 'x', 1, 0, now(), now(), 1)",
        row: { day: "2024-03-01", reason: "x", recounted_rejects: null },
    },
    ...["events", "purchases", "quantity", "revenue"].flatMap((column) =>
        ["total", "day"].map((grain) => ({
            check: "recount_products",
            what: `a product with another number by ${grain}: ${column}`,
            corrupt: `
                update ingest.product_stats set ${column} = ${column} + 1
                where grain = '${grain}' and product_id = 'p3'`,
            row: { grain, product_id: "p3" },
        })),
    ),
    {
        check: "recount_products",
        what: "a sum of all products that is off, where some have no row of their own",
        corrupt: `
            update ingest.product_stats set product_id = '' where grain = 'total' and product_id = 'p9';
            update ingest.product_stats set quantity = quantity + 1 where grain = 'total' and product_id = 'p1'`,
        row: { grain: "total", product_id: "", quantity: 7, recounted_quantity: 6 },
    },
    {
        check: "recount_products",
        what: "a product that was not counted",
        corrupt: "delete from ingest.product_stats where product_id = 'p4'",
        row: { product_id: "p4", events: null, recounted_events: 1 },
    },
    {
        check: "recount_products",
        what: "a product that no event names",
        corrupt: "insert into ingest.product_stats values ('total', 'epoch', 'p0', 1, 0, 0, 0)",
        row: { product_id: "p0", events: 1, recounted_events: null },
    },
];
