-- Every chunk is accounted for. What each of its merges read is what it inserted, updated, deleted, found duplicate, superseded
-- or in conflict, and rejected. The merges of a merged chunk together read exactly its records. A replay (no slices) must
-- balance too, but reads no record for the first time. Some merges of a pruned chunk may be gone.
with
    summed_merges as (
        select
            chunk_merges.chunk_id,
            coalesce(sum(chunk_merges.read) filter (where chunk_merges.slices <> 0), 0) as read,
            sum(chunk_merges.inserted) as inserted,
            sum(chunk_merges.updated) as updated,
            sum(chunk_merges.duplicate) as duplicate,
            sum(chunk_merges.superseded) as superseded,
            sum(chunk_merges.deleted) as deleted,
            sum(chunk_merges.conflict) as conflict,
            sum(chunk_merges.rejected) as rejected,
            bool_and(
                chunk_merges.read
                = chunk_merges.inserted + chunk_merges.updated + chunk_merges.duplicate + chunk_merges.superseded + chunk_merges.deleted
                + chunk_merges.conflict + chunk_merges.rejected
            ) as is_balanced,
            -- A count below zero would let another one hide too high.
            min(
                least(
                    chunk_merges.inserted,
                    chunk_merges.updated,
                    chunk_merges.duplicate,
                    chunk_merges.superseded,
                    chunk_merges.deleted,
                    chunk_merges.conflict,
                    chunk_merges.rejected,
                    chunk_merges.displaced,
                    chunk_merges.removed
                )
            ) as least_count
        from ingest.chunk_merges
        group by chunk_merges.chunk_id
    )

select
    chunk_id,
    chunks.file_id,
    chunks.state,
    chunks.records,
    summed_merges.read,
    summed_merges.inserted,
    summed_merges.updated,
    summed_merges.duplicate,
    summed_merges.superseded,
    summed_merges.deleted,
    summed_merges.conflict,
    summed_merges.rejected
from ingest.chunks
full outer join summed_merges using (chunk_id)
where
    (chunks.state = 'merged' and chunks.pruned_at is null and summed_merges.read is distinct from chunks.records)
    or (
        summed_merges.chunk_id is not null
        and (
            summed_merges.is_balanced
            and summed_merges.least_count >= 0
            -- A chunk that is merged in part has read a part; one that the ledger does not know has no records.
            and summed_merges.read <= chunks.records
        ) is not true
    );
