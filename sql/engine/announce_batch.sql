-- LISTEN sluice_batch: tells whoever listens, at the commit and only then, that a batch is there to be read. The payload
-- is one JSON object of the columns of ingest.batches, some 200 bytes of the 8000 that a payload may have.
--
-- Called last in the batch's transaction. A commit with a NOTIFY waits for every other such commit on the server (one
-- lock for all databases), but merges wait for each other's commits already, at the row of ingest.totals.
create or replace function ingest.announce_batch(this_batch_id bigint)
returns void
language sql
begin atomic
    select
        pg_notify(
            'sluice_batch',
            json_build_object(
                'batch_id', batches.batch_id,
                'kind', batches.kind,
                'read', batches.read,
                'inserted', batches.inserted,
                'duplicate', batches.duplicate,
                'conflict', batches.conflict,
                'rejected', batches.rejected,
                'displaced', batches.displaced
            )::text
        )
    from ingest.batches
    where batches.batch_id = this_batch_id;
end;
