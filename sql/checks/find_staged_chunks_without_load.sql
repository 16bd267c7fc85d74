-- Every staged or held chunk names a staged load. (Rows of any other load are swept.)
select
    chunks.chunk_id,
    chunks.file_id,
    chunks.load_id,
    loads.state as load_state
from ingest.chunks
left join ingest.loads on chunks.load_id = loads.load_id
where chunks.state in ('staged', 'held') and loads.state is distinct from 'staged';
