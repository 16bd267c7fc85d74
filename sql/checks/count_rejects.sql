-- Each batch has left as many rejects of each chunk, and as many conflicts among them, as it says: the displaced events of
-- a replay are conflicts of its batch. Of a pruned chunk none is left but what a later replay displaced.
with
    counted_rejects as (
        select
            rejects.chunk_id,
            rejects.batch_id,
            count(*) filter (where rejects.kind = 'rejected') as rejected,
            count(*) filter (where rejects.kind = 'conflict') as conflict,
            count(*) as rejects
        from ingest.rejects
        group by rejects.chunk_id, rejects.batch_id
    ),

    merge_counts as (
        select
            chunk_merges.chunk_id,
            chunk_merges.batch_id,
            chunk_merges.rejected,
            chunk_merges.conflict + chunk_merges.displaced as conflict
        from ingest.chunk_merges
    )

select
    coalesce(merge_counts.chunk_id, counted_rejects.chunk_id) as chunk_id,
    coalesce(merge_counts.batch_id, counted_rejects.batch_id) as batch_id,
    coalesce(merge_counts.rejected, 0) as rejected,
    coalesce(counted_rejects.rejected, 0) as kept_rejected,
    coalesce(merge_counts.conflict, 0) as conflict,
    coalesce(counted_rejects.conflict, 0) as kept_conflict,
    coalesce(counted_rejects.rejects, 0) as kept
from merge_counts
full outer join counted_rejects
    on merge_counts.chunk_id = counted_rejects.chunk_id and merge_counts.batch_id = counted_rejects.batch_id
left join ingest.chunks on chunks.chunk_id = coalesce(merge_counts.chunk_id, counted_rejects.chunk_id)
where
    (
        chunks.pruned_at is null
        and (
            coalesce(merge_counts.rejected, 0) <> coalesce(counted_rejects.rejected, 0)
            or coalesce(merge_counts.conflict, 0) <> coalesce(counted_rejects.conflict, 0)
        )
    )
    or (
        chunks.pruned_at is not null
        and (
            coalesce(counted_rejects.rejected, 0) > 0
            or coalesce(counted_rejects.conflict, 0) > coalesce(merge_counts.conflict, 0)
        )
    )
    -- A reject of a third kind would be in neither count.
    or coalesce(counted_rejects.rejects, 0)
    <> coalesce(counted_rejects.rejected, 0) + coalesce(counted_rejects.conflict, 0);
