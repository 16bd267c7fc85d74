-- A small database in which everything adds up, inserted by hand: what the tests of sql/checks/ corrupt.
--   file 1 a.csv       merged, two chunks; the first was merged by two batches, each with half of the slices
--   file 2 grown.csv   merged, grew: its unfinished tail (record 2, from byte 150) was taken, then read again
--   file 3 half.csv    loaded; its chunk is staged, and merged for slice 0 only
--   file 4 header.csv  merged, without a record
--   file 5 to 7        waiting, skipped as a copy, failed
--   file 8 replayed.csv  merged by batch 8; batch 7 replayed three of its rejects: 2 was inserted, 3 rejected again,
--                      4 accepted in the place of 1; 5 stands as it was
--   file 9 pruned.csv  replaced; its chunk was pruned with its two events and a reject, and its batch is gone
insert into ingest.files
    (file_id, path, state, size_bytes, mtime_ns, inode, loaded_bytes, loaded_records, loaded_lines, problem, copy_of)
overriding system value
values
    (1, 'a.csv', 'merged', 400, 1, 1, 400, 6, 7, null, null),
    (2, 'grown.csv', 'merged', 260, 1, 2, 260, 3, 4, null, null),
    (3, 'half.csv', 'loaded', 150, 1, 3, 150, 2, 3, null, null),
    (4, 'header.csv', 'merged', 70, 1, 4, 70, 0, 1, null, null),
    (5, 'waiting.csv', 'pending', 90, 1, 5, 0, 0, 0, null, null),
    (6, 'copy.csv', 'skipped', 400, 1, 6, 0, 0, 0, 'copy', 1),
    (7, 'bad.csv', 'failed', 20, 1, 7, 0, 0, 0, 'header_missing_columns', null),
    (8, 'replayed.csv', 'merged', 500, 1, 8, 500, 5, 6, null, null),
    (9, 'pruned.csv', 'replaced', 300, 1, 9, 300, 3, 4, 'rewritten', null);

insert into ingest.loads
    (load_id, worker_id, backend_pid, backend_start, state, way, records)
overriding system value
values
    (1, '00000000-0000-4000-8000-0000000000aa', 1, now(), 'swept', 'verbatim', 13),
    (2, '00000000-0000-4000-8000-0000000000aa', 1, now(), 'swept', 'parsed', 2),
    (3, '00000000-0000-4000-8000-0000000000aa', 1, now(), 'staged', 'verbatim', 2);

insert into ingest.chunks
    (chunk_id, file_id, first_byte, end_byte, first_record_no, first_line_no, records, content_hash, load_id, state, merged_slices)
values
    (1, 1, 0, 300, 1, 1, 4, 'hash of 1', 1, 'merged', 65535),
    (2, 1, 300, 400, 5, 6, 2, 'hash of 2', 1, 'merged', 65535),
    (3, 2, 0, 200, 1, 1, 2, 'hash of 3', 1, 'merged', 65535),
    (4, 2, 150, 260, 2, 3, 2, 'hash of 4', 2, 'merged', 65535),
    (5, 3, 0, 150, 1, 1, 2, 'hash of 5', 3, 'staged', 1),
    (6, 4, 0, 70, 1, 1, 0, 'hash of 6', 1, 'merged', 65535),
    (8, 8, 0, 500, 1, 1, 5, 'hash of 8', 1, 'merged', 65535);

insert into ingest.chunks
    (chunk_id, file_id, first_byte, end_byte, first_record_no, first_line_no, records, content_hash, state, merged_slices, pruned_at)
values
    (9, 9, 0, 300, 1, 1, 3, 'hash of 9', 'merged', 65535, now());

insert into ingest.staging
    (load_id, chunk_id, record_no, slice_no, event_id)
values
    (3, 5, 1, 15, '00000000-0000-4000-8000-00000000000f'),
    (3, 5, 2, 8, '00000000-0000-4000-8000-000000000008');

insert into ingest.batches
    (batch_id, batch_key, worker_id, slices, chunks, read, inserted, duplicate, conflict, rejected, started_at, finished_at, duration_ms)
overriding system value
values
    (1, gen_random_uuid(), '00000000-0000-4000-8000-0000000000aa', 255, 1, 2, 1, 0, 0, 1, now(), now(), '{}'),
    (2, gen_random_uuid(), '00000000-0000-4000-8000-0000000000aa', 65280, 1, 2, 1, 1, 0, 0, now(), now(), '{}'),
    (3, gen_random_uuid(), '00000000-0000-4000-8000-0000000000aa', 65535, 2, 2, 1, 0, 1, 0, now(), now(), '{}'),
    (4, gen_random_uuid(), '00000000-0000-4000-8000-0000000000aa', 65535, 1, 2, 2, 0, 0, 0, now(), now(), '{}'),
    (5, gen_random_uuid(), '00000000-0000-4000-8000-0000000000aa', 65535, 1, 2, 1, 0, 1, 0, now(), now(), '{}'),
    (6, gen_random_uuid(), '00000000-0000-4000-8000-0000000000aa', 1, 1, 1, 1, 0, 0, 0, now(), now(), '{}');

insert into ingest.chunk_merges
    (chunk_id, batch_id, slices, read, inserted, duplicate, conflict, rejected)
values
    (1, 1, 255, 2, 1, 0, 0, 1),
    (1, 2, 65280, 2, 1, 1, 0, 0),
    (2, 3, 65535, 2, 1, 0, 1, 0),
    (6, 3, 65535, 0, 0, 0, 0, 0),
    (3, 4, 65535, 2, 2, 0, 0, 0),
    (4, 5, 65535, 2, 1, 0, 1, 0),
    (5, 6, 1, 1, 1, 0, 0, 0);

insert into ingest.batches
    (batch_id, batch_key, worker_id, kind, slices, chunks, read, inserted, duplicate, conflict, rejected, displaced, started_at, finished_at, duration_ms)
overriding system value
values
    (8, gen_random_uuid(), '00000000-0000-4000-8000-0000000000aa', 'merge', 65535, 1, 5, 1, 0, 1, 3, 0, now(), now(), '{}'),
    (7, gen_random_uuid(), '00000000-0000-4000-8000-0000000000aa', 'replay', 65535, 1, 3, 2, 0, 0, 1, 1, now(), now(), '{}');

insert into ingest.chunk_merges
    (chunk_id, batch_id, slices, read, inserted, duplicate, conflict, rejected, displaced)
values
    (8, 8, 65535, 5, 1, 0, 1, 3, 0),
    (8, 7, 0, 3, 2, 0, 0, 1, 1);

insert into public.events
    (event_id, event_type, product_id, user_id, event_timestamp, quantity, price, attributes, chunk_id, record_no)
values
    ('00000000-0000-4000-8000-000000000001', 'view', 'p1', 'u1', '2024-03-01 10:15:30+00', null, null, null, 1, 1),
    ('00000000-0000-4000-8000-00000000000a', 'purchase', 'p1', 'u1', '2024-03-01 10:20:00+00', 2, 19.99, null, 1, 3),
    ('00000000-0000-4000-8000-000000000003', 'purchase', 'p2', 'u1', '2024-03-01 11:00:00+00', 1, null, '{"brand": "acme"}', 2, 5),
    ('00000000-0000-4000-8000-000000000004', 'add_to_cart', 'p3', 'u2', '2024-03-02 00:00:00+00', 0, 0, null, 3, 1),
    ('00000000-0000-4000-8000-000000000005', 'view', 'p3', 'u2', now() - interval '10 minutes', null, null, null, 3, 2),
    ('00000000-0000-4000-8000-000000000006', 'purchase', 'p3', 'u2', now() - interval '10 minutes', 3, 5.00, null, 4, 3),
    ('00000000-0000-4000-8000-00000000000f', 'view', 'p4', 'u3', '2024-03-01 10:59:59.999999+00', 1, null, null, 5, 1),
    ('00000000-0000-4000-8000-000000000010', 'add_to_cart', 'p9', 'u9', '2024-03-05 08:00:00+00', null, null, null, 8, 4),
    ('00000000-0000-4000-8000-000000000011', 'add_to_cart', 'p9', 'u9', '2024-03-05 08:30:00+00', 1, 9.99, null, 8, 2);

insert into ingest.rejects
    (chunk_id, record_no, batch_id, kind, reasons, record, raw_text)
values
    (1, 2, 1, 'rejected', '{too_few_fields}', null, 'just,two'),
    (2, 6, 3, 'conflict', '{event_id_conflict}', '{"event_id": "00000000-0000-4000-8000-00000000000A", "price": "20.99"}', null),
    (4, 2, 5, 'conflict', '{event_id_conflict}', '{"event_id": " 00000000-0000-4000-8000-000000000005 ", "price": "1"}', null);

insert into ingest.rejects
    (chunk_id, record_no, batch_id, kind, reasons, record, raw_text, resolved_by_batch, resolved_at, resolution)
values
    (8, 2, 8, 'rejected', '{price_invalid}', '{"event_id": "00000000-0000-4000-8000-000000000011", "price": "9.99"}', null, 7, now(), 'inserted'),
    (8, 3, 8, 'rejected', '{user_id_missing,price_invalid}', '{"price": "9.99"}', null, 7, now(), 'rejected'),
    (8, 3, 7, 'rejected', '{user_id_missing}', '{"price": "9.99"}', null, null, null, null),
    (8, 4, 8, 'conflict', '{event_id_conflict}', '{"event_id": "00000000-0000-4000-8000-000000000010"}', null, 7, now(), 'accepted'),
    (8, 1, 7, 'conflict', '{event_id_conflict}', '{"event_id": "00000000-0000-4000-8000-000000000010"}', null, 7, now(), 'displaced'),
    (8, 5, 8, 'rejected', '{too_few_fields}', null, 'just,two', null, null, null);

insert into ingest.event_stats
    (grain, bucket, event_type, events, quantity, revenue)
values
    ('total', '1970-01-01 00:00:00+00', 'view', 3, 1, 0),
    ('total', '1970-01-01 00:00:00+00', 'add_to_cart', 3, 1, 0),
    ('total', '1970-01-01 00:00:00+00', 'purchase', 3, 6, 54.98),
    ('pruned', '1970-01-01 00:00:00+00', 'purchase', 2, 5, 7.50),
    ('day', '2024-03-01 00:00:00+00', 'view', 2, 1, 0),
    ('day', '2024-03-01 00:00:00+00', 'purchase', 2, 3, 39.98),
    ('day', '2024-03-02 00:00:00+00', 'add_to_cart', 1, 0, 0),
    ('day', '2024-03-05 00:00:00+00', 'add_to_cart', 2, 1, 0),
    ('hour', '2024-03-05 08:00:00+00', 'add_to_cart', 2, 1, 0),
    ('day', date_trunc('day', now() - interval '10 minutes', 'UTC'), 'view', 1, 0, 0),
    ('day', date_trunc('day', now() - interval '10 minutes', 'UTC'), 'purchase', 1, 3, 15),
    ('hour', '2024-03-01 10:00:00+00', 'view', 2, 1, 0),
    ('hour', '2024-03-01 10:00:00+00', 'purchase', 1, 2, 39.98),
    ('hour', '2024-03-01 11:00:00+00', 'purchase', 1, 1, 0),
    ('hour', '2024-03-02 00:00:00+00', 'add_to_cart', 1, 0, 0),
    ('hour', date_trunc('hour', now() - interval '10 minutes', 'UTC'), 'view', 1, 0, 0),
    ('hour', date_trunc('hour', now() - interval '10 minutes', 'UTC'), 'purchase', 1, 3, 15),
    ('minute', date_trunc('minute', now() - interval '10 minutes', 'UTC'), 'view', 1, 0, 0),
    ('minute', date_trunc('minute', now() - interval '10 minutes', 'UTC'), 'purchase', 1, 3, 15),
    -- Kept from when it was recent, and perhaps not all of it: nobody recounts it.
    ('minute', '2024-03-01 10:15:00+00', 'view', 7, 7, 7);

-- The sums over all of this, added up by hand. (Files are counted by their triggers.)
insert into ingest.totals
    (kind, batches, read, inserted, duplicate, conflict, rejected, displaced)
values
    ('merge', 8, 19, 10, 1, 3, 5, 0),
    ('replay', 1, 3, 2, 0, 0, 1, 1);

insert into ingest.pruned_totals
    (kind, batches, read, inserted, duplicate, conflict, rejected, displaced)
values
    ('merge', 1, 3, 2, 0, 0, 1, 0);

insert into ingest.reject_stats
    (day, kind, reason, rejects, resolved, first_rejected_at, last_rejected_at, last_reject_id)
select
    (now() at time zone 'UTC')::date,
    sums.kind,
    sums.reason,
    sums.rejects,
    sums.resolved,
    now(),
    now(),
    sums.last_reject_id
from (
    values
    ('rejected', '', 5, 2, 9),
    ('rejected', 'too_few_fields', 2, 0, 9),
    ('rejected', 'price_invalid', 2, 2, 5),
    ('rejected', 'user_id_missing', 2, 1, 6),
    ('conflict', '', 4, 2, 8),
    ('conflict', 'event_id_conflict', 4, 2, 8)
) as sums (kind, reason, rejects, resolved, last_reject_id);

insert into ingest.product_stats
    (grain, bucket, product_id, events, purchases, quantity, revenue)
values
    ('total', '1970-01-01 00:00:00+00', 'p1', 2, 1, 2, 39.98),
    ('total', '1970-01-01 00:00:00+00', 'p2', 1, 1, 1, 0),
    ('total', '1970-01-01 00:00:00+00', 'p3', 3, 1, 3, 15),
    ('total', '1970-01-01 00:00:00+00', 'p4', 1, 0, 0, 0),
    ('total', '1970-01-01 00:00:00+00', 'p9', 2, 0, 0, 0),
    ('day', date_bin('1 day', now() - interval '10 minutes', 'epoch'), 'p3', 2, 1, 3, 15),
    -- Kept from when it was recent, and perhaps not all of it: nobody recounts it.
    ('day', '2024-03-01 00:00:00+00', 'p1', 7, 7, 7, 7);

-- Three of the merged files are added up already.
insert into ingest.file_stats values ('merged', 3);
insert into ingest.file_changes values ('merged', -3);
