-- How much work waits, where, and since when? One row for each step that a record goes through.
-- Columns: step, files, records, bytes, oldest
select
    'to be read' as step,
    count(*) as files,
    null::bigint as records,
    coalesce(sum(files.size_bytes - files.loaded_bytes), 0)::bigint as bytes,
    min(files.discovered_at) as oldest
from ingest.files
where files.state = 'pending'
union all
select
    case chunks.state
        when 'staged' then 'to be merged'
        when 'held' then 'to be judged as a whole file'
        else 'to be staged again'
    end,
    count(distinct chunks.file_id),
    sum(chunks.records)::bigint,
    sum(chunks.end_byte - chunks.first_byte)::bigint,
    min(chunks.staged_at)
from ingest.chunks
where chunks.state in ('staged', 'held', 'pending')
group by chunks.state
union all
select
    'to be tried again, or given up',
    count(*),
    null,
    coalesce(sum(files.size_bytes - files.loaded_bytes), 0)::bigint,
    min(files.updated_at)
from ingest.files
where files.state = 'failed';
