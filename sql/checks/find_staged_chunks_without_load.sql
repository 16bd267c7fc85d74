-- Every staged chunk, held ones too, names a load that is staged: rows of any other load are swept away.
select
    chunks.chunk_id,
    chunks.file_id,
    chunks.load_id,
    loads.state as load_state
from ingest.chunks
left join ingest.loads on chunks.load_id = loads.load_id
where chunks.state in ('staged', 'held') and loads.state is distinct from 'staged';
