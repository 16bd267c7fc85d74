-- Which batches did LISTEN sluice_batch report since then? PostgreSQL does not store notifications; this returns the same content, starting from a batch.
-- Columns: batch_id, payload
-- Ids do not follow the order of commits. Start a few batches before the last one that you know.
with
    known as (
        select 0 as batch_id
    )

select
    batches.batch_id,
    json_build_object(
        'batch_id', batches.batch_id,
        'kind', batches.kind,
        'read', batches.read,
        'inserted', batches.inserted,
        'duplicate', batches.duplicate,
        'conflict', batches.conflict,
        'rejected', batches.rejected,
        'displaced', batches.displaced
    ) as payload
from known
inner join ingest.batches on known.batch_id < batches.batch_id
order by batches.batch_id;
