-- Retention (bun run prune): what was merged before a moment goes, in steps that are one statement and one transaction each,
-- in this order. Why it is by chunk and by time of merge: docs/decisions/retention.md.
--
--   prune_chunks   marks old chunks as pruned (chunks.pruned_at) and deletes their rejects. From here on their events may be
--                  gone: a prune that is killed leaves everything adding up, and the next one goes on.
--   prune_batches  deletes old batches of which every chunk is pruned; what they counted goes to pruned_totals
--   prune_rows     (src/streams/render/render-prune.ts) deletes the rows of pruned chunks, a range of pages at a time; of a
--                  table that Sluice did not make none
--   prune_history  deletes what upserts kept of old versions, and old tombstones: a record that is older still and comes
--                  after the window counts as new
--   prune_loads    deletes old loads that no chunk names any more
--   prune_files    forgets pruned files that have left the folder. What is still in the folder stays in the ledger, with
--                  the hashes of its chunks: else it would be read again, and a copy of it would not be known.
--
-- Each takes one stream's alone, or those of all (null).
--
-- Locks are taken in the order of replays and merges: rejects, slices, chunks, files, then the sums in the order of their
-- keys. What somebody else holds is skipped and left for the next prune.

-- One prune at a time. A lock of the session: it ends with it, and is asked for again by each step, since the connection
-- may be another one by now.
create or replace function ingest.hold_prune_lock()
returns void
language plpgsql
as $$
begin
    if not pg_try_advisory_lock(hashtextextended('sluice prune', 0)) then
        raise exception 'another prune is at work on this database' using errcode = 'SL005';
    end if;
end
$$;

-- Those of the chunks that may be pruned, and how many rejects each has: merged before `older_than`, and not touched
-- since, by a replay or because another record was accepted in the place of one of theirs.
create or replace function ingest.old_chunks(
    among_chunks bigint[], older_than timestamptz, only_stream smallint default null
)
returns table (chunk_id bigint, rejects bigint)
language sql
stable
as $$
select
    chunks.chunk_id,
    sum(chunk_merges.rejected + chunk_merges.conflict + chunk_merges.displaced)::bigint
from ingest.chunks
inner join ingest.chunk_merges on chunk_merges.chunk_id = chunks.chunk_id
inner join ingest.batches on batches.batch_id = chunk_merges.batch_id
where
    (among_chunks is null or chunks.chunk_id = any(among_chunks))
    and (only_stream is null or chunks.stream_id = only_stream)
    and chunks.state = 'merged'
    and chunks.pruned_at is null
    and chunks.merged_at < older_than
group by chunks.chunk_id
having max(batches.finished_at) < older_than
$$;

-- Looks at the next 500 chunks behind `after_chunk_id` and prunes those that are old, up to about `most_rejects` rejects. No
-- row when there are no more chunks.
create or replace function ingest.prune_chunks(
    older_than timestamptz, after_chunk_id bigint, most_rejects bigint, only_stream smallint default null
)
returns table (last_chunk_id bigint, chunk_count bigint, reject_count bigint)
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set lock_timeout = '5s'
as $$
declare
    next_chunks constant bigint[] := array(
        select chunks.chunk_id
        from ingest.chunks
        where chunks.chunk_id > after_chunk_id and (only_stream is null or chunks.stream_id = only_stream)
        order by chunks.chunk_id
        limit 500
    );
    doomed_chunks bigint[];
    has_more boolean;
begin
    perform ingest.hold_prune_lock();
    if cardinality(next_chunks) = 0 then
        return;
    end if;

    select
        coalesce(array_agg(counted_chunks.chunk_id) filter (where counted_chunks.is_in), '{}'),
        coalesce(bool_or(not counted_chunks.is_in), false)
    into doomed_chunks, has_more
    from (
        select
            old_chunks.chunk_id,
            sum(old_chunks.rejects) over in_order <= most_rejects or row_number() over in_order = 1 as is_in
        from ingest.old_chunks(next_chunks, older_than)
        window in_order as (order by old_chunks.chunk_id)
    ) as counted_chunks;
    last_chunk_id := case
        when has_more then (select max(doomed.chunk_id) from unnest(doomed_chunks) as doomed (chunk_id))
        else next_chunks[cardinality(next_chunks)]
    end;

    -- A chunk of which a reject is being replayed or edited is left as it is. Those that we hold no replay takes up.
    with locked_rejects as materialized (
        select rejects.chunk_id
        from ingest.rejects
        where rejects.chunk_id = any(doomed_chunks)
        order by rejects.reject_id
        for update skip locked
    ),
    locked_counts as (
        select locked_rejects.chunk_id, count(*) as rejects
        from locked_rejects
        group by locked_rejects.chunk_id
    )
    select coalesce(array_agg(doomed.chunk_id), '{}')
    into doomed_chunks
    from unnest(doomed_chunks) as doomed (chunk_id)
    left join locked_counts on locked_counts.chunk_id = doomed.chunk_id
    where (
        select count(*)
        from ingest.rejects
        where rejects.chunk_id = doomed.chunk_id
    ) = coalesce(locked_counts.rejects, 0);

    perform from ingest.chunks where chunks.chunk_id = any(doomed_chunks) order by chunks.chunk_id for update;
    update ingest.chunks
    set pruned_at = clock_timestamp(), load_id = null
    where chunks.chunk_id = any(doomed_chunks);
    get diagnostics chunk_count = row_count;

    reject_count := ingest.remove_rejects(of_chunks => doomed_chunks);
    return next;
end
$$;

-- Deletes the rejects of these chunks or batches, and takes them off the sums. Returns how many there were.
create or replace function ingest.remove_rejects(of_chunks bigint[] default '{}', of_batches bigint[] default '{}')
returns bigint
language plpgsql
as $$
declare
    reject_count bigint;
    losses ingest.reject_stats[];
begin
    with removed_rejects as (
        delete from ingest.rejects
        where rejects.chunk_id = any(of_chunks) or rejects.batch_id = any(of_batches)
        returning rejects.*
    ),
    lost_sums as (
        select
            removed_rejects.stream_id,
            (removed_rejects.rejected_at at time zone 'UTC')::date as day,
            removed_rejects.kind,
            reason_list.reason,
            -count(*) as rejects,
            -count(removed_rejects.resolved_by_batch) as resolved,
            min(removed_rejects.rejected_at) as first_rejected_at,
            max(removed_rejects.rejected_at) as last_rejected_at,
            max(removed_rejects.reject_id) as last_reject_id
        from removed_rejects
        cross join lateral unnest(array_prepend('', removed_rejects.reasons)) as reason_list (reason)
        group by 1, 2, 3, 4
    )
    select
        (select count(*) from removed_rejects),
        array_agg(row(
            lost_sums.day, lost_sums.kind, lost_sums.reason, lost_sums.rejects, lost_sums.resolved,
            lost_sums.first_rejected_at, lost_sums.last_rejected_at, lost_sums.last_reject_id, lost_sums.stream_id
        )::ingest.reject_stats)
    into reject_count, losses
    from lost_sums;

    if reject_count > 0 then
        perform ingest.add_reject_stats(losses);
        perform ingest.refresh_reject_stats(array(select distinct lost.day from unnest(losses) as lost));
    end if;
    return reject_count;
end
$$;

-- For days that have lost rejects: sums that are zero now are deleted, and the first and the last reject are looked up again.
create or replace function ingest.refresh_reject_stats(days date[])
returns void
language plpgsql
as $$
begin
    delete from ingest.reject_stats
    where reject_stats.day = any(days) and reject_stats.rejects = 0 and reject_stats.resolved = 0;

    update ingest.reject_stats
    set
        first_rejected_at = kept_rejects.first_rejected_at,
        last_rejected_at = kept_rejects.last_rejected_at,
        last_reject_id = kept_rejects.last_reject_id
    from unnest(days) as lost (day)
    cross join lateral (
        select
            rejects.stream_id,
            rejects.kind,
            reason_list.reason,
            min(rejects.rejected_at) as first_rejected_at,
            max(rejects.rejected_at) as last_rejected_at,
            max(rejects.reject_id) as last_reject_id
        from ingest.rejects
        cross join lateral unnest(array_prepend('', rejects.reasons)) as reason_list (reason)
        where
            rejects.rejected_at >= lost.day::timestamp at time zone 'UTC'
            and rejects.rejected_at < (lost.day + 1)::timestamp at time zone 'UTC'
            and exists (select from ingest.reject_stats where reject_stats.day = lost.day)
        group by rejects.stream_id, rejects.kind, reason_list.reason
    ) as kept_rejects
    where
        reject_stats.stream_id = kept_rejects.stream_id
        and reject_stats.day = lost.day
        and reject_stats.kind = kept_rejects.kind
        and reject_stats.reason = kept_rejects.reason;
end
$$;

-- Looks at the next `most_batches` behind `after_batch_id`, and removes those that are old and of which every chunk is pruned.
-- The rejects that a replay has left of chunks that were pruned before it go with it. No row when there are no more batches.
create or replace function ingest.prune_batches(
    older_than timestamptz, after_batch_id bigint, most_batches integer, only_stream smallint default null
)
returns table (last_batch_id bigint, batch_count bigint, reject_count bigint)
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set lock_timeout = '5s'
as $$
declare
    next_batches constant bigint[] := array(
        select batches.batch_id
        from ingest.batches
        where batches.batch_id > after_batch_id and (only_stream is null or batches.stream_id = only_stream)
        order by batches.batch_id
        limit most_batches
    );
    doomed_batches bigint[];
begin
    perform ingest.hold_prune_lock();
    if cardinality(next_batches) = 0 then
        return;
    end if;
    last_batch_id := next_batches[cardinality(next_batches)];

    doomed_batches := array(
        select batches.batch_id
        from ingest.batches
        where
            batches.batch_id = any(next_batches)
            and batches.finished_at < older_than
            and not exists (
                select from ingest.chunk_merges
                inner join ingest.chunks on chunks.chunk_id = chunk_merges.chunk_id
                where chunk_merges.batch_id = batches.batch_id and chunks.pruned_at is null
            )
    );

    delete from ingest.chunk_merges where chunk_merges.batch_id = any(doomed_batches);
    with removed_batches as (
        delete from ingest.batches
        where batches.batch_id = any(doomed_batches)
        returning batches.*
    )
    insert into ingest.pruned_totals (
        stream_id, kind, batches, read, inserted, updated, duplicate, superseded, deleted, conflict, rejected,
        displaced, removed
    )
    select
        removed_batches.stream_id,
        removed_batches.kind,
        count(*),
        sum(removed_batches.read),
        sum(removed_batches.inserted),
        sum(removed_batches.updated),
        sum(removed_batches.duplicate),
        sum(removed_batches.superseded),
        sum(removed_batches.deleted),
        sum(removed_batches.conflict),
        sum(removed_batches.rejected),
        sum(removed_batches.displaced),
        sum(removed_batches.removed)
    from removed_batches
    group by removed_batches.stream_id, removed_batches.kind
    on conflict (stream_id, kind) do update
    set
        batches = pruned_totals.batches + excluded.batches,
        read = pruned_totals.read + excluded.read,
        inserted = pruned_totals.inserted + excluded.inserted,
        updated = pruned_totals.updated + excluded.updated,
        duplicate = pruned_totals.duplicate + excluded.duplicate,
        superseded = pruned_totals.superseded + excluded.superseded,
        deleted = pruned_totals.deleted + excluded.deleted,
        conflict = pruned_totals.conflict + excluded.conflict,
        rejected = pruned_totals.rejected + excluded.rejected,
        displaced = pruned_totals.displaced + excluded.displaced,
        removed = pruned_totals.removed + excluded.removed;
    batch_count := cardinality(doomed_batches);
    reject_count := ingest.remove_rejects(of_batches => doomed_batches);
    return next;
end
$$;

-- Looks at the next `most_rows` versions behind `after_history_id`, and at as many tombstones.
create or replace function ingest.prune_history(
    older_than timestamptz, after_history_id bigint, most_rows integer, only_stream smallint default null
)
returns table (last_history_id bigint, pruned_count bigint)
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set lock_timeout = '5s'
as $$
declare
    next_ids constant bigint[] := array(
        select history.history_id
        from ingest.history
        where history.history_id > after_history_id and (only_stream is null or history.stream_id = only_stream)
        order by history.history_id
        limit most_rows
    );
    version_count bigint;
    tombstone_count bigint;
begin
    perform ingest.hold_prune_lock();
    delete from ingest.history
    where history.history_id = any(next_ids) and history.kept_at < older_than;
    get diagnostics version_count = row_count;

    -- A merge may hold one: it is left for the next prune.
    delete from ingest.tombstones
    where tombstones.ctid = any(
        array(
            select tombstones.ctid
            from ingest.tombstones
            where tombstones.deleted_at < older_than and (only_stream is null or tombstones.stream_id = only_stream)
            limit most_rows
            for update skip locked
        )
    );
    get diagnostics tombstone_count = row_count;
    if cardinality(next_ids) = 0 and tombstone_count = 0 then
        return;
    end if;
    last_history_id := coalesce(next_ids[cardinality(next_ids)], after_history_id);
    pruned_count := version_count + tombstone_count;
    return next;
end
$$;

-- The staged rows of a load were removed before it says 'swept'.
create or replace function ingest.may_forget_load(load ingest.loads, older_than timestamptz)
returns boolean
language sql
immutable
as $$
select load.state = 'swept' and load.ended_at < older_than
$$;

-- Looks at the next `most_loads` behind `after_load_id`.
create or replace function ingest.prune_loads(
    older_than timestamptz, after_load_id bigint, most_loads integer, only_stream smallint default null
)
returns table (last_load_id bigint, load_count bigint)
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set lock_timeout = '5s'
as $$
declare
    next_loads constant bigint[] := array(
        select loads.load_id
        from ingest.loads
        where loads.load_id > after_load_id and (only_stream is null or loads.stream_id = only_stream)
        order by loads.load_id
        limit most_loads
    );
begin
    perform ingest.hold_prune_lock();
    if cardinality(next_loads) = 0 then
        return;
    end if;
    last_load_id := next_loads[cardinality(next_loads)];

    delete from ingest.loads
    where
        loads.load_id = any(next_loads)
        and ingest.may_forget_load(loads, older_than)
        and not exists (select from ingest.chunks where chunks.load_id = loads.load_id);
    get diagnostics load_count = row_count;
    return next;
end
$$;

-- Files that have left the folder (archived, deleted by us, or replaced by a newer version of their path) and of which
-- nothing is kept: every chunk pruned before `pruned_before`, no merge of it and no row left. `kept_chunks` are those of
-- which prune_rows left a row. Of a path the older versions go first: the newest is the one that discovery goes by.
create or replace function ingest.prune_files(
    older_than timestamptz,
    pruned_before timestamptz,
    kept_chunks bigint[],
    after_file_id bigint,
    most_files integer,
    only_stream smallint default null
)
returns table (last_file_id bigint, file_count bigint)
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set lock_timeout = '5s'
as $$
declare
    next_files constant bigint[] := array(
        select files.file_id
        from ingest.files
        where files.file_id > after_file_id and (only_stream is null or files.stream_id = only_stream)
        order by files.file_id
        limit most_files
    );
    doomed_files bigint[];
begin
    perform ingest.hold_prune_lock();
    if cardinality(next_files) = 0 then
        return;
    end if;
    last_file_id := next_files[cardinality(next_files)];

    -- Chunks before files: the order in which merges and loads lock them. Nobody else changes a pruned one.
    doomed_files := array(
        select files.file_id
        from ingest.files
        where
            files.file_id = any(next_files)
            and ingest.may_forget_file(files, older_than)
            and not exists (
                select from ingest.chunks
                where
                    chunks.file_id = files.file_id
                    and (
                        (chunks.pruned_at < pruned_before) is not true
                        or chunks.chunk_id = any(kept_chunks)
                        or exists (
                            select from ingest.chunk_merges
                            where chunk_merges.chunk_id = chunks.chunk_id
                        )
                    )
            )
            and not exists (
                select from ingest.files as older_files
                where
                    older_files.stream_id = files.stream_id
                    and older_files.path = files.path
                    and older_files.version < files.version
            )
        order by files.file_id
    );
    perform from ingest.chunks where chunks.file_id = any(doomed_files) order by chunks.chunk_id for update;
    -- Discovery may have found it in the folder again meanwhile: under the lock it is looked at anew.
    doomed_files := array(
        select files.file_id
        from ingest.files
        where files.file_id = any(doomed_files) and ingest.may_forget_file(files, older_than)
        order by files.file_id
        for update skip locked
    );
    delete from ingest.chunks where chunks.file_id = any(doomed_files);
    delete from ingest.files where files.file_id = any(doomed_files);
    file_count := cardinality(doomed_files);
    return next;
end
$$;

-- In a stream that appends, only the ledger knows that a file's records are already rows: a file that was read is kept, even if replaced.
create or replace function ingest.may_forget_file(file ingest.files, older_than timestamptz)
returns boolean
language sql
stable
as $$
select coalesce(
    case file.state
        when 'replaced' then file.updated_at < older_than
        else file.state in ('skipped', 'merged') and file.archived_at < older_than
    end
    and (file.loaded_bytes = 0 or file.state = 'skipped' or not exists (
        select from ingest.streams
        where streams.stream_id = file.stream_id and streams.mode = 'append'
    )),
    false
)
$$;

drop type if exists ingest.made_table;
create type ingest.made_table as (stream_id smallint, table_name text, row_count bigint);

-- The tables of rows that Sluice made, and how many rows each has.
create or replace function ingest.made_tables(only_stream smallint)
returns ingest.made_table[]
language plpgsql
stable
as $$
declare
    asked record;
    has_rows boolean;
    found_tables ingest.made_table[];
    all_tables ingest.made_table[] := '{}';
begin
    for asked in
        select streams.stream_id, streams.home
        from ingest.streams
        where
            (only_stream is null or streams.stream_id = only_stream)
            and to_regprocedure(format('%I.stream_tables()', streams.home)) is not null
        order by streams.stream_id
    loop
        -- Asked apart: what counts rows is not even planned for a table that somebody may have dropped.
        execute format($query$select exists (select from %I.stream_tables() where holds = 'rows')$query$, asked.home)
        into has_rows;
        continue when not has_rows;
        execute format(
            $query$
                select array_agg(row($1, stream_tables.table_name, %1$I.count_rows())::ingest.made_table)
                from %1$I.stream_tables() as stream_tables
                where stream_tables.holds = 'rows'
            $query$,
            asked.home
        )
        into found_tables
        using asked.stream_id;
        all_tables := all_tables || found_tables;
    end loop;
    return all_tables;
end
$$;

-- How many rows a prune would remove now; of those of the stream it is the most, since those that a kept conflict contradicts stay.
create or replace function ingest.count_prunable_rows(older_than timestamptz, only_stream smallint default null)
returns table (table_name text, row_count bigint)
language plpgsql
stable
as $$
declare
    made_tables constant ingest.made_table[] := ingest.made_tables(only_stream);
begin
    return query
        with old_chunks as materialized (
            select old_chunks.chunk_id
            from ingest.old_chunks(null, older_than, only_stream)
        ),
        kept_chunks as materialized (
            select chunks.chunk_id, chunks.file_id, chunks.load_id, chunks.stream_id
            from ingest.chunks
            where
                chunks.pruned_at is null
                and (only_stream is null or chunks.stream_id = only_stream)
                and not exists (select from old_chunks where old_chunks.chunk_id = chunks.chunk_id)
        ),
        doomed_batches as materialized (
            select batches.batch_id
            from ingest.batches
            where
                batches.finished_at < older_than
                and (only_stream is null or batches.stream_id = only_stream)
                and not exists (
                    select from ingest.chunk_merges
                    inner join kept_chunks on kept_chunks.chunk_id = chunk_merges.chunk_id
                    where chunk_merges.batch_id = batches.batch_id
                )
        ),
        doomed_files as materialized (
            select files.file_id
            from ingest.files
            where
                ingest.may_forget_file(files, older_than)
                and (only_stream is null or files.stream_id = only_stream)
                and not exists (select from kept_chunks where kept_chunks.file_id = files.file_id)
        )
        select
            made.table_name,
            greatest(
                0,
                made.row_count - (
                    select coalesce(sum(chunk_merges.inserted - chunk_merges.displaced), 0)
                    from ingest.chunk_merges
                    inner join kept_chunks on kept_chunks.chunk_id = chunk_merges.chunk_id
                    where kept_chunks.stream_id = made.stream_id
                )
            )::bigint
        from unnest(made_tables) as made
        union all
        select 'ingest.rejects', count(*)
        from ingest.rejects
        left join old_chunks on old_chunks.chunk_id = rejects.chunk_id
        left join doomed_batches on doomed_batches.batch_id = rejects.batch_id
        where coalesce(old_chunks.chunk_id, doomed_batches.batch_id) is not null
        union all
        select 'ingest.batches', count(*)
        from doomed_batches
        union all
        select 'ingest.chunk_merges', count(*)
        from ingest.chunk_merges
        inner join doomed_batches on doomed_batches.batch_id = chunk_merges.batch_id
        union all
        select 'ingest.history', count(*)
        from ingest.history
        where history.kept_at < older_than and (only_stream is null or history.stream_id = only_stream)
        union all
        select 'ingest.tombstones', count(*)
        from ingest.tombstones
        where tombstones.deleted_at < older_than and (only_stream is null or tombstones.stream_id = only_stream)
        union all
        select 'ingest.loads', count(*)
        from ingest.loads
        where
            ingest.may_forget_load(loads, older_than)
            and (only_stream is null or loads.stream_id = only_stream)
            and not exists (select from kept_chunks where kept_chunks.load_id = loads.load_id)
        union all
        select 'ingest.files', count(*)
        from doomed_files
        union all
        select 'ingest.chunks', count(*)
        from ingest.chunks
        inner join doomed_files on doomed_files.file_id = chunks.file_id;
end
$$;

-- The rows that a prune would delete now, with their share of the bytes of their tables and indexes.
create or replace function ingest.plan_prune(older_than timestamptz, only_stream smallint default null)
returns table (table_name text, row_count bigint, bytes bigint)
language sql
stable
set jit = off
as $$
select
    pg_class.relname,
    doomed_rows.row_count,
    case
        when doomed_rows.row_count = 0 then 0
        else (
            pg_total_relation_size(pg_class.oid)
            * least(doomed_rows.row_count::float8 / greatest(pg_class.reltuples, doomed_rows.row_count), 1)
        )::bigint
    end
from ingest.count_prunable_rows(older_than, only_stream) as doomed_rows
inner join pg_class on pg_class.oid = doomed_rows.table_name::regclass
$$;
