-- For people: how the headers of the current files differ from what is known. One row per source, column and kind:
-- 'kept' (a column nobody named, in events.attributes), 'ignored', or 'missing' (one of ours that the files lack).
create or replace view ingest.column_drift as
select
    files.source ->> 'match' as source,
    columns.kind,
    columns.column_name,
    count(*) as files,
    min(files.discovered_at) as first_seen_at,
    max(files.discovered_at) as last_seen_at,
    (array_agg(files.path order by files.file_id desc))[1] as last_path
from ingest.files
cross join lateral (
    select 'kept' as kind, unnest(files.extra_columns) as column_name
    union all
    select 'ignored' as kind, unnest(files.ignored_columns) as column_name
    union all
    select 'missing' as kind, unnest(files.missing_columns) as column_name
) as columns
where files.state <> 'replaced'
group by files.source ->> 'match', columns.kind, columns.column_name;
