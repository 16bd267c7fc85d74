-- Every batch is accounted for: its counts balance, and equal the sums over its chunks.
with
    summed_merges as (
        select
            batch_id,
            count(chunk_merges.chunk_id) as chunks,
            coalesce(sum(chunk_merges.read), 0) as read,
            coalesce(sum(chunk_merges.inserted), 0) as inserted,
            coalesce(sum(chunk_merges.updated), 0) as updated,
            coalesce(sum(chunk_merges.duplicate), 0) as duplicate,
            coalesce(sum(chunk_merges.superseded), 0) as superseded,
            coalesce(sum(chunk_merges.deleted), 0) as deleted,
            coalesce(sum(chunk_merges.conflict), 0) as conflict,
            coalesce(sum(chunk_merges.rejected), 0) as rejected,
            coalesce(sum(chunk_merges.displaced), 0) as displaced,
            coalesce(sum(chunk_merges.removed), 0) as removed
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
    batches.updated,
    batches.duplicate,
    batches.superseded,
    batches.deleted,
    summed_merges.updated as merged_updated,
    summed_merges.duplicate as merged_duplicate,
    summed_merges.superseded as merged_superseded,
    summed_merges.deleted as merged_deleted,
    batches.conflict,
    summed_merges.conflict as merged_conflict,
    batches.rejected,
    summed_merges.rejected as merged_rejected,
    batches.displaced,
    batches.removed,
    summed_merges.displaced as merged_displaced,
    summed_merges.removed as merged_removed
from summed_merges
left join ingest.batches using (batch_id)
where
    (
        batches.read = batches.inserted + batches.updated + batches.duplicate + batches.superseded + batches.deleted
        + batches.conflict + batches.rejected
        and (
            batches.chunks, batches.read, batches.inserted, batches.updated, batches.duplicate, batches.superseded,
            batches.deleted, batches.conflict, batches.rejected, batches.displaced, batches.removed
        ) = (
            summed_merges.chunks, summed_merges.read, summed_merges.inserted, summed_merges.updated,
            summed_merges.duplicate, summed_merges.superseded, summed_merges.deleted, summed_merges.conflict,
            summed_merges.rejected, summed_merges.displaced, summed_merges.removed
        )
    ) is not true;
