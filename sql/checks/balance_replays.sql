-- Every replay is accounted for: each record that it read is one reject, which names the replay and its resolution,
-- and the resolutions add up to the replay's counts. A reject names a replay and a resolution, or neither. (The
-- rejects of a pruned chunk are gone.)
with
    pruned_chunks as (
        select chunks.chunk_id
        from ingest.chunks
        where chunks.pruned_at is not null
    ),

    counted_resolutions as (
        select
            rejects.chunk_id,
            rejects.resolved_by_batch as batch_id,
            count(*) as read,
            count(*) filter (where rejects.resolution in ('inserted', 'accepted')) as inserted,
            count(*) filter (where rejects.resolution = 'updated') as updated,
            count(*) filter (where rejects.resolution = 'duplicate') as duplicate,
            count(*) filter (where rejects.resolution = 'superseded') as superseded,
            count(*) filter (where rejects.resolution = 'deleted') as deleted,
            count(*) filter (where rejects.resolution = 'conflict') as conflict,
            count(*) filter (where rejects.resolution = 'rejected') as rejected
        from ingest.rejects
        -- A displaced row became a reject in the replay itself: the replay did not read it as one.
        where
            num_nonnulls(rejects.resolved_by_batch, rejects.resolution) > 0
            and rejects.resolution is distinct from 'displaced'
            and not exists (select from pruned_chunks where pruned_chunks.chunk_id = rejects.chunk_id)
        group by rejects.chunk_id, rejects.resolved_by_batch
    ),

    replay_counts as (
        select chunk_merges.*
        from ingest.chunk_merges
        inner join ingest.batches on chunk_merges.batch_id = batches.batch_id
        where
            batches.kind = 'replay'
            and not exists (select from pruned_chunks where pruned_chunks.chunk_id = chunk_merges.chunk_id)
    )

select
    chunk_id,
    batch_id,
    replay_counts.slices,
    replay_counts.read,
    counted_resolutions.read as resolved,
    replay_counts.inserted,
    counted_resolutions.inserted as resolved_inserted,
    replay_counts.updated,
    counted_resolutions.updated as resolved_updated,
    replay_counts.duplicate,
    counted_resolutions.duplicate as resolved_duplicate,
    replay_counts.superseded,
    counted_resolutions.superseded as resolved_superseded,
    replay_counts.deleted,
    counted_resolutions.deleted as resolved_deleted,
    replay_counts.conflict,
    counted_resolutions.conflict as resolved_conflict,
    replay_counts.rejected,
    counted_resolutions.rejected as resolved_rejected
from replay_counts
full outer join counted_resolutions using (chunk_id, batch_id)
where
    (
        replay_counts.slices = 0
        and replay_counts.read = coalesce(counted_resolutions.read, 0)
        and replay_counts.inserted = coalesce(counted_resolutions.inserted, 0)
        and replay_counts.updated = coalesce(counted_resolutions.updated, 0)
        and replay_counts.duplicate = coalesce(counted_resolutions.duplicate, 0)
        and replay_counts.superseded = coalesce(counted_resolutions.superseded, 0)
        and replay_counts.deleted = coalesce(counted_resolutions.deleted, 0)
        and replay_counts.conflict = coalesce(counted_resolutions.conflict, 0)
        and replay_counts.rejected = coalesce(counted_resolutions.rejected, 0)
    ) is not true;
