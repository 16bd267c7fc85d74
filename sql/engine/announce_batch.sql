-- LISTEN sluice_batch: tells whoever listens, at the commit and only then, that a batch is there to be read. The payload
-- is one JSON object of the columns of ingest.batches and the stream's name, some 250 bytes of the 8000 that a payload may have.
--
-- Called last in the batch's transaction. A commit with a NOTIFY waits for every other such commit on the server (one
-- lock for all databases), but merges wait for each other's commits already, at the row of ingest.totals.
create or replace function ingest.announce_batch(this_batch ingest.batches)
returns void
language sql
as $$
select
    pg_notify(
        'sluice_batch',
        json_build_object(
            'batch_id', this_batch.batch_id,
            'stream', (select streams.name from ingest.streams where streams.stream_id = this_batch.stream_id),
            'kind', this_batch.kind,
            'read', this_batch.read,
            'inserted', this_batch.inserted,
            'updated', this_batch.updated,
            'duplicate', this_batch.duplicate,
            'superseded', this_batch.superseded,
            'deleted', this_batch.deleted,
            'conflict', this_batch.conflict,
            'rejected', this_batch.rejected,
            'displaced', this_batch.displaced,
            'removed', this_batch.removed
        )::text
    )
$$;
