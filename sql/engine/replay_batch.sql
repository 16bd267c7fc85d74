-- One replay: standing rejects whose verdict is another one today, through the ordinary merge, in one transaction.
--
-- In: the stream, the caller's key (asked again with it, the committed batch is described again), the ids of rejects, whether
-- conflicts are accepted, values to try in place of what the records say. Out: what became of them, as JSON; `batch` is null when
-- no verdict has changed: so a second replay does nothing. Guarantee: as for ingest.merge_batch; and every record read resolves
-- exactly one reject, which names the batch. With `is_dry_run` it does everything, then raises SL003 with the answer in its DETAIL.
--
-- replay_rejects runs with its owner's rights, so that a role which can only read may be granted a replay, and nothing else
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

-- Locks the chosen rejects that stand, and notes them; with `changes`, as they would be with those values. Returns how many
-- somebody else is changing now: they are left for the next replay. Only a reject that is chosen alone gets values that it has
-- not got at all.
create or replace function ingest.choose_rejects(chosen bigint[], this_stream smallint, changes jsonb default null)
returns bigint
language plpgsql
as $$
declare
    latest_snapshot constant bigint := ingest.applied_snapshot(this_stream);
    may_make constant boolean := changes is not null and cardinality(chosen) = 1;
    standing bigint;
    noted bigint;
begin
    insert into replayed_rejects (reject_id, chunk_id, record_no, kind, reasons, record)
    select
        rejects.reject_id,
        rejects.chunk_id,
        rejects.record_no,
        rejects.kind,
        rejects.reasons,
        coalesce(rejects.record, '{}')
    from unnest(chosen) as chosen_rejects (reject_id)
    inner join ingest.rejects on rejects.reject_id = chosen_rejects.reject_id
    where
        rejects.stream_id = this_stream
        and rejects.resolved_by_batch is null
        and (rejects.record is not null or may_make)
        and ingest.is_of_current_rows(rejects.chunk_id, latest_snapshot)
        and not exists (
            select from ingest.chunks
            where chunks.chunk_id = rejects.chunk_id and chunks.pruned_at is not null
        )
    order by rejects.reject_id
    for update of rejects skip locked;
    get diagnostics noted = row_count;

    select count(*) into standing
    from unnest(chosen) as chosen_rejects (reject_id)
    inner join ingest.rejects on rejects.reject_id = chosen_rejects.reject_id
    where
        rejects.stream_id = this_stream
        and rejects.resolved_by_batch is null
        and (rejects.record is not null or may_make)
        and ingest.is_of_current_rows(rejects.chunk_id, latest_snapshot)
        and not exists (
            select from ingest.chunks
            where chunks.chunk_id = rejects.chunk_id and chunks.pruned_at is not null
        );

    if changes is not null then
        update ingest.rejects
        set record = replayed_rejects.record || changes
        from replayed_rejects
        where rejects.reject_id = replayed_rejects.reject_id;
        update replayed_rejects set record = replayed_rejects.record || changes;
    end if;
    return standing - noted;
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

-- The first of the rejects that are replayed, each with its values beside the stored row, as it is before the replay.
create or replace function ingest.look_at_rejects(home text, most integer)
returns jsonb
language plpgsql
stable
as $$
declare
    looked jsonb;
begin
    execute format(
        'select jsonb_agg(
            jsonb_build_object(
                ''rejectId'', first_rejects.reject_id,
                ''fields'', ingest.describe_fields($2, first_rejects.record, %1$I.compare_record(first_rejects.record))
            )
            order by first_rejects.reject_id
        )
        from (
            select replayed_rejects.reject_id, replayed_rejects.record
            from replayed_rejects
            order by replayed_rejects.reject_id
            limit $1
        ) as first_rejects',
        home
    ) into looked using most, home;
    return looked;
end
$$;

-- The answer of a replay. `remaining` counts what is still rejected or in conflict of the chosen rejects, by reason;
-- `samples` are a few of `looked`: the accepted ones, or the only one that was chosen, with what became of it.
create or replace function ingest.describe_replay(
    this_stream smallint,
    this_batch ingest.batches,
    chosen bigint[],
    busy bigint,
    looked jsonb
)
returns jsonb
language plpgsql
stable
as $$
declare
    most_samples constant integer := 5;
    refused bigint := 0;
    remaining jsonb;
    samples jsonb;
begin
    if this_batch.batch_id is not null then
        execute format('select %I.count_refused_conflicts($1)', ingest.home_of(this_stream))
        into refused using this_batch.batch_id;
    end if;

    with standing_rejects as (
        select rejects.reject_id, rejects.reasons
        from unnest(chosen) as chosen_rejects (reject_id)
        inner join ingest.rejects on rejects.reject_id = chosen_rejects.reject_id
        where rejects.resolved_by_batch is null
        union all
        select rejects.reject_id, rejects.reasons
        from ingest.rejects
        where rejects.batch_id = this_batch.batch_id and rejects.resolved_by_batch is null
    ),
    reason_counts as (
        select reasons.reason, count(*) as records
        from standing_rejects
        cross join lateral unnest(standing_rejects.reasons) as reasons (reason)
        group by reasons.reason
    )
    select
        coalesce(
            jsonb_agg(
                jsonb_build_object('reason', reason_counts.reason, 'records', reason_counts.records)
                order by reason_counts.records desc, reason_counts.reason
            ),
            '[]'
        )
    into remaining
    from reason_counts;

    select coalesce(jsonb_agg(sampled.answer order by sampled.reject_id), '[]')
    into samples
    from (
        select
            rejects.reject_id,
            looked_rejects.looked || jsonb_build_object(
                'outcome', coalesce(rejects.resolution, 'unchanged'),
                'reasons', coalesce(new_rejects.reasons, case when rejects.resolution is null then rejects.reasons end, '{}'),
                'refusal', coalesce(new_rejects.refusal, case when rejects.resolution is null then rejects.refusal end)
            ) as answer
        from jsonb_array_elements(looked) as looked_rejects (looked)
        inner join ingest.rejects on rejects.reject_id = (looked_rejects.looked ->> 'rejectId')::bigint
        left join ingest.rejects as new_rejects
            on
                new_rejects.batch_id = this_batch.batch_id
                and new_rejects.chunk_id = rejects.chunk_id
                and new_rejects.record_no = rejects.record_no
                and new_rejects.resolved_by_batch is null
        where rejects.resolution = 'accepted' or cardinality(chosen) = 1
        order by rejects.reject_id
        limit most_samples
    ) as sampled;

    return jsonb_build_object(
        'batch', case when this_batch.batch_id is not null then to_jsonb(this_batch) end,
        'refused', refused,
        'busy', busy,
        'remaining', remaining,
        'samples', samples
    );
end
$$;

create or replace function ingest.replay_as_caller(
    this_stream smallint,
    wanted_batch_key uuid,
    worker uuid,
    chosen bigint[],
    accept_conflicts boolean,
    is_dry_run boolean,
    changes jsonb default null,
    -- What the caller has seen of the only one that is chosen; raises SL008 when it is something else now.
    seen jsonb default null
)
returns jsonb
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
    busy bigint;
    looked jsonb;
    answer jsonb;
    this_batch ingest.batches;
begin
    select batches.* into this_batch from ingest.batches where batches.batch_key = wanted_batch_key;
    if found then
        return ingest.describe_replay(this_stream, this_batch, chosen, 0, '[]');
    end if;

    execute format('select %I.require_key()', home);
    perform ingest.prepare_replay(home);
    perform ingest.require_changes(changes);
    busy := ingest.choose_rejects(chosen, this_stream, changes);
    perform ingest.require_seen(home, seen);
    if cardinality(chosen) = 1 then
        looked := ingest.look_at_rejects(home, 1);
    end if;
    execute format('select %I.stage_rejects($1)', home) using this_load_id;
    execute format('select %I.drop_unchanged_rejects($1, $2)', home) using this_load_id, accept_conflicts;
    if exists (select from replayed_rejects) then
        -- Only now, and waiting: merges take what slices are free, so none waits for us while we wait for it.
        perform from ingest.slices where slices.stream_id = this_stream order by slices.slice_no for update;
        execute format('select %I.drop_still_refused($1, $2)', home) using this_load_id, accept_conflicts;
    end if;

    if exists (select from replayed_rejects) then
        if looked is null and accept_conflicts then
            looked := ingest.look_at_rejects(home, 50);
        end if;
        this_batch := ingest.merge_rejects(this_stream, wanted_batch_key, worker, this_load_id, accept_conflicts, began_at);
    end if;
    answer := ingest.describe_replay(this_stream, this_batch, chosen, busy, coalesce(looked, '[]'));
    if is_dry_run then
        raise exception 'a replay that was only tried' using errcode = 'SL003', detail = answer::text;
    end if;
    return answer;
end
$$;

-- The merge of what is in replayed_rejects. Their slices are locked.
create or replace function ingest.merge_rejects(
    this_stream smallint,
    wanted_batch_key uuid,
    worker uuid,
    this_load_id bigint,
    accept_conflicts boolean,
    began_at timestamptz
)
returns ingest.batches
language plpgsql
as $$
declare
    home constant text := ingest.home_of(this_stream);
    this_batch ingest.batches;
begin
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
    return ingest.close_batch(this_batch);
end
$$;

create or replace function ingest.replay_rejects(
    this_stream smallint,
    wanted_batch_key uuid,
    worker uuid,
    chosen bigint[],
    accept_conflicts boolean,
    is_dry_run boolean,
    changes jsonb default null,
    seen jsonb default null
)
returns jsonb
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ingest.guard_owners_rights(ingest.home_of(this_stream));
    return ingest.replay_as_caller(
        this_stream, wanted_batch_key, worker, chosen, accept_conflicts, is_dry_run, changes, seen
    );
end
$$;

revoke all on function ingest.replay_rejects(
    smallint, uuid, uuid, bigint[], boolean, boolean, jsonb, jsonb
) from public;

-- Its signatures of earlier versions.
drop function if exists ingest.replay_stream(
    smallint, uuid, uuid, bigint, bigint, text, text, timestamptz, boolean, boolean
);
drop function if exists ingest.replay_batch(uuid, uuid, bigint, bigint, text, text, timestamptz, boolean, boolean);
