-- The files of the ledger, as discovery and the loader move them on. One row per version of a path; the highest
-- version of a path is the current one.

-- Makes sure that every path that was seen has a row, and returns the current one of each.
-- `seen_files` is a JSON array of {path, sizeBytes, mtimeNs, inode, versionTag}; those that are new go to this stream.
create or replace function ingest.register_files(this_stream smallint, seen_files jsonb)
returns setof ingest.files
language plpgsql
as $$
begin
    insert into ingest.files (stream_id, path, version, size_bytes, mtime_ns, inode, version_tag)
    select
        this_stream,
        seen."path",
        -- One that was forgotten has come back.
        1 + coalesce(
            (select max(files.version) from ingest.files where (files.stream_id, files.path) = (this_stream, seen."path")),
            0
        ),
        seen."sizeBytes",
        seen."mtimeNs",
        seen."inode",
        seen."versionTag"
    from jsonb_to_recordset(seen_files) as seen (
        "path" text, "sizeBytes" bigint, "mtimeNs" bigint, "inode" numeric, "versionTag" text
    )
    where not exists (
        select from ingest.files
        where (files.stream_id, files.path) = (this_stream, seen."path") and files.state <> 'replaced'
    )
    order by seen."path" collate "C"
    on conflict (stream_id, path, version) do nothing;

    return query
    select distinct on (files.path) files.*
    from ingest.files
    where files.stream_id = this_stream and exists (
        select from jsonb_to_recordset(seen_files) as seen ("path" text)
        where seen."path" = files.path
    )
    order by files.path, files.version desc;
end
$$;

-- Files that look different from what the ledger remembers are read again: growth continues, the loader decides on
-- anything else. Chunks that had failed get another try. Returns how many of the files are still there: a prune may have
-- forgotten one that was in the archive.
create or replace function ingest.reopen_files(file_ids bigint[])
returns bigint
language plpgsql
as $$
begin
    update ingest.chunks
    set state = 'pending', load_id = null, attempts = 0, next_attempt_at = null, problem = null, problem_detail = null
    where chunks.file_id = any(file_ids) and chunks.state = 'failed';

    update ingest.files
    set
        state = 'pending',
        attempts = 0,
        next_attempt_at = null,
        problem = null,
        problem_detail = null,
        copy_of = null,
        waits_as = null,
        -- It is in the folder, or it would not have been seen to differ.
        archived_at = null,
        archived_to = null,
        updated_at = clock_timestamp()
    where files.file_id = any(file_ids) and files.state in ('loaded', 'merged', 'skipped', 'failed');

    return (select count(*) from ingest.files where files.file_id = any(file_ids));
end
$$;

-- The state of a file whose bytes are all staged.
create or replace function ingest.state_of_chunks(whole_file_id bigint)
returns text
language sql
stable
return (
    select
        case
            when bool_or(chunks.state = 'failed') then 'failed'
            when bool_or(chunks.state <> 'merged') then 'loaded'
            else 'merged'
        end
    from ingest.chunks
    where chunks.file_id = whole_file_id
);

-- The file changed its time or inode, but not its content: back to where it was.
create or replace function ingest.mark_file_unchanged(
    unchanged_file_id bigint,
    seen_mtime_ns bigint,
    seen_inode numeric,
    compared_ctime bigint,
    seen_version_tag text default null
)
returns void
language plpgsql
as $$
begin
    -- A merge that completes one of them looks at the file's state as we look at theirs: one of us has to be first.
    perform
    from ingest.chunks
    where chunks.file_id = unchanged_file_id and chunks.state <> 'merged'
    order by chunks.chunk_id
    for update;

    update ingest.files
    set
        mtime_ns = seen_mtime_ns,
        inode = seen_inode,
        version_tag = seen_version_tag,
        compared_ctime_ns = coalesce(compared_ctime, files.compared_ctime_ns),
        state = ingest.state_of_chunks(files.file_id),
        attempts = 0,
        next_attempt_at = null,
        problem = case when ingest.state_of_chunks(files.file_id) = 'failed' then files.problem end,
        problem_detail = case when ingest.state_of_chunks(files.file_id) = 'failed' then files.problem_detail end,
        updated_at = clock_timestamp()
    where files.file_id = unchanged_file_id and files.state in ('pending', 'failed');
end
$$;

-- Bytes that were taken before have changed: the path gets a new version, read from its beginning.
create or replace function ingest.replace_file(
    replaced_file_id bigint,
    seen_size_bytes bigint,
    seen_mtime_ns bigint,
    seen_inode numeric,
    detail text,
    seen_version_tag text default null
)
returns bigint
language sql
begin atomic
    with replaced_file as (
        update ingest.files
        set
            state = 'replaced',
            problem = 'rewritten',
            problem_detail = detail,
            next_attempt_at = null,
            updated_at = clock_timestamp()
        where files.file_id = replaced_file_id and files.state <> 'replaced'
        returning files.stream_id, files.path, files.version
    )
    insert into ingest.files (stream_id, path, version, size_bytes, mtime_ns, inode, version_tag)
    select
        replaced_file.stream_id,
        replaced_file.path,
        replaced_file.version + 1,
        seen_size_bytes,
        seen_mtime_ns,
        seen_inode,
        seen_version_tag
    from replaced_file
    returning files.file_id;
end;

-- How often in a row a file or chunk may fail before it is tried no more: half an hour where the first pause is 5 s.
create or replace function ingest.most_attempts()
returns integer
language sql
immutable
parallel safe
return 12;

-- The note that follows the detail then; null as long as it is tried again.
create or replace function ingest.note_given_up(failed_attempts integer, retry_after interval)
returns text
language sql
immutable
parallel safe
return case
    when retry_after is not null and failed_attempts >= ingest.most_attempts()
        then ' Given up after ' || failed_attempts || ' attempts; the command retry takes it up again.'
end;

-- Fails a file, visibly. With `retry_after` it is tried again then, each time later, until it has failed too often;
-- without it waits for a change. Returns what it says of itself; null when it is no longer one to fail.
create or replace function ingest.fail_file(
    failed_file_id bigint,
    failure text,
    detail text,
    seen_size_bytes bigint,
    seen_mtime_ns bigint,
    seen_inode numeric,
    retry_after interval,
    -- Its source in the configuration: when that changes, it is tried again.
    failed_source jsonb,
    seen_version_tag text default null
)
returns text
language sql
begin atomic
    update ingest.files
    set
        state = 'failed',
        problem = failure,
        problem_detail = concat(detail, ingest.note_given_up(files.attempts + 1, retry_after)),
        waits_as = null,
        source = case when files.loaded_bytes = 0 then failed_source else files.source end,
        size_bytes = coalesce(seen_size_bytes, files.size_bytes),
        mtime_ns = coalesce(seen_mtime_ns, files.mtime_ns),
        inode = coalesce(seen_inode, files.inode),
        version_tag = coalesce(seen_version_tag, files.version_tag),
        attempts = files.attempts + 1,
        next_attempt_at = case
            when ingest.note_given_up(files.attempts + 1, retry_after) is null
                then clock_timestamp() + retry_after * (2 ^ least(files.attempts, 6))
        end,
        updated_at = clock_timestamp()
    where files.file_id = failed_file_id and files.state in ('pending', 'failed', 'loaded', 'merged')
    returning files.problem_detail;
end;

-- Skips whole files as copies of merged ones. `copies` is a JSON array of {fileId, copyOf, detail, sizeBytes, mtimeNs, inode,
-- versionTag, ctimeNs}.
create or replace function ingest.skip_copies(copies jsonb)
returns void
language sql
begin atomic
    update ingest.files
    set
        state = 'skipped',
        problem = 'copy',
        problem_detail = copy."detail",
        copy_of = copy."copyOf",
        size_bytes = copy."sizeBytes",
        mtime_ns = copy."mtimeNs",
        inode = copy."inode",
        version_tag = copy."versionTag",
        compared_ctime_ns = copy."ctimeNs",
        attempts = 0,
        next_attempt_at = null,
        updated_at = clock_timestamp()
    from jsonb_to_recordset(copies) as copy (
        "fileId" bigint, "copyOf" bigint, "detail" text, "sizeBytes" bigint, "mtimeNs" bigint, "inode" numeric,
        "ctimeNs" bigint, "versionTag" text
    )
    where files.file_id = copy."fileId" and files.state in ('pending', 'failed') and files.loaded_bytes = 0;
end;

-- A chunk that cannot be staged again, or whose merge raises on data. With `retry_after` it waits and holds nobody
-- back; without it, or when it has failed too often, it is given up, and its file with it, once all of that is loaded:
-- what is left of it goes on.
create or replace function ingest.fail_chunk(failed_chunk_id bigint, failure text, detail text, retry_after interval)
returns void
language plpgsql
as $$
declare
    given_up_note text;
begin
    select ingest.note_given_up(chunks.attempts + 1, retry_after) into given_up_note
    from ingest.chunks
    where chunks.chunk_id = failed_chunk_id
    for update;

    update ingest.chunks
    set
        state = case when retry_after is null or given_up_note is not null then 'failed' else 'pending' end,
        load_id = null,
        attempts = chunks.attempts + 1,
        next_attempt_at = case
            when given_up_note is null then clock_timestamp() + retry_after * (2 ^ least(chunks.attempts, 6))
        end,
        problem = failure,
        problem_detail = concat(detail, given_up_note)
    where chunks.chunk_id = failed_chunk_id and chunks.state in ('staged', 'pending');

    if retry_after is null or given_up_note is not null then
        update ingest.files
        set
            state = case when files.state = 'pending' then 'pending' else 'failed' end,
            problem = failure,
            problem_detail = concat(detail, given_up_note),
            updated_at = clock_timestamp()
        from ingest.chunks
        where
            chunks.chunk_id = failed_chunk_id
            -- It may have been merged meanwhile.
            and chunks.state = 'failed'
            and files.file_id = chunks.file_id
            and files.state <> 'replaced';
    end if;
end
$$;

-- How many records of the file have got in, or been refused.
create or replace function ingest.merged_records(whole_file_id bigint)
returns bigint
language sql
stable
return (
    select coalesce(sum(chunk_merges.read), 0)::bigint
    from ingest.chunks
    inner join ingest.chunk_merges on chunk_merges.chunk_id = chunks.chunk_id
    where chunks.file_id = whole_file_id and chunk_merges.slices <> 0
);

-- Failed files that are gone from the folder are failed no longer: the row stays, as a version that is of the past, and a
-- file that comes back is a new one. What of them was merged stays. Returns those that it was true of.
create or replace function ingest.forget_files(gone_file_ids bigint[])
returns table (path text, problem text)
language sql
begin atomic
    with gone_files as (
        select files.file_id, files.path, files.problem
        from ingest.files
        where files.file_id = any(gone_file_ids) and files.state = 'failed'
        order by files.file_id
        for update
    )
    update ingest.files
    set
        state = 'replaced',
        problem = 'forgotten',
        problem_detail = 'It had failed (' || gone_files.problem || '), and is gone from the folder.',
        next_attempt_at = null,
        waits_as = null,
        updated_at = clock_timestamp()
    from gone_files
    where files.file_id = gone_files.file_id
    returning gone_files.path, gone_files.problem;
end;

-- Takes failed files up again as if they had never been tried: those of this path, or with null every one; of one stream, or
-- with null of all. So with chunks that were given up or wait for their next attempt. Returns the files, and what their problem was.
create or replace function ingest.retry_files(
    only_path text, only_stream smallint default null, allow_removal boolean default false
)
returns table (path text, problem text, problem_detail text)
language plpgsql
as $$
declare
    retried_files constant bigint[] := array(
        select files.file_id
        from ingest.files
        where
            files.state <> 'replaced'
            and (only_path is null or files.path = only_path)
            and (only_stream is null or files.stream_id = only_stream)
            and (
                files.state = 'failed'
                or exists (
                    select from ingest.chunks
                    where
                        chunks.file_id = files.file_id
                        and (chunks.state = 'failed' or (chunks.state = 'pending' and chunks.attempts > 0))
                )
            )
    );
begin
    return query
        select files.path, files.problem, files.problem_detail
        from ingest.files
        where files.file_id = any(retried_files)
        order by files.path collate "C";

    update ingest.chunks
    set next_attempt_at = null
    where chunks.file_id = any(retried_files) and chunks.state = 'pending';
    perform ingest.reopen_files(retried_files);
    -- As it is now: another content under that name is asked about anew.
    if allow_removal then
        update ingest.files
        set removal_allowed_as = ingest.print_of(files)
        where files.file_id = any(retried_files);
    end if;
end
$$;
