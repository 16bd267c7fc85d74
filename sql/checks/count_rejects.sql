-- Each batch has as many rejects per chunk, and as many conflicts among them, as it counted. The displaced events of
-- a replay are conflicts of its batch. A pruned chunk has none, except those that a later replay displaced.
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

    compared_counts as (
        select
            chunk_id,
            batch_id,
            coalesce(chunk_merges.rejected, 0) as rejected,
            coalesce(counted_rejects.rejected, 0) as kept_rejected,
            coalesce(chunk_merges.conflict + chunk_merges.displaced, 0) as conflict,
            coalesce(counted_rejects.conflict, 0) as kept_conflict,
            coalesce(counted_rejects.rejects, 0) as kept
        from ingest.chunk_merges
        full outer join counted_rejects using (chunk_id, batch_id)
    )

select compared_counts.*
from compared_counts
left join ingest.chunks using (chunk_id)
where
    case
        when chunks.pruned_at is null
            then
                compared_counts.rejected <> compared_counts.kept_rejected
                or compared_counts.conflict <> compared_counts.kept_conflict
        else compared_counts.kept_rejected > 0 or compared_counts.kept_conflict > compared_counts.conflict
    end
    -- A reject of a third kind would be in neither count.
    or compared_counts.kept <> compared_counts.kept_rejected + compared_counts.kept_conflict;
