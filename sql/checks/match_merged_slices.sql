-- No slice of a chunk is merged twice: the slices of its merges do not overlap, and together they equal the slices
-- that the chunk records as merged. Some merges of a pruned chunk may be gone.
with
    united_slices as (
        select
            chunk_merges.chunk_id,
            bit_or(chunk_merges.slices) as slices,
            -- Bit masks without a common bit have a sum equal to their union.
            sum(chunk_merges.slices) as summed_slices
        from ingest.chunk_merges
        group by chunk_merges.chunk_id
    )

select
    chunks.chunk_id,
    chunks.file_id,
    chunks.state,
    chunks.merged_slices,
    coalesce(united_slices.slices, 0) as slices_of_merges,
    coalesce(united_slices.summed_slices, 0) as summed_slices_of_merges
from ingest.chunks
left join united_slices on chunks.chunk_id = united_slices.chunk_id
where
    (chunks.merged_slices <> coalesce(united_slices.slices, 0) and chunks.pruned_at is null)
    or coalesce(united_slices.slices, 0) & ~chunks.merged_slices <> 0
    or coalesce(united_slices.slices, 0) <> coalesce(united_slices.summed_slices, 0);
