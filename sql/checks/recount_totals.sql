-- The sums over all batches, by stream and kind, equal the batches added up, with those that were pruned.
with
    summed_batches as (
        select
            counted_batches.stream_id,
            counted_batches.kind,
            sum(counted_batches.batches) as batches,
            sum(counted_batches.read) as read,
            sum(counted_batches.inserted) as inserted,
            sum(counted_batches.duplicate) as duplicate,
            sum(counted_batches.conflict) as conflict,
            sum(counted_batches.rejected) as rejected,
            sum(counted_batches.displaced) as displaced
        from ingest.counted_batches
        group by counted_batches.stream_id, counted_batches.kind
    )

select
    coalesce(totals.stream_id, summed_batches.stream_id) as stream_id,
    coalesce(totals.kind, summed_batches.kind) as kind,
    totals.batches,
    summed_batches.batches as summed_batches,
    totals.read,
    summed_batches.read as summed_read,
    totals.inserted,
    summed_batches.inserted as summed_inserted,
    totals.duplicate,
    summed_batches.duplicate as summed_duplicate,
    totals.conflict,
    summed_batches.conflict as summed_conflict,
    totals.rejected,
    summed_batches.rejected as summed_rejected,
    totals.displaced,
    summed_batches.displaced as summed_displaced
from ingest.totals
full outer join summed_batches on totals.stream_id = summed_batches.stream_id and totals.kind = summed_batches.kind
where
    (
        totals.batches = summed_batches.batches
        and totals.read = summed_batches.read
        and totals.inserted = summed_batches.inserted
        and totals.duplicate = summed_batches.duplicate
        and totals.conflict = summed_batches.conflict
        and totals.rejected = summed_batches.rejected
        and totals.displaced = summed_batches.displaced
    ) is not true;
