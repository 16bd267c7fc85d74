-- Snapshots: a file is the whole table, or all of it that has the file's values in some columns. Its chunks are staged as 'held'
-- until it is whole; then they are released, and one merge takes them all, or the file fails and nothing has changed.
--
-- At most one file of a stream is released at a time. Of whole files that wait, the newest in the order of paths is next; once it is
-- applied, those before it are skipped as superseded. Where a file is a slice they are applied one after the other.
-- The stream's part is in src/streams/render/snapshot-records.ts.

create or replace function ingest.is_snapshot(this_stream smallint)
returns boolean
language sql
stable
return exists (
    select from ingest.streams
    where streams.stream_id = this_stream and streams.mode = 'snapshot'
);

-- What its declaration says of its mode: src/streams/mode.ts.
create or replace function ingest.snapshot_mode(this_stream smallint)
returns jsonb
language sql
stable
return (
    select streams.declaration -> 'mode'
    from ingest.streams
    where streams.stream_id = this_stream
);

-- Whether each file is all of the table.
create or replace function ingest.replaces_all(this_stream smallint)
returns boolean
language sql
stable
return jsonb_array_length(ingest.snapshot_mode(this_stream) -> 'by') = 0;

-- The file that was applied last, whatever has become of it since; null when none was.
create or replace function ingest.applied_snapshot(this_stream smallint)
returns bigint
language sql
stable
return (
    select chunks.file_id
    from ingest.batches
    inner join ingest.chunk_merges on chunk_merges.batch_id = batches.batch_id
    inner join ingest.chunks on chunks.chunk_id = chunk_merges.chunk_id
    where
        batches.batch_id = (
            select max(snapshots.batch_id)
            from ingest.batches as snapshots
            where snapshots.stream_id = this_stream and snapshots.rows_after is not null
        )
    limit 1
);

-- Whether what is said in the chunk may still be of the table: not once a later snapshot stands for it. `latest`: applied_snapshot.
create or replace function ingest.is_of_current_rows(asked_chunk_id bigint, latest bigint)
returns boolean
language sql
stable
return latest is null or exists (
    select from ingest.chunks
    where chunks.chunk_id = asked_chunk_id and chunks.file_id = latest
);

-- Takes back what is staged of files that were rewritten or have failed: it would keep others waiting for room. Returns false where a merge has begun, which may be applying
-- one of them: that is for later.
create or replace function ingest.take_back_spent_snapshots(this_stream smallint)
returns boolean
language plpgsql
as $$
declare
    spent_files bigint[];
begin
    spent_files := array(
        select distinct files.file_id
        from ingest.files
        inner join ingest.chunks on chunks.file_id = files.file_id and chunks.state in ('held', 'staged')
        where files.stream_id = this_stream and files.state in ('replaced', 'failed') and chunks.merged_slices = 0
    );
    if cardinality(spent_files) = 0 then
        return true;
    end if;
    if ingest.lock_slices(this_stream, ingest.all_slices()) <> ingest.all_slices() then
        return false;
    end if;
    perform ingest.take_back_chunks(spent.file_id, array['held', 'staged'])
    from unnest(spent_files) as spent (file_id);
    return true;
end
$$;

-- Releases the next file that is whole. Returns what was decided of which files: released, or why one is skipped or has failed.
create or replace function ingest.release_snapshot(this_stream smallint)
returns table (path text, verdict text, detail text)
language plpgsql
as $$
declare
    next_file ingest.files;
    applied ingest.files;
begin
    if not ingest.take_back_spent_snapshots(this_stream) or exists (
        select from ingest.chunks
        where chunks.stream_id = this_stream and chunks.state in ('staged', 'pending')
    ) or exists (
        -- It had been released, and is read again: the loader may have looked for work just before that.
        select from ingest.files
        where files.stream_id = this_stream and files.state = 'pending' and files.attempts > 0 and files.problem is null
    ) then
        return;
    end if;

    select files.* into applied
    from ingest.files
    where files.file_id = ingest.applied_snapshot(this_stream);
    loop
        select held_files.* into next_file
        from ingest.held_files(this_stream) as held_files
        where held_files.state = 'loaded'
        order by
            case when ingest.replaces_all(this_stream) then held_files.path collate "C" end desc,
            held_files.path collate "C",
            held_files.version desc
        limit 1;
        exit when not found;
        release_snapshot.path := next_file.path;
        release_snapshot.detail := null;
        verdict := case
            when next_file.loaded_records = 0 then 'snapshot_empty'
            when
                ingest.replaces_all(this_stream)
                -- Found and written before it: it had failed, and is tried again.
                and next_file.file_id < applied.file_id
                and next_file.mtime_ns <= applied.mtime_ns
                and next_file.path collate "C" <= applied.path
            then 'superseded'
            when ingest.repeats_snapshot(next_file, applied) then 'copy'
            else 'released'
        end;
        case verdict
            when 'released' then
                update ingest.chunks
                set state = 'staged'
                where chunks.file_id = next_file.file_id and chunks.state = 'held';
            when 'snapshot_empty' then
                release_snapshot.detail := 'It has no record: nothing would be left. An empty file is never taken for a snapshot.';
                perform ingest.fail_snapshot(next_file.file_id, verdict, release_snapshot.detail);
            when 'superseded' then
                release_snapshot.detail := ingest.skip_snapshot(next_file.file_id, applied.file_id, verdict);
            when 'copy' then
                release_snapshot.detail := ingest.skip_snapshot(next_file.file_id, applied.file_id, verdict);
                return query
                select superseded.path, 'superseded'::text, superseded.detail
                from ingest.supersede_snapshots(this_stream, next_file.file_id) as superseded;
        end case;
        return next;
        exit when verdict = 'released';
    end loop;
end
$$;

-- Whether it is, byte for byte and read in the same way, the one that was applied last: another of that content, before it, counts anew.
create or replace function ingest.repeats_snapshot(snapshot ingest.files, applied ingest.files)
returns boolean
language sql
stable
return applied.file_id is not null
and snapshot.source is not distinct from applied.source
and array(
    select chunks.content_hash from ingest.chunks
    where chunks.file_id = snapshot.file_id
    order by chunks.first_byte, chunks.chunk_id
) = array(
    select chunks.content_hash from ingest.chunks
    where chunks.file_id = applied.file_id
    order by chunks.first_byte, chunks.chunk_id
);

-- Skips a whole file that was never merged, and returns why.
create or replace function ingest.skip_snapshot(skipped_file_id bigint, for_file_id bigint, why text)
returns text
language plpgsql
as $$
declare
    detail text;
begin
    detail := (
        select format(
            case why
                when 'copy' then 'Its content equals that of %s (version %s), the snapshot that was applied last.'
                else 'The later snapshot %s (version %s) is applied: it stands for the whole table.'
            end,
            files.path,
            files.version
        )
        from ingest.files
        where files.file_id = for_file_id
    );
    perform ingest.take_back_chunks(skipped_file_id, array['held', 'staged']);
    update ingest.files
    set
        state = 'skipped',
        problem = why,
        problem_detail = detail,
        copy_of = case when why = 'copy' then for_file_id end,
        attempts = 0,
        next_attempt_at = null,
        updated_at = clock_timestamp()
    where files.file_id = skipped_file_id;
    return detail;
end
$$;

-- Skips the whole files that wait and come before this one in the order of paths.
create or replace function ingest.supersede_snapshots(this_stream smallint, by_file_id bigint)
returns table (path text, detail text)
language plpgsql
as $$
begin
    if ingest.replaces_all(this_stream) then
        return query
        select waiting_files.path, ingest.skip_snapshot(waiting_files.file_id, by_file_id, 'superseded')
        from ingest.held_files(this_stream) as waiting_files
        inner join ingest.files as newest on newest.file_id = by_file_id
        where waiting_files.state = 'loaded' and waiting_files.path collate "C" <= newest.path;
    end if;
end
$$;

-- Takes back what is staged of a file and fails it: nothing of it got in, and the table is as it was.
create or replace function ingest.fail_snapshot(failed_file_id bigint, failure text, failure_detail text)
returns void
language plpgsql
as $$
begin
    update ingest.files
    set
        state = 'failed',
        problem = failure,
        problem_detail = failure_detail,
        attempts = files.attempts + 1,
        next_attempt_at = null,
        updated_at = clock_timestamp()
    where files.file_id = failed_file_id and files.state = 'loaded';
    if found then
        perform ingest.take_back_chunks(failed_file_id, array['held', 'staged']);
    end if;
end
$$;

-- Fails the released file that has this chunk; returns its path, null when another merge has applied or failed it meanwhile. It waits
-- for a merge that has begun.
create or replace function ingest.fail_released_snapshot(
    this_stream smallint,
    chunk_of_file bigint,
    failure text,
    failure_detail text
)
returns text
language plpgsql
as $$
declare
    released ingest.files;
begin
    perform from ingest.slices where slices.stream_id = this_stream order by slices.slice_no for update;
    select files.* into released
    from ingest.files
    inner join ingest.chunks on chunks.file_id = files.file_id
    where chunks.chunk_id = chunk_of_file and chunks.state = 'staged';
    perform ingest.fail_snapshot(released.file_id, failure, failure_detail);
    return released.path;
end
$$;

-- The file that a merge may take: whole, and as it was read.
create or replace function ingest.released_snapshot(this_stream smallint)
returns bigint
language sql
stable
return (
    select files.file_id
    from ingest.files
    where
        files.stream_id = this_stream
        and files.state = 'loaded'
        and files.file_id = (
            select chunks.file_id from ingest.chunks
            where chunks.stream_id = this_stream and chunks.state = 'staged'
            order by chunks.chunk_id
            limit 1
        )
        and not exists (
            select from ingest.chunks
            where chunks.file_id = files.file_id and (chunks.state <> 'staged' or chunks.merged_slices <> 0)
        )
);

-- Locks all slices, waiting as a replay does, and returns all chunks of the file that is released; with `only_chunk` none, if it is not
-- the file of that chunk.
create or replace function ingest.choose_snapshot(this_stream smallint, only_chunk bigint)
returns bigint[]
language plpgsql
as $$
declare
    chosen_chunks bigint[];
begin
    perform from ingest.slices where slices.stream_id = this_stream order by slices.slice_no for update;
    chosen_chunks := array(
        select chunks.chunk_id from ingest.chunks
        where chunks.file_id = ingest.released_snapshot(this_stream)
        order by chunks.chunk_id
    );
    return case when only_chunk is null or only_chunk = any(chosen_chunks) then chosen_chunks else '{}' end;
end
$$;

-- Raises SL011: the text of a record is needed of which only typed values are staged. The file is then staged as text.
create or replace function ingest.text_needed()
returns jsonb
language plpgsql
stable
as $$
begin
    raise exception 'the text of a record is needed' using errcode = 'SL011';
end
$$;

-- The released file that has this chunk is staged again, as text: see ingest.wants_text. It waits for a merge that has begun.
create or replace function ingest.stage_as_text(this_stream smallint, chunk_of_file bigint)
returns void
language plpgsql
as $$
declare
    released_file_id bigint;
begin
    perform from ingest.slices where slices.stream_id = this_stream order by slices.slice_no for update;
    released_file_id := (
        select chunks.file_id from ingest.chunks
        where chunks.chunk_id = chunk_of_file and chunks.state = 'staged'
    );
    perform ingest.take_back_chunks(released_file_id, array['held', 'staged']);
    update ingest.files
    set state = 'pending', attempts = files.attempts + 1, updated_at = clock_timestamp()
    where files.file_id = released_file_id and files.state = 'loaded';
end
$$;

-- Whether a file's records are staged as text, and not typed by COPY: it is read again (it was tried typed, and a reject needs its text); or
-- the stream's latest merge had rejects, so that this one likely has some, too.
create or replace function ingest.wants_text(this_file_id bigint)
returns boolean
language sql
stable
return (
    select
        files.attempts > 0
        or coalesce(
            (
                select batches.conflict + batches.rejected > 0
                from ingest.batches
                where batches.stream_id = files.stream_id and batches.kind = 'merge'
                order by batches.batch_id desc
                limit 1
            ),
            false
        )
    from ingest.files
    where files.file_id = this_file_id
);

-- A file of which staged rows were lost is read again as a whole. As ingest.drop_lost_chunks, which knows of chunks.
create or replace function ingest.drop_lost_snapshot()
returns void
language plpgsql
as $$
declare
    lost_file_id bigint;
begin
    lost_file_id := (
        select chunks.file_id
        from batch_chunks
        inner join ingest.chunks on chunks.chunk_id = batch_chunks.chunk_id
        where batch_chunks.staged <> batch_chunks.records
        limit 1
    );
    if lost_file_id is null then
        return;
    end if;
    delete from batch_chunks;
    perform ingest.take_back_chunks(lost_file_id, array['held', 'staged']);
    update ingest.files
    set state = 'pending', attempts = files.attempts + 1, updated_at = clock_timestamp()
    where files.file_id = lost_file_id and files.state = 'loaded';
end
$$;

-- Whether a table or a partition of it has triggers of its owner's.
create or replace function ingest.has_triggers(asked_table regclass)
returns boolean
language sql
stable
return exists (
    select from pg_trigger
    where
        not pg_trigger.tgisinternal
        and (
            pg_trigger.tgrelid = asked_table
            or exists (
                select from pg_partition_tree(asked_table) as partitions
                where partitions.relid = pg_trigger.tgrelid
            )
        )
);

-- Ends a merge that has applied a snapshot, in its transaction. Returns how many rows the table, or the file's slices of it, have now.
create or replace function ingest.end_snapshot(this_batch ingest.batches, applied jsonb)
returns bigint
language plpgsql
as $$
begin
    perform ingest.guard_snapshot(this_batch, applied);
    update batch_chunks
    set removed = (applied ->> 'removed')::bigint
    where batch_chunks.chunk_id = (select max(last_chunks.chunk_id) from batch_chunks as last_chunks);
    perform ingest.supersede_snapshots(this_batch.stream_id, (
        select chunks.file_id
        from ingest.chunks
        where chunks.chunk_id = (select min(batch_chunks.chunk_id) from batch_chunks)
    ));
    return (applied ->> 'rows')::bigint;
end
$$;

-- Raises SL007, with {problem, detail} in its DETAIL, where the file goes beyond what its stream allows. `applied`: what
-- apply_records returned.
create or replace function ingest.guard_snapshot(this_batch ingest.batches, applied jsonb)
returns void
language plpgsql
as $$
declare
    mode constant jsonb := ingest.snapshot_mode(this_batch.stream_id);
    rows_before constant bigint := applied ->> 'rowsBefore';
    removed constant bigint := applied ->> 'removed';
    records bigint;
    refused bigint;
    problem text;
    detail text;
begin
    select sum(batch_chunks.read), sum(batch_chunks.conflict + batch_chunks.rejected)
    into records, refused
    from batch_chunks;
    if refused > ingest.limit_of(mode -> 'maxRejects', records) then
        problem := 'too_many_rejects';
        detail := ingest.describe_rejects(this_batch.batch_id, refused, records);
    elsif (applied ->> 'rows')::bigint = 0 then
        problem := 'snapshot_empty';
        detail := 'None of its records is valid: nothing would be left.';
    elsif removed > ingest.limit_of(mode -> 'maxRemoved', rows_before) and not ingest.may_remove() then
        problem := 'snapshot_removes_too_much';
        detail := format(
            'It lacks %s of %s rows, and nothing of it got in: maxRemoved allows %s. For example %s.',
            removed,
            rows_before,
            floor(ingest.limit_of(mode -> 'maxRemoved', rows_before)),
            (select string_agg(examples.key, '; ') from jsonb_array_elements_text(applied -> 'examples') as examples (key))
        );
    else
        return;
    end if;
    raise exception 'a snapshot goes beyond what its stream allows'
    using errcode = 'SL007', detail = jsonb_build_object('problem', problem, 'detail', detail)::text;
end
$$;

-- So many of so many: a limit is a number of them, or a share.
create or replace function ingest.limit_of(most jsonb, of_all bigint)
returns numeric
language sql
immutable
return (most ->> 'most')::numeric * case when most ->> 'kind' = 'ratio' then of_all else 1 end;

-- Whether somebody has let this version of the batch's file pass, as it was when it failed (bun run retry --allow-removal).
create or replace function ingest.may_remove()
returns boolean
language plpgsql
stable
as $$
begin
    return (
        select coalesce(bool_and(files.removal_allowed_as = ingest.print_of(files)), false)
        from batch_chunks
        inner join ingest.chunks on chunks.chunk_id = batch_chunks.chunk_id
        inner join ingest.files on files.file_id = chunks.file_id
    );
end
$$;

-- As printOf in src/engine/ledger/files.ts.
create or replace function ingest.print_of(file ingest.files)
returns text
language sql
immutable
return concat_ws(' ', file.size_bytes, coalesce(file.version_tag, concat_ws(' ', file.mtime_ns, file.inode)));
