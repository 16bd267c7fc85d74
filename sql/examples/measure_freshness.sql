-- How long did it take from noticing a file to having it in events? The latest hundred files.
-- Columns: path, seen_at, merged_at, seconds, of_that_staged_seconds
select
    files.path,
    files.discovered_at as seen_at,
    files.merged_at,
    round(extract(epoch from files.merged_at - files.discovered_at), 3) as seconds,
    round(extract(epoch from files.merged_at - min(chunks.staged_at)), 3) as of_that_staged_seconds
from ingest.files
inner join ingest.chunks on files.file_id = chunks.file_id
where files.merged_at is not null
group by files.file_id
order by files.merged_at desc
limit 100;
