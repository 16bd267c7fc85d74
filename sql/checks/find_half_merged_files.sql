-- No file is marked as merged while one of its chunks is not.
select
    files.file_id,
    files.path,
    files.version,
    chunks.chunk_id,
    chunks.state as chunk_state
from ingest.files
inner join ingest.chunks on files.file_id = chunks.file_id
where files.state = 'merged' and chunks.state <> 'merged';
