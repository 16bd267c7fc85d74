-- The totals by stream and kind equal the sums over all batches, including pruned ones.
with
    summed_batches as (
        select
            counted_batches.stream_id,
            counted_batches.kind,
            sum(counted_batches.batches) as batches,
            sum(counted_batches.read) as read,
            sum(counted_batches.inserted) as inserted,
            sum(counted_batches.updated) as updated,
            sum(counted_batches.duplicate) as duplicate,
            sum(counted_batches.superseded) as superseded,
            sum(counted_batches.deleted) as deleted,
            sum(counted_batches.conflict) as conflict,
            sum(counted_batches.rejected) as rejected,
            sum(counted_batches.displaced) as displaced,
            sum(counted_batches.removed) as removed
        from ingest.counted_batches
        group by counted_batches.stream_id, counted_batches.kind
    )

select
    stream_id,
    kind,
    totals.batches,
    summed_batches.batches as summed_batches,
    totals.read,
    summed_batches.read as summed_read,
    totals.inserted,
    summed_batches.inserted as summed_inserted,
    totals.updated,
    totals.duplicate,
    totals.superseded,
    totals.deleted,
    summed_batches.updated as summed_updated,
    summed_batches.duplicate as summed_duplicate,
    summed_batches.superseded as summed_superseded,
    summed_batches.deleted as summed_deleted,
    totals.conflict,
    summed_batches.conflict as summed_conflict,
    totals.rejected,
    summed_batches.rejected as summed_rejected,
    totals.displaced,
    totals.removed,
    summed_batches.displaced as summed_displaced,
    summed_batches.removed as summed_removed
from ingest.totals
full outer join summed_batches using (stream_id, kind)
where
    (
        totals.batches, totals.read, totals.inserted, totals.updated, totals.duplicate, totals.superseded, totals.deleted,
        totals.conflict, totals.rejected, totals.displaced, totals.removed
    ) is distinct from (
        summed_batches.batches, summed_batches.read, summed_batches.inserted, summed_batches.updated,
        summed_batches.duplicate, summed_batches.superseded, summed_batches.deleted, summed_batches.conflict,
        summed_batches.rejected, summed_batches.displaced, summed_batches.removed
    );
