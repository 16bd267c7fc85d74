-- One replay: standing rejects whose verdict is another one today, through the ordinary merge, in one transaction.
--
-- In: the stream, the caller's key (asked again with it, the committed batch is returned), a range of reject ids, what to
-- choose of it, whether conflicts are accepted. Out: the committed batch, or no row when no verdict has changed: so a second
-- replay does nothing. Guarantee: as for ingest.merge_batch; and every record read resolves exactly one reject, which
-- names the batch. With `is_dry_run` it does everything, then raises SL003 with the batch as JSON in its DETAIL.
--
-- replay_stream runs with its owner's rights, so that a role which can only read may be granted a replay, and nothing else
-- (sql/roles/api_reader.sql): hence the pinned search_path, and the refusal of temporary tables that are not its own.
-- replay_as_caller is the same with the caller's rights: of an ingest, whose sessions have temporary tables of their own.
--
-- The records are staged under a load of their own, but under the chunk and record number that they came from: so the
-- merge's own functions give what passes its original lineage, and chunk_merges gets a row of that chunk (slices 0).
-- The stream's part is in src/streams/render/render-replay.ts. They meet in the temporary table replayed_rejects.

create or replace function ingest.guard_owners_rights(home text)
returns void
language plpgsql
as $$
begin
    -- A caller could have made them first, with triggers on them that would run with the owner's rights.
    if exists (
        select from pg_class
        where pg_class.relnamespace = pg_my_temp_schema() and pg_get_userbyid(pg_class.relowner) <> current_user
    ) then
        raise exception 'a replay wants a session without temporary tables of another role'
        using errcode = 'insufficient_privilege';
    end if;
    -- Whoever owns the schema could put functions of his own there, which would run with the owner's rights.
    if exists (
        select from pg_namespace
        inner join pg_roles on pg_roles.oid = pg_namespace.nspowner
        where pg_namespace.nspname = home and pg_roles.rolname <> current_user and not pg_roles.rolsuper
    ) then
        raise exception 'the schema % belongs to another role: alter schema % owner to %', home, home, quote_ident(current_user)
        using errcode = 'insufficient_privilege';
    end if;
end
$$;

create or replace function ingest.prepare_replay(home text)
returns void
language plpgsql
as $$
begin
    perform ingest.prepare_merge(home);
    if to_regclass('pg_temp.replayed_rejects') is null then
        create temporary table replayed_rejects (
            reject_id bigint not null,
            chunk_id bigint not null,
            record_no bigint not null,
            kind text not null,
            reasons text[] not null,
            record jsonb not null
        ) on commit delete rows;
    end if;
end
$$;

-- Locks the chosen rejects and notes them. One that somebody is editing now is left for the next replay.
create or replace function ingest.choose_rejects(
    from_reject_id bigint,
    to_reject_id bigint,
    wanted_reason text,
    wanted_file text,
    since timestamptz,
    this_stream smallint,
    wanted_rejects bigint[] default null
)
returns void
language plpgsql
as $$
declare
    latest_snapshot constant bigint := ingest.applied_snapshot(this_stream);
begin
    insert into replayed_rejects (reject_id, chunk_id, record_no, kind, reasons, record)
    select
        rejects.reject_id,
        rejects.chunk_id,
        rejects.record_no,
        rejects.kind,
        rejects.reasons,
        rejects.record
    from ingest.rejects
    where
        rejects.reject_id between from_reject_id and to_reject_id
        and rejects.stream_id = this_stream
        and rejects.resolved_by_batch is null
        and rejects.record is not null
        and (wanted_rejects is null or rejects.reject_id = any(wanted_rejects))
        and ingest.is_of_current_rows(rejects.chunk_id, latest_snapshot)
        and (wanted_reason is null or wanted_reason = any(rejects.reasons))
        and (since is null or rejects.rejected_at >= since)
        and (wanted_file is null or ingest.is_chunk_of_path(rejects.chunk_id, wanted_file))
        and not exists (
            select from ingest.chunks
            where chunks.chunk_id = rejects.chunk_id and chunks.pruned_at is not null
        )
    order by rejects.reject_id
    for update skip locked;
end
$$;

create or replace function ingest.add_replayed_chunks(this_load_id bigint)
returns void
language plpgsql
as $$
begin
    perform ingest.add_restaged_chunk(replayed_chunks.chunk_id, this_load_id, ingest.all_slices())
    from (select distinct replayed_rejects.chunk_id from replayed_rejects) as replayed_chunks;
    -- Other records of these chunks were merged before.
    update batch_chunks
    set is_late = true;
end
$$;

-- Writes beside every replayed reject what it has become: a row, a duplicate or the like, or a reject again (of this batch).
create or replace function ingest.resolve_rejects(this_batch_id bigint)
returns void
language plpgsql
as $$
begin
    update ingest.rejects
    set
        resolved_by_batch = this_batch_id,
        resolved_at = now(),
        resolution = coalesce(
            rejected_records.kind,
            record_outcomes.outcome,
            case when losing_records.chunk_id is null then 'inserted' else 'duplicate' end
        )
    from replayed_rejects
    left join rejected_records using (chunk_id, record_no)
    left join record_outcomes using (chunk_id, record_no)
    left join losing_records using (chunk_id, record_no)
    where rejects.reject_id = replayed_rejects.reject_id;
end
$$;

create or replace function ingest.is_chunk_of_path(asked_chunk_id bigint, wanted_path text)
returns boolean
language sql
stable
return exists (
    select from ingest.chunks
    inner join ingest.files on files.file_id = chunks.file_id
    where chunks.chunk_id = asked_chunk_id and files.path = wanted_path
);

-- The load under which the rejects are staged, as the ledger keeps it: its rows go before the replay commits.
create or replace function ingest.record_replay_load(this_stream smallint, this_load_id bigint, worker uuid)
returns void
language plpgsql
as $$
begin
    insert into ingest.loads (
        stream_id, load_id, worker_id, backend_pid, backend_start, state, way, records, ended_at
    ) overriding system value
    select
        this_stream,
        this_load_id,
        worker,
        activity.pid,
        -- Null to an owner who may not see the caller's session.
        coalesce(activity.backend_start, clock_timestamp()),
        'swept',
        'replay',
        (select count(*) from replayed_rejects), clock_timestamp()
    from pg_stat_activity as activity
    where activity.pid = pg_backend_pid();
end
$$;

create or replace function ingest.replay_as_caller(
    this_stream smallint,
    wanted_batch_key uuid,
    worker uuid,
    from_reject_id bigint,
    to_reject_id bigint,
    wanted_reason text,
    wanted_file text,
    since timestamptz,
    accept_conflicts boolean,
    is_dry_run boolean,
    -- Only these, as the rejects whose parent is there now; null: all of the range.
    wanted_rejects bigint[] default null
)
returns setof ingest.batches
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set plan_cache_mode = 'force_custom_plan'
set work_mem = '128MB'
set jit = off
set enable_mergejoin = off
as $$
declare
    began_at constant timestamptz := clock_timestamp();
    this_load_id constant bigint := nextval(pg_get_serial_sequence('ingest.loads', 'load_id'));
    home constant text := ingest.home_of(this_stream);
    refused bigint;
    this_batch ingest.batches;
begin
    return query select batches.* from ingest.batches where batches.batch_key = wanted_batch_key;
    if found then
        return;
    end if;

    execute format('select %I.require_key()', home);
    perform ingest.prepare_replay(home);
    perform ingest.choose_rejects(
        from_reject_id, to_reject_id, wanted_reason, wanted_file, since, this_stream, wanted_rejects
    );
    execute format('select %I.stage_rejects($1)', home) using this_load_id;
    execute format('select %I.drop_unchanged_rejects($1, $2)', home) using this_load_id, accept_conflicts;
    if exists (select from replayed_rejects) then
        -- Only now, and waiting: merges take what slices are free, so none waits for us while we wait for it.
        perform from ingest.slices where slices.stream_id = this_stream order by slices.slice_no for update;
        execute format('select %I.drop_still_refused($1, $2)', home) using this_load_id, accept_conflicts;
    end if;
    if not exists (select from replayed_rejects) then
        return;
    end if;

    perform ingest.record_replay_load(this_stream, this_load_id, worker);
    perform ingest.add_replayed_chunks(this_load_id);
    this_batch := ingest.open_batch(this_stream, wanted_batch_key, worker, 'replay', ingest.all_slices(), began_at);

    execute format('select %I.count_records()', home);
    execute format('select %I.insert_or_refuse()', home);
    execute format('select %I.classify_losers()', home);
    execute format('select %I.reject_records($1)', home) using this_batch.batch_id;
    perform ingest.resolve_rejects(this_batch.batch_id);
    if accept_conflicts then
        execute format('select %I.accept_or_refuse($1)', home) using this_batch.batch_id;
    end if;
    execute format('select %I.unstage_rejects($1)', home) using this_load_id;

    if (select sum(batch_chunks.read) from batch_chunks) <> (select count(*) from replayed_rejects) then
        raise exception 'conservation: a replay did not read each reject once' using errcode = 'SL002';
    end if;
    this_batch := ingest.close_batch(this_batch);
    if is_dry_run then
        execute format('select %I.count_refused_conflicts($1)', home) into refused using this_batch.batch_id;
        raise exception 'a replay that was only tried'
        using errcode = 'SL003', detail = (to_jsonb(this_batch) || jsonb_build_object('refused', refused))::text;
    end if;
    return next this_batch;
end
$$;

create or replace function ingest.replay_stream(
    this_stream smallint,
    wanted_batch_key uuid,
    worker uuid,
    from_reject_id bigint,
    to_reject_id bigint,
    wanted_reason text,
    wanted_file text,
    since timestamptz,
    accept_conflicts boolean,
    is_dry_run boolean
)
returns setof ingest.batches
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ingest.guard_owners_rights(ingest.home_of(this_stream));
    return query
    select replayed.*
    from ingest.replay_as_caller(
        this_stream,
        wanted_batch_key,
        worker,
        from_reject_id,
        to_reject_id,
        wanted_reason,
        wanted_file,
        since,
        accept_conflicts,
        is_dry_run
    ) as replayed;
end
$$;

revoke all on function ingest.replay_stream(
    smallint, uuid, uuid, bigint, bigint, text, text, timestamptz, boolean, boolean
) from public;

-- That of the built-in stream, under the name and with the arguments for which roles were granted it.
create or replace function ingest.replay_batch(
    wanted_batch_key uuid,
    worker uuid,
    from_reject_id bigint,
    to_reject_id bigint,
    wanted_reason text,
    wanted_file text,
    since timestamptz,
    accept_conflicts boolean,
    is_dry_run boolean
)
returns setof ingest.batches
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select replayed.*
    from ingest.replay_stream(
        0::smallint,
        wanted_batch_key,
        worker,
        from_reject_id,
        to_reject_id,
        wanted_reason,
        wanted_file,
        since,
        accept_conflicts,
        is_dry_run
    ) as replayed;
end
$$;

revoke all on function ingest.replay_batch(
    uuid, uuid, bigint, bigint, text, text, timestamptz, boolean, boolean
) from public;
