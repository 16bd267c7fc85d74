-- A chunk is marked as merged if and only if all sixteen of its slices are.
select
    chunks.chunk_id,
    chunks.file_id,
    chunks.state,
    chunks.merged_slices
from ingest.chunks
where (chunks.state = 'merged') <> (chunks.merged_slices = 65535);
