-- Every merged file is accounted for: the merges of its chunks read as many records as its chunks have, and each
-- record has one outcome. (Chunks that were pruned for their age are left out.)
with
    summed_chunks as (
        select chunks.file_id, sum(chunks.records) as records
        from ingest.chunks
        where chunks.pruned_at is null
        group by chunks.file_id
    ),

    summed_merges as (
        select
            chunks.file_id,
            sum(chunk_merges.read) as read,
            sum(chunk_merges.inserted) as inserted,
            sum(chunk_merges.updated) as updated,
            sum(chunk_merges.duplicate) as duplicate,
            sum(chunk_merges.superseded) as superseded,
            sum(chunk_merges.deleted) as deleted,
            sum(chunk_merges.conflict) as conflict,
            sum(chunk_merges.rejected) as rejected
        from ingest.chunk_merges
        inner join ingest.chunks on chunk_merges.chunk_id = chunks.chunk_id
        -- Not the replays: they read records again.
        where chunk_merges.slices <> 0 and chunks.pruned_at is null
        group by chunks.file_id
    )

select
    files.file_id,
    files.path,
    files.version,
    summed_chunks.records,
    summed_merges.read,
    summed_merges.inserted,
    summed_merges.updated,
    summed_merges.duplicate,
    summed_merges.superseded,
    summed_merges.deleted,
    summed_merges.conflict,
    summed_merges.rejected
from ingest.files
left join summed_chunks on files.file_id = summed_chunks.file_id
left join summed_merges on files.file_id = summed_merges.file_id
where
    files.state = 'merged'
    and (
        coalesce(summed_merges.read, 0) = coalesce(summed_chunks.records, 0)
        and coalesce(summed_merges.read, 0) = coalesce(
            summed_merges.inserted + summed_merges.updated + summed_merges.duplicate + summed_merges.superseded + summed_merges.deleted
            + summed_merges.conflict + summed_merges.rejected,
            0
        )
    ) is not true;
