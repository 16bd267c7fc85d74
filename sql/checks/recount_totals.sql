-- The sums over all batches, by kind, equal the batches added up.
with
    summed_batches as (
        select
            batches.kind,
            count(*) as batches,
            sum(batches.read) as read,
            sum(batches.inserted) as inserted,
            sum(batches.duplicate) as duplicate,
            sum(batches.conflict) as conflict,
            sum(batches.rejected) as rejected,
            sum(batches.displaced) as displaced
        from ingest.batches
        group by batches.kind
    )

select
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
full outer join summed_batches on totals.kind = summed_batches.kind
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
