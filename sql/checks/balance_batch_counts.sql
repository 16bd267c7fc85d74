-- Every batch is accounted for: its counts balance, and equal the sums of what it did to each of its chunks.
with
    summed_merges as (
        select
            chunk_merges.batch_id,
            count(*) as chunks,
            sum(chunk_merges.read) as read,
            sum(chunk_merges.inserted) as inserted,
            sum(chunk_merges.duplicate) as duplicate,
            sum(chunk_merges.conflict) as conflict,
            sum(chunk_merges.rejected) as rejected,
            sum(chunk_merges.displaced) as displaced
        from ingest.chunk_merges
        group by chunk_merges.batch_id
    )

select
    coalesce(batches.batch_id, summed_merges.batch_id) as batch_id,
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
from ingest.batches
full outer join summed_merges on batches.batch_id = summed_merges.batch_id
where
    (
        batches.read = batches.inserted + batches.duplicate + batches.conflict + batches.rejected
        and batches.chunks = coalesce(summed_merges.chunks, 0)
        and batches.read = coalesce(summed_merges.read, 0)
        and batches.inserted = coalesce(summed_merges.inserted, 0)
        and batches.duplicate = coalesce(summed_merges.duplicate, 0)
        and batches.conflict = coalesce(summed_merges.conflict, 0)
        and batches.rejected = coalesce(summed_merges.rejected, 0)
        and batches.displaced = coalesce(summed_merges.displaced, 0)
    ) is not true;
