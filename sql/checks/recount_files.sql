-- The numbers of files by state equal a count of the files.
with
    counted_states as (
        select files.stream_id, files.state, count(*) as files
        from ingest.files
        group by files.stream_id, files.state
    )

select
    stream_id,
    state,
    counted_files.files,
    counted_states.files as recounted_files
from ingest.counted_files
full outer join counted_states using (stream_id, state)
where coalesce(counted_files.files, 0) <> coalesce(counted_states.files, 0);
