-- A chunk is shown as merged when all sixteen of its slices are, and only then.
select
    chunks.chunk_id,
    chunks.file_id,
    chunks.state,
    chunks.merged_slices
from ingest.chunks
where (chunks.state = 'merged') <> (chunks.merged_slices = 65535);
