/** One thing gone wrong in the database of consistent-ledger.sql, and the checks that must see it. */
export interface Corruption {
    /** Completes "sees …". */
    what: string;
    corrupt: string;
    /** Values that the check's row, or one of its rows, must show. */
    row: Record<string, unknown>;
    /** Other checks that the same damage breaks by its nature. */
    alsoFails?: string[];
}

const firstEvent = "event_id = '00000000-0000-4000-8000-000000000001'";
const purchase = "event_id = '00000000-0000-4000-8000-00000000000a'";

/** By the check that must see it. */
export const corruptions: Record<string, Corruption[]> = {
    balance_batch_counts: [
        {
            what: "a batch that counts a record more than its chunks",
            corrupt: "update ingest.batches set read = read + 1, duplicate = duplicate + 1 where batch_id = 2",
            row: { batch_id: 2, read: 3, merged_read: 2 },
        },
        {
            what: "a batch whose four counts are not what it read",
            corrupt: "update ingest.batches set conflict = conflict + 1 where batch_id = 2",
            row: { batch_id: 2, conflict: 1, merged_conflict: 0 },
        },
        {
            what: "a batch that names another number of chunks",
            corrupt: "update ingest.batches set chunks = 1 where batch_id = 3",
            row: { batch_id: 3, chunks: 1, merged_chunks: 2 },
        },
        {
            what: "a batch that is missing",
            corrupt: "delete from ingest.batches where batch_id = 4",
            row: { batch_id: 4, read: null, merged_read: 2 },
        },
        {
            what: "a batch that displaced another number of events than its chunks lost",
            corrupt: "update ingest.batches set displaced = 0 where batch_id = 7",
            row: { batch_id: 7, displaced: 0, merged_displaced: 1 },
        },
    ],
    balance_chunk_counts: [
        {
            what: "a merged chunk that has more records than were read",
            corrupt: "update ingest.chunks set records = 3, first_record_no = 4 where chunk_id = 2",
            row: { chunk_id: 2, records: 3, read: 2 },
            alsoFails: ["balance_file_counts"],
        },
        {
            what: "a chunk that read more than it has",
            corrupt: `
            update ingest.chunk_merges set read = read + 2, duplicate = duplicate + 2 where chunk_id = 5;
            update ingest.batches set read = read + 2, duplicate = duplicate + 2 where batch_id = 6`,
            row: { chunk_id: 5, records: 2, read: 3 },
        },
        {
            what: "a merge whose four counts are not what it read",
            corrupt: `
            update ingest.chunk_merges set read = read + 1 where chunk_id = 5;
            update ingest.batches set read = read + 1, duplicate = duplicate + 1 where batch_id = 6`,
            row: { chunk_id: 5, read: 2, inserted: 1, duplicate: 0 },
            alsoFails: ["balance_batch_counts"],
        },
        {
            what: "a count below zero",
            corrupt: `
            update ingest.chunk_merges set read = 0, duplicate = -1 where chunk_id = 5;
            update ingest.batches set read = 0, duplicate = -1 where batch_id = 6`,
            row: { chunk_id: 5, duplicate: -1 },
        },
        {
            what: "a merge of a chunk that does not exist",
            corrupt: `
            insert into ingest.chunk_merges values (99, 6, 1, 0, 0, 0, 0, 0);
            update ingest.batches set chunks = 2 where batch_id = 6`,
            row: { chunk_id: 99, state: null },
        },
    ],
    balance_file_counts: [
        {
            what: "a merged file of which not every record was read",
            corrupt: "update ingest.files set state = 'merged' where file_id = 3",
            row: { file_id: 3, records: 2, read: 1 },
            alsoFails: ["find_half_merged_files"],
        },
    ],
    balance_inserted_events: [
        {
            what: "an event that is gone from the sums and not counted as pruned",
            corrupt: "update ingest.event_stats set events = events - 1 where event_type = 'view'",
            row: { inserted: 12, displaced: 1, events: 8, pruned: 2 },
            alsoFails: ["recount_rollups"],
        },
        {
            what: "an event that is counted as pruned and is there",
            corrupt: "update ingest.event_stats set events = events + 1 where grain = 'pruned'",
            row: { inserted: 12, displaced: 1, events: 9, pruned: 3 },
        },
    ],
    balance_replays: [
        {
            what: "a reject that names no replay as what resolved it",
            corrupt: "update ingest.rejects set resolution = 'duplicate' where chunk_id = 2 and batch_id = 3",
            row: { chunk_id: 2, batch_id: null, resolved: 1 },
        },
        {
            what: "a reject that says it was resolved by a merge",
            corrupt: `
            update ingest.rejects set resolved_by_batch = 6, resolution = 'duplicate'
            where chunk_id = 2 and batch_id = 3`,
            row: { chunk_id: 2, batch_id: 6, resolved: 1 },
        },
        {
            what: "a replay that read a reject more than name it",
            corrupt: `
            update ingest.chunk_merges set read = read + 1, duplicate = duplicate + 1 where batch_id = 7;
            update ingest.batches set read = read + 1, duplicate = duplicate + 1 where batch_id = 7`,
            row: { chunk_id: 8, batch_id: 7, read: 4, resolved: 3 },
        },
        {
            what: "a reject that became another thing than its replay says",
            corrupt: "update ingest.rejects set resolution = 'duplicate' where resolution = 'rejected'",
            row: { chunk_id: 8, batch_id: 7, rejected: 1, resolved_rejected: 0 },
        },
        {
            what: "a replay that claims a slice",
            corrupt: "update ingest.chunk_merges set slices = 1 where batch_id = 7",
            row: { chunk_id: 8, batch_id: 7, slices: 1 },
            alsoFails: ["balance_chunk_counts", "balance_file_counts", "match_merged_slices"],
        },
    ],
    count_inserted_events: [
        {
            what: "more events of a pruned chunk than it had records",
            corrupt: `
            update public.events set chunk_id = 9, record_no = 3 where chunk_id in (1, 3);
            delete from ingest.chunk_merges where chunk_id in (1, 3);
            delete from ingest.batches where batch_id in (1, 2, 4)`,
            row: { chunk_id: 9, events: 4 },
            alsoFails: [
                "balance_chunk_counts",
                "balance_file_counts",
                "count_rejects",
                "match_merged_slices",
                "trace_rejects",
                "trace_singly",
            ],
        },
        {
            what: "an event that moved to another chunk",
            corrupt: `update public.events set chunk_id = 5, record_no = 2 where ${purchase}`,
            row: { chunk_id: 1, inserted: 2, events: 1 },
        },
        {
            what: "an event that is gone",
            corrupt: `delete from public.events where ${firstEvent}`,
            row: { chunk_id: 1, inserted: 2, events: 1 },
            alsoFails: ["recount_rollups"],
        },
        {
            what: "an event that is there although a replay displaced it",
            corrupt: `
            insert into public.events (event_id, event_type, product_id, user_id, event_timestamp, chunk_id, record_no)
            values ('00000000-0000-4000-8000-000000000012', 'view', 'p9', 'u9', '2024-03-05', 8, 1)`,
            row: { chunk_id: 8, inserted: 2, events: 3 },
            alsoFails: ["recount_rollups", "trace_singly"],
        },
    ],
    count_rejects: [
        {
            what: "a reject of a pruned chunk that no replay has left",
            corrupt: "update ingest.rejects set chunk_id = 9 where chunk_id = 1",
            row: { chunk_id: 9, kept_rejected: 1, rejected: 0 },
            alsoFails: ["trace_rejects"],
        },
        {
            what: "a reject that is gone",
            corrupt: "delete from ingest.rejects where chunk_id = 1",
            row: { chunk_id: 1, rejected: 1, kept_rejected: 0 },
        },
        {
            what: "a conflict that is gone",
            corrupt: "delete from ingest.rejects where chunk_id = 4",
            row: { chunk_id: 4, conflict: 1, kept_conflict: 0 },
        },
        {
            what: "a reject of a kind that nobody counts",
            // Those from before the constraint were not looked at when it was made.
            corrupt: `
            alter table ingest.rejects drop constraint rejects_kind;
            insert into ingest.rejects (chunk_id, record_no, batch_id, kind, reasons, raw_text)
            values (5, 2, 6, 'other', '{stray_quote}', 'x')`,
            row: { chunk_id: 5, kept: 1 },
        },
        {
            what: "a displaced event that was not kept",
            corrupt: "delete from ingest.rejects where resolution = 'displaced'",
            row: { chunk_id: 8, batch_id: 7, conflict: 1, kept_conflict: 0 },
        },
    ],
    cover_file_ranges: [
        {
            what: "a gap in the bytes",
            corrupt: "update ingest.chunks set first_byte = 301 where chunk_id = 2",
            row: { chunk_id: 2, reached_byte: 300, first_byte: 301 },
        },
        {
            what: "a gap before the first chunk",
            corrupt: "update ingest.chunks set first_byte = 1 where chunk_id = 5",
            row: { chunk_id: 5, reached_byte: 0, first_byte: 1 },
        },
        {
            what: "a gap in the record numbers",
            corrupt: `
            update ingest.chunks set first_record_no = 2 where chunk_id = 6;
            update ingest.files set loaded_records = 1 where file_id = 4`,
            row: { chunk_id: 6, reached_record_no: 0, first_record_no: 2 },
        },
        {
            what: "a file loaded further than its chunks reach",
            corrupt: "update ingest.files set loaded_bytes = 410 where file_id = 1",
            row: { file_id: 1, reached_byte: 410, end_byte: 400 },
        },
        {
            what: "a file with more records than its chunks",
            corrupt: "update ingest.files set loaded_records = 7 where file_id = 1",
            row: { file_id: 1, reached_record_no: 7, last_record_no: 6 },
        },
        {
            what: "a loaded file without any chunk",
            corrupt: "update ingest.files set loaded_bytes = 90 where file_id = 5",
            row: { file_id: 5, chunk_id: null },
        },
    ],
    find_conflicts_without_event: [
        ...["00000000-0000-4000-8000-0000000000ff", "no uuid"].map(
            (eventId): Corruption => ({
                what: `a conflict with ${eventId}, which is no event`,
                corrupt: `
                alter table ingest.rejects disable trigger note_edited_reject;
                update ingest.rejects set record = jsonb_set(record, '{event_id}', '"${eventId}"')
                where chunk_id = 2`,
                row: { chunk_id: 2, event_id: eventId },
            }),
        ),
        {
            what: "a conflict that does not say with what",
            corrupt: `
            alter table ingest.rejects disable trigger note_edited_reject;
            update ingest.rejects set record = record - 'event_id' where chunk_id = 2`,
            row: { chunk_id: 2, event_id: null },
        },
    ],
    find_half_merged_chunks: [
        {
            what: "a merged chunk with one slice merged",
            corrupt: `
            update ingest.chunks set merged_slices = 1 where chunk_id = 6;
            update ingest.chunk_merges set slices = 1 where chunk_id = 6`,
            row: { chunk_id: 6, state: "merged", merged_slices: 1 },
        },
        {
            what: "a chunk with every slice merged that is not shown as merged",
            corrupt: `
            update ingest.chunks set merged_slices = 65535 where chunk_id = 5;
            update ingest.chunk_merges set slices = 65535 where chunk_id = 5`,
            row: { chunk_id: 5, state: "staged", merged_slices: 65535 },
        },
    ],
    find_deferred_indexes: [
        {
            what: "an index that is deferred while no ingest is at work",
            corrupt: `
            insert into ingest.deferred_indexes (table_name, schema_name, index_name, definition, tablespace)
            values ('public.events', 'public', 'events_by_day', 'create index', '')`,
            row: { table_name: "public.events", index_name: "events_by_day", problem: null },
        },
    ],
    find_half_merged_files: [
        {
            what: "a merged file with a failed chunk",
            corrupt: `
            update ingest.chunks set state = 'failed', merged_slices = 0 where chunk_id = 6;
            delete from ingest.chunk_merges where chunk_id = 6;
            update ingest.batches set chunks = 1 where batch_id = 3`,
            row: { file_id: 4, chunk_id: 6, chunk_state: "failed" },
        },
    ],
    find_orphan_staged_rows: [
        {
            what: "a staged row of a load that nobody knows",
            corrupt: "insert into ingest.staging (load_id, chunk_id, record_no, slice_no) values (99, 5, 1, 0)",
            row: { load_id: 99, staged_rows: 1, state: null },
        },
        {
            what: "a staged row of a load that was swept",
            corrupt: "insert into ingest.staging (load_id, chunk_id, record_no, slice_no) values (2, 4, 2, 0)",
            row: { load_id: 2, state: "swept" },
        },
    ],
    find_repeated_event_ids: [
        {
            what: "two events with one id",
            corrupt: `
            alter table public.events drop constraint events_pkey;
            update public.events set event_id = '00000000-0000-4000-8000-00000000000a' where ${firstEvent}`,
            row: { event_id: "00000000-0000-4000-8000-00000000000a", events: 2 },
        },
    ],
    find_staged_chunks_without_load: [
        {
            what: "a staged chunk of an abandoned load",
            corrupt: "update ingest.loads set state = 'abandoned' where load_id = 3",
            row: { chunk_id: 5, load_state: "abandoned" },
        },
        {
            what: "a staged chunk that names no load",
            corrupt: "update ingest.chunks set load_id = null where chunk_id = 5",
            row: { chunk_id: 5, load_id: null },
        },
    ],
    match_merged_slices: [
        {
            what: "a merge of a pruned chunk in a slice that it has not merged",
            corrupt: `
            update ingest.chunks set merged_slices = 65534 where chunk_id = 9;
            insert into ingest.chunk_merges values (9, 6, 1, 0, 0, 0, 0, 0);
            update ingest.batches set chunks = 2 where batch_id = 6`,
            row: { chunk_id: 9, merged_slices: 65534, slices_of_merges: 1 },
            alsoFails: ["find_half_merged_chunks"],
        },
        {
            what: "a slice that was merged twice",
            corrupt: "update ingest.chunk_merges set slices = slices | 1 where chunk_id = 1 and batch_id = 2",
            row: { chunk_id: 1, slices_of_merges: 65535, summed_slices_of_merges: 65536 },
        },
        {
            what: "a slice that no batch has merged",
            corrupt: "update ingest.chunks set merged_slices = 3 where chunk_id = 5",
            row: { chunk_id: 5, merged_slices: 3, slices_of_merges: 1 },
        },
    ],
    match_streams: (
        [
            ["chunks", "chunk_id = 6", "chunk of a file", 6],
            ["loads", "load_id = 3", "chunk of a load", 5],
            ["rejects", "reject_id = 1", "reject of a chunk", 1],
            ["files", "file_id = 5", "file of a stream", 5],
            ["batches", "batch_id = 6", "batch of a chunk", 6],
        ] as const
    ).map(([table, place, what, id]) => ({
        what: `${table} of another stream: ${what}`,
        corrupt: `update ingest.${table} set stream_id = 1 where ${place}`,
        row: { what, id },
    })),
    recount_files: [
        {
            what: "a file more in a state than there are",
            corrupt: "insert into ingest.file_changes values ('merged', 1)",
            row: { state: "merged", files: 5, recounted_files: 4 },
        },
        {
            what: "a state that was not counted",
            corrupt: "delete from ingest.file_changes where state = 'failed'",
            row: { state: "failed", files: null, recounted_files: 1 },
        },
        {
            what: "a state that no file is in",
            corrupt: "insert into ingest.file_stats values ('other', 2)",
            row: { state: "other", files: 2, recounted_files: null },
        },
    ],
    recount_products: [
        ...["events", "purchases", "quantity", "revenue"].flatMap((column) =>
            ["total", "day"].map((grain) => ({
                what: `a product with another number by ${grain}: ${column}`,
                corrupt: `
                update ingest.product_stats set ${column} = ${column} + 1
                where grain = '${grain}' and product_id = 'p3'`,
                row: { grain, product_id: "p3" },
            })),
        ),
        {
            what: "a sum of all products that is off, where some have no row of their own",
            corrupt: `
            update ingest.product_stats set product_id = '' where grain = 'total' and product_id = 'p9';
            update ingest.product_stats set quantity = quantity + 1 where grain = 'total' and product_id = 'p1'`,
            row: { grain: "total", product_id: "", quantity: 7, recounted_quantity: 6 },
        },
        {
            what: "a product that was not counted",
            corrupt: "delete from ingest.product_stats where product_id = 'p4'",
            row: { product_id: "p4", events: null, recounted_events: 1 },
        },
        {
            what: "a product that no event names",
            corrupt: "insert into ingest.product_stats values ('total', 'epoch', 'p0', 1, 0, 0, 0)",
            row: { product_id: "p0", events: 1, recounted_events: null },
        },
    ],
    recount_rejects: [
        ...["rejects", "resolved", "last_reject_id"].map((column) => ({
            what: `a reason with another number: ${column}`,
            corrupt: `update ingest.reject_stats set ${column} = ${column} + 1 where reason = 'user_id_missing'`,
            row: { kind: "rejected", reason: "user_id_missing" },
        })),
        ...["first_rejected_at", "last_rejected_at"].map((column) => ({
            what: `a reason of another time: ${column}`,
            corrupt: `update ingest.reject_stats set ${column} = '2024-03-01' where reason = 'event_id_conflict'`,
            row: { kind: "conflict", reason: "event_id_conflict" },
        })),
        {
            what: "a reason that was not counted",
            corrupt: "delete from ingest.reject_stats where reason = 'price_invalid'",
            row: { reason: "price_invalid", rejects: null, recounted_rejects: 2 },
        },
        {
            what: "a reason that no reject has",
            corrupt: "insert into ingest.reject_stats values ('2024-03-01', 'rejected', 'x', 1, 0, now(), now(), 1)",
            row: { day: "2024-03-01", reason: "x", recounted_rejects: null },
        },
    ],
    recount_rollups: [
        ...["total", "day", "hour", "minute"].flatMap((grain): Corruption[] => [
            {
                what: `a wrong count by ${grain}`,
                corrupt: `update ingest.event_stats set events = events + 1 where grain = '${grain}' and event_type = 'view'`,
                row: { grain, event_type: "view" },
            },
            {
                what: `a missing row by ${grain}`,
                corrupt: `delete from ingest.event_stats where grain = '${grain}' and event_type = 'purchase'`,
                row: { grain, event_type: "purchase", events: null },
            },
        ]),
        {
            what: "a wrong quantity",
            corrupt: "update ingest.event_stats set quantity = 7 where grain = 'total' and event_type = 'purchase'",
            row: { grain: "total", quantity: 7, recounted_quantity: 6 },
        },
        {
            what: "a revenue that is a cent off",
            corrupt: "update ingest.event_stats set revenue = 54.99 where grain = 'total' and event_type = 'purchase'",
            row: { grain: "total", revenue: 54.99, recounted_revenue: 54.98 },
        },
        {
            what: "a row of a type that has no event",
            corrupt: `
            insert into ingest.event_stats
            values ('day', '2024-03-01 00:00:00+00', 'remove_from_cart', 1, 0, 0)`,
            row: { grain: "day", event_type: "remove_from_cart", recounted_events: null },
        },
    ],
    recount_totals: [
        ...["batches", "read", "inserted", "duplicate", "conflict", "rejected", "displaced"].map((column) => ({
            what: `a total of another number: ${column}`,
            corrupt: `update ingest.totals set ${column} = ${column} + 1 where kind = 'merge'`,
            row: { kind: "merge" },
        })),
        ...["batches", "read", "inserted", "duplicate", "conflict", "rejected", "displaced"].map((column) => ({
            what: `batches that were pruned, of another number: ${column}`,
            corrupt: `update ingest.pruned_totals set ${column} = ${column} + 1`,
            row: { kind: "merge" },
        })),
        {
            what: "replays that nobody added up",
            corrupt: "delete from ingest.totals where kind = 'replay'",
            row: { kind: "replay", read: null, summed_read: 3 },
        },
        {
            what: "a total of batches that there are not",
            corrupt: "insert into ingest.totals values ('other', 0, 0, 0, 0, 0, 0, 0)",
            row: { kind: "other", summed_batches: null },
        },
    ],
    trace_events: [
        {
            what: "an event from beyond the end of its chunk",
            corrupt: `update public.events set record_no = 5 where ${purchase}`,
            row: { chunk_id: 1, record_no: 5, last_record_no: 4 },
        },
        {
            what: "an event from before its chunk",
            corrupt: "update public.events set record_no = 1 where chunk_id = 4",
            row: { chunk_id: 4, record_no: 1, first_record_no: 2 },
        },
        {
            what: "an event of a chunk that no merge has read",
            corrupt: `
            insert into ingest.chunks
                (chunk_id, file_id, first_byte, end_byte, first_record_no, first_line_no, records, content_hash, state)
            values (7, 5, 0, 90, 1, 1, 3, 'hash of 7', 'pending');
            update ingest.files set loaded_bytes = 90, loaded_records = 3 where file_id = 5;
            update public.events set chunk_id = 7 where ${purchase}`,
            row: { chunk_id: 7, record_no: 3, first_record_no: null },
            alsoFails: ["count_inserted_events"],
        },
    ],
    trace_rejects: [
        {
            what: "a reject from beyond the end of its chunk",
            corrupt: "update ingest.rejects set record_no = 5 where chunk_id = 1",
            row: { chunk_id: 1, record_no: 5, last_record_no: 4 },
        },
        {
            what: "a reject of a batch that did not read its chunk",
            corrupt: "update ingest.rejects set batch_id = 3 where chunk_id = 1",
            row: { chunk_id: 1, batch_id: 3, first_record_no: null },
            alsoFails: ["count_rejects"],
        },
        {
            what: "a reject without a reason",
            corrupt: "update ingest.rejects set reasons = '{}' where chunk_id = 1",
            row: { chunk_id: 1, reasons: [] },
        },
        {
            what: "a conflict with a reason of the rules",
            corrupt: "update ingest.rejects set reasons = '{price_invalid}' where chunk_id = 2",
            row: { chunk_id: 2, kind: "conflict" },
        },
        {
            what: "a reject that kept neither values nor text",
            corrupt: "update ingest.rejects set raw_text = null where chunk_id = 1",
            row: { chunk_id: 1, record_no: 2 },
        },
    ],
    trace_singly: [
        {
            what: "a record that is both an event and a reject",
            corrupt: `update public.events set record_no = 2 where ${purchase}`,
            row: { chunk_id: 1, record_no: 2, places: 2 },
        },
        {
            what: "two events from one record",
            corrupt: `update public.events set record_no = 1 where ${purchase}`,
            row: { chunk_id: 1, record_no: 1, places: 2 },
        },
        {
            what: "a record that was displaced and is an event all the same",
            corrupt: "update public.events set record_no = 1 where chunk_id = 8 and record_no = 4",
            row: { chunk_id: 8, record_no: 1, places: 2 },
        },
    ],
    validate_events: [
        {
            what: "a type that is not known",
            corrupt: "delete from ingest.event_types where event_type = 'add_to_cart'",
            row: { event_id: "00000000-0000-4000-8000-000000000004", broken_rules: ["event_type is not a known type"] },
        },
        ...["product_id", "user_id"].flatMap((column) =>
            ["''", "' x'", "E'x\\t'", "E'\\x0bx'", "repeat('x', 101)"].map(
                (value): Corruption => ({
                    what: `a ${column} of ${value}`,
                    corrupt: `
                    alter table public.events alter column ${column} type text;
                    update public.events set ${column} = ${value} where ${firstEvent}`,
                    row: { broken_rules: [`${column} is empty, untrimmed or longer than 100 characters`] },
                }),
            ),
        ),
        {
            what: "an event from before 1970",
            corrupt: `update public.events set event_timestamp = '1969-12-31 23:59:59.999999+00' where ${firstEvent}`,
            row: { broken_rules: ["event_timestamp is before 1970 or more than a day ahead of its insertion"] },
            alsoFails: ["recount_rollups"],
        },
        {
            what: "an event from the future of its insertion",
            corrupt: `
            update public.events set created_at = event_timestamp - interval '1 day 1 microsecond'
            where ${firstEvent}`,
            row: { broken_rules: ["event_timestamp is before 1970 or more than a day ahead of its insertion"] },
        },
        {
            what: "a negative quantity",
            corrupt: `update public.events set quantity = -1 where ${firstEvent}`,
            row: { broken_rules: ["quantity is negative"] },
            alsoFails: ["recount_rollups"],
        },
        ...["-0.01", "'NaN'"].map(
            (price): Corruption => ({
                what: `a price of ${price}`,
                corrupt: `update public.events set price = ${price} where ${firstEvent}`,
                row: { broken_rules: ["price is out of range"] },
            }),
        ),
        ...["{}", "[]", '"text"', '{"brand": ""}', '{"brand": null}', '{"brand": 1}', '{"a": "b", "brand": {}}'].map(
            (attributes): Corruption => ({
                what: `attributes of ${attributes}`,
                corrupt: `update public.events set attributes = '${attributes}' where ${firstEvent}`,
                row: { broken_rules: ["attributes is not an object of non-empty texts"] },
            }),
        ),
    ],
};

/** Whoever damages what is summed up makes these fail as well, by their nature. */
export const sumChecks = [
    "balance_inserted_events",
    "recount_files",
    "recount_products",
    "recount_rejects",
    "recount_totals",
];
