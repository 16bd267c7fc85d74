-- Each chunk has as many rejects, and as many conflicts among them, as its merges say.
with
    counted_rejects as (
        select
            rejects.chunk_id,
            count(*) filter (where rejects.kind = 'rejected') as rejected,
            count(*) filter (where rejects.kind = 'conflict') as conflict,
            count(*) as rejects
        from ingest.rejects
        group by rejects.chunk_id
    ),

    summed_merges as (
        select
            chunk_merges.chunk_id,
            sum(chunk_merges.rejected) as rejected,
            sum(chunk_merges.conflict) as conflict
        from ingest.chunk_merges
        group by chunk_merges.chunk_id
    )

select
    coalesce(summed_merges.chunk_id, counted_rejects.chunk_id) as chunk_id,
    coalesce(summed_merges.rejected, 0) as rejected,
    coalesce(counted_rejects.rejected, 0) as kept_rejected,
    coalesce(summed_merges.conflict, 0) as conflict,
    coalesce(counted_rejects.conflict, 0) as kept_conflict,
    coalesce(counted_rejects.rejects, 0) as kept
from summed_merges
full outer join counted_rejects on summed_merges.chunk_id = counted_rejects.chunk_id
where
    coalesce(summed_merges.rejected, 0) <> coalesce(counted_rejects.rejected, 0)
    or coalesce(summed_merges.conflict, 0) <> coalesce(counted_rejects.conflict, 0)
    -- A reject of a third kind would be in neither count.
    or coalesce(counted_rejects.rejects, 0)
    <> coalesce(counted_rejects.rejected, 0) + coalesce(counted_rejects.conflict, 0);
