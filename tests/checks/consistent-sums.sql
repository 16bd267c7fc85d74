-- The sums over consistent-ledger.sql, added up by hand. (Files are counted by their triggers.)
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

-- Of the merged files three are added up already.
insert into ingest.file_stats values ('merged', 3);
insert into ingest.file_changes values ('merged', -3);
