-- Every batch is accounted for: its counts balance, and equal the sums over its chunks.
with
    summed_merges as (
        select
            batch_id,
            count(chunk_merges.chunk_id) as chunks,
            coalesce(sum(chunk_merges.read), 0) as read,
            coalesce(sum(chunk_merges.inserted), 0) as inserted,
            coalesce(sum(chunk_merges.duplicate), 0) as duplicate,
            coalesce(sum(chunk_merges.conflict), 0) as conflict,
            coalesce(sum(chunk_merges.rejected), 0) as rejected,
            coalesce(sum(chunk_merges.displaced), 0) as displaced
        from ingest.batches
        full outer join ingest.chunk_merges using (batch_id)
        group by batch_id
    )

select
    batch_id,
    batches.chunks,
    summed_merges.chunks as merged_chunks,
    batches.read,
    summed_merges.read as merged_read,
    batches.inserted,
    summed_merges.inserted as merged_inserted,
    batches.duplicate,
    summed_merges.duplicate as merged_duplicate,
    batches.conflict,
    summed_merges.conflict as merged_conflict,
    batches.rejected,
    summed_merges.rejected as merged_rejected,
    batches.displaced,
    summed_merges.displaced as merged_displaced
from summed_merges
left join ingest.batches using (batch_id)
where
    (
        batches.read = batches.inserted + batches.duplicate + batches.conflict + batches.rejected
        and (
            batches.chunks, batches.read, batches.inserted, batches.duplicate, batches.conflict, batches.rejected,
            batches.displaced
        ) = (
            summed_merges.chunks, summed_merges.read, summed_merges.inserted, summed_merges.duplicate,
            summed_merges.conflict, summed_merges.rejected, summed_merges.displaced
        )
    ) is not true;
