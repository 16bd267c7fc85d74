-- For people: how far every current file has come.
create or replace view ingest.checkpoint as
select
    files.path,
    files.version,
    files.state,
    files.problem,
    files.size_bytes,
    coalesce(merged_chunks.committed_bytes, 0) as committed_bytes,
    coalesce(merged_chunks.committed_records, 0) as committed_records,
    files.loaded_bytes,
    files.loaded_records,
    files.updated_at
from ingest.files
left join (
    select
        chunks.file_id,
        max(chunks.end_byte) as committed_bytes,
        sum(chunks.records) as committed_records
    from ingest.chunks
    where chunks.state = 'merged'
    group by chunks.file_id
) as merged_chunks on merged_chunks.file_id = files.file_id
where files.state <> 'replaced';
