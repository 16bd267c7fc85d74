-- Six files, one in each state; two batches; a staged chunk of which 4 of 10 records are merged; one live worker.
insert into ingest.files
    (file_id, path, state, size_bytes, mtime_ns, inode, loaded_bytes, problem, problem_detail, attempts, next_attempt_at)
overriding system value
values
    (1, 'merged.csv', 'merged', 400, 1, 1, 400, null, null, 0, null),
    (2, 'loaded.csv', 'loaded', 300, 1, 2, 300, null, null, 0, null),
    (3, 'growing.csv', 'pending', 100, 1, 3, 40, null, null, 0, null),
    (4, 'failed.csv', 'failed', 90, 1, 4, 0, 'header_missing_columns', 'It has no column price.', 2, null),
    (5, 'copy.csv', 'skipped', 400, 1, 5, 0, 'copy', null, 0, null),
    (6, 'replaced.csv', 'replaced', 70, 1, 6, 70, null, null, 0, null);

insert into ingest.chunks
    (chunk_id, file_id, first_byte, end_byte, first_record_no, first_line_no, records, content_hash, state, merged_slices, staged_at)
values
    (1, 1, 0, 400, 1, 2, 9, 'a', 'merged', 65535, now() - interval '2 minutes'),
    (2, 2, 0, 300, 1, 2, 10, 'b', 'staged', 1, '2026-01-01 00:00:30+00'),
    (3, 4, 0, 90, 1, 2, 5, 'c', 'failed', 0, now());

insert into ingest.batches
    (
        batch_id, batch_key, worker_id, slices, chunks, read, inserted, duplicate, conflict, rejected,
        started_at, finished_at, oldest_staged_at, duration_ms
    )
overriding system value
values
    (
        1, gen_random_uuid(), gen_random_uuid(), 65535, 1, 9, 5, 1, 1, 2,
        '2026-01-01 00:00:00+00', '2026-01-01 00:00:01+00', null, '{"validate": 400}'
    ),
    (
        2, gen_random_uuid(), gen_random_uuid(), 1, 1, 4, 4, 0, 0, 0,
        '2026-01-01 00:01:00+00', '2026-01-01 00:01:02.500+00', '2026-01-01 00:00:30+00', '{"validate": 1200}'
    );

insert into ingest.chunk_merges
    (chunk_id, batch_id, slices, read, inserted, duplicate, conflict, rejected)
values
    (1, 1, 65535, 9, 5, 1, 1, 2),
    (2, 2, 1, 4, 4, 0, 0, 0);

insert into ingest.rejects
    (chunk_id, record_no, batch_id, kind, reasons)
values
    (1, 3, 1, 'conflict', array['event_id_conflict']),
    (1, 5, 1, 'rejected', array['price_negative', 'quantity_negative']),
    (1, 6, 1, 'rejected', array['price_negative']);

insert into ingest.event_stats
    (grain, bucket, event_type, events, quantity, revenue)
values
    ('total', '1970-01-01 00:00:00+00', 'view', 6, 0, 0),
    ('total', '1970-01-01 00:00:00+00', 'purchase', 3, 3, 30),
    ('day', '2026-01-01 00:00:00+00', 'view', 6, 0, 0);

insert into ingest.totals
    (kind, batches, read, inserted, duplicate, conflict, rejected, displaced)
values
    ('merge', 2, 13, 9, 1, 1, 2, 0);

insert into ingest.reject_stats
    (day, kind, reason, rejects, resolved, first_rejected_at, last_rejected_at, last_reject_id)
values
    ('2026-01-01', 'conflict', '', 1, 0, '2026-01-01', '2026-01-01', 1),
    ('2026-01-01', 'conflict', 'event_id_conflict', 1, 0, '2026-01-01', '2026-01-01', 1),
    ('2026-01-01', 'rejected', '', 2, 0, '2026-01-01', '2026-01-01', 3),
    ('2026-01-01', 'rejected', 'price_negative', 2, 0, '2026-01-01', '2026-01-01', 3),
    ('2026-01-01', 'rejected', 'quantity_negative', 1, 0, '2026-01-01', '2026-01-01', 2);

insert into ingest.workers
    (worker_id, host, pid, input_dir, started_at, lease_until, report)
values
    ('00000000-0000-4000-8000-0000000000aa', 'one', 11, 'data/input_data', now() - interval '1 minute', '9999-01-01 00:00:00+00', '{"phase": "load"}'),
    ('00000000-0000-4000-8000-0000000000bb', 'two', 22, 'data/input_data', '2026-01-01 00:00:00+00', now() - interval '1 second', null);
