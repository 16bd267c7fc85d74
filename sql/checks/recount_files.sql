-- The numbers of files by state equal a count of the files.
with
    counted_states as (
        select
            files.stream_id,
            files.state,
            count(*) as files
        from ingest.files
        group by files.stream_id, files.state
    )

select
    coalesce(counted_files.stream_id, counted_states.stream_id) as stream_id,
    coalesce(counted_files.state, counted_states.state) as state,
    counted_files.files,
    counted_states.files as recounted_files
from ingest.counted_files
full outer join counted_states
    on counted_files.stream_id = counted_states.stream_id and counted_files.state = counted_states.state
where coalesce(counted_files.files, 0) <> coalesce(counted_states.files, 0);
