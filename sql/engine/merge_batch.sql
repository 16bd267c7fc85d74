-- One merge: some staged chunks of one stream, some slices, one transaction, one call.
--
-- In: the stream, the caller's key for this batch (asked again with it, the batch that was committed is returned and nothing done),
-- the slices it would like, and how much it may take. Out: the committed batch, or no row when there was nothing to do
-- (nothing staged, every wanted slice held by another merge, or only chunks whose staged rows were lost).
-- Guarantee: rows, rejects, rollups, counts and checkpoint commit together; read = inserted + duplicate + conflict +
-- rejected for every chunk, each counted on its own (read by the loader), or it raises and nothing happened: SL006 when
-- staged rows may be missing, so that it is to be called again with verify_staged, which finds out which; else SL002.
--
-- The engine knows no columns: ingest.insert_or_refuse, ingest.reject_records, ingest.judge_records, ingest.settle_losers,
-- ingest.update_rollups and ingest.require_key are the stream's part (sql/events/). They meet in the temporary table batch_chunks.

-- The session's scratch tables. Temporary: no WAL, and emptied by the commit itself.
create or replace function ingest.prepare_merge()
returns void
language plpgsql
as $$
begin
    if to_regclass('pg_temp.batch_chunks') is null then
        create temporary table batch_chunks (
            chunk_id bigint not null,
            load_id bigint not null,
            lane smallint not null default 0,
            file_id bigint not null,
            extra_columns text[],
            -- whether any of its records may have a value in a column that we don't know
            has_extras boolean not null default true,
            records bigint not null,
            -- whether any of its values may have white space around it or be an empty quoted one
            is_padded boolean not null,
            -- the slices of this chunk that this batch merges
            todo_slices integer not null,
            -- rows of it that are there; by count_records
            staged bigint not null default 0,
            -- what is staged of it was counted
            is_verified boolean not null default false,
            -- records of it in these slices; by the loader, or by count_records
            read bigint not null default 0,
            -- of all its records, whatever their slice: in the form that the loader knows to pass most rules
            plain bigint not null default 0,
            inserted bigint not null default 0,
            duplicate bigint not null default 0,
            conflict bigint not null default 0,
            rejected bigint not null default 0,
            -- events of this chunk that a replay replaced; 0 in a merge
            displaced bigint not null default 0
        ) on commit delete rows;
        perform ingest.prepare_stream_merge();
    end if;
end
$$;

-- Locks what is free of the wanted slices until the transaction ends, and returns their mask.
create or replace function ingest.lock_slices(this_stream smallint, wanted_slices integer)
returns integer
language plpgsql
as $$
declare
    held_slices integer;
begin
    with locked_slices as (
        select slices.slice_no
        from ingest.slices
        where slices.stream_id = this_stream and (1 << slices.slice_no) & wanted_slices <> 0
        order by slices.slice_no
        for update skip locked
    )
    select coalesce(bit_or(1 << locked_slices.slice_no), 0)
    into held_slices
    from locked_slices;
    return held_slices;
end
$$;

-- Puts the chunks of this batch into batch_chunks: the stream's oldest staged ones, in the order of their ids. A chunk that
-- waits to be staged again holds back what comes after it in its stream, so that a crash does not change the order of merging;
-- one that could not be staged again (attempts > 0) holds nothing back. With `only_chunk` that one or none: it has to be
-- among those that would have been chosen anyway.
create or replace function ingest.choose_chunks(
    this_stream smallint,
    held_slices integer,
    max_records bigint,
    max_chunks integer,
    only_chunk bigint
)
returns void
language plpgsql
as $$
begin
    with open_chunks as (
        select
            chunks.chunk_id,
            chunks.load_id,
            chunks.file_id,
            chunks.records,
            chunks.is_padded,
            chunks.plain_records,
            chunks.slice_records,
            held_slices & ~chunks.merged_slices as todo_slices,
            bool_or(chunks.state = 'pending') over in_order as is_held_back,
            coalesce(sum(chunks.records) over before, 0) as records_before,
            row_number() over in_order as position
        from ingest.chunks
        where
            chunks.stream_id = this_stream
            and (chunks.state = 'staged' or (chunks.state = 'pending' and chunks.attempts = 0))
            and held_slices & ~chunks.merged_slices <> 0
        window
            in_order as (order by chunks.chunk_id),
            before as (order by chunks.chunk_id rows between unbounded preceding and 1 preceding)
    )
    insert into batch_chunks (
        chunk_id, load_id, lane, file_id, extra_columns, has_extras, records, is_padded, todo_slices, read, plain
    )
    select
        open_chunks.chunk_id,
        open_chunks.load_id,
        loads.lane,
        open_chunks.file_id,
        files.extra_columns,
        files.extra_columns is not null,
        open_chunks.records,
        open_chunks.is_padded,
        open_chunks.todo_slices,
        case
            when open_chunks.todo_slices = ingest.all_slices() then open_chunks.records
            else coalesce(ingest.records_in(open_chunks.slice_records, open_chunks.todo_slices), 0)
        end,
        coalesce(open_chunks.plain_records, 0)
    from open_chunks
    inner join ingest.files on files.file_id = open_chunks.file_id
    inner join ingest.loads on loads.load_id = open_chunks.load_id
    where
        not open_chunks.is_held_back
        and open_chunks.position <= max_chunks
        and (open_chunks.position = 1 or open_chunks.records_before + open_chunks.records <= max_records)
        and (only_chunk is null or open_chunks.chunk_id = only_chunk);
end
$$;

-- Whether the batch is every chunk id between its first and its last, but for those of other streams, whose rows are not in
-- this one's staging. An id that the ledger does not know may have rows there all the same.
create or replace function ingest.is_chunk_range()
returns boolean
language plpgsql
as $$
declare
    chosen record;
    missing_ids bigint;
begin
    select min(batch_chunks.chunk_id) as first_id, max(batch_chunks.chunk_id) as last_id, count(*) as chunks
    into chosen
    from batch_chunks;
    missing_ids := chosen.last_id - chosen.first_id + 1 - chosen.chunks;
    -- Far apart they are not looked for: it would cost more than the range saves.
    return missing_ids = 0 or missing_ids <= 64 * chosen.chunks and missing_ids = (
        select count(*)
        from ingest.chunks
        inner join ingest.chunks as first_chunk on first_chunk.chunk_id = chosen.first_id
        where
            chunks.chunk_id between chosen.first_id and chosen.last_id
            and chunks.stream_id <> first_chunk.stream_id
    );
end
$$;

-- How many of a chunk's records lie in these slices.
create or replace function ingest.records_in(slice_records integer[], slices integer)
returns bigint
language sql
immutable
return (
    select sum(counted.records)
    from unnest(slice_records) with ordinality as counted (records, position)
    where (1 << (counted.position::integer - 1)) & slices <> 0
);

-- The partitions of staging that hold none of the batch's rows: excluded in every statement that reads the others, so that
-- they are neither read nor locked. Excluded, and not the others named: staging has no statistics, and the planner takes
-- `lane = any (…)` for one row in two hundred, and then builds its hash tables over the staged rows.
create or replace function ingest.idle_lanes()
returns smallint[]
language plpgsql
as $$
begin
    return array(
        select lanes.lane
        from unnest(ingest.lanes()) as lanes (lane)
        where not exists (select from batch_chunks where batch_chunks.lane = lanes.lane)
    );
end
$$;

-- Counts what is staged of each chunk and what of it is read (the slices of this batch), instead of taking the loader's word.
-- No value is looked at, so only the head of each row is unpacked; and nothing is written: what was lost can still leave
-- the batch.
create or replace function ingest.count_records()
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
-- Grouping wide rows by sorting them would take 0.3 s a million; a few hundred groups always fit a hash table.
set enable_sort = off
as $$
declare
    idle_lanes constant smallint[] := ingest.idle_lanes();
begin
    with counted_chunks as materialized (
        select
            staging.chunk_id,
            count(*) as staged,
            count(*) filter (where (1 << staging.slice_no) & batch_chunks.todo_slices <> 0) as read,
            count(*) filter (where staging.plain_second is not null) as plain
        from ingest.staging
        inner join batch_chunks
            on batch_chunks.load_id = staging.load_id and batch_chunks.chunk_id = staging.chunk_id
        where staging.lane <> all(idle_lanes)
        group by staging.chunk_id
    )
    update batch_chunks
    set
        staged = counted_chunks.staged,
        is_verified = true,
        read = counted_chunks.read,
        plain = counted_chunks.plain
    from counted_chunks
    where batch_chunks.chunk_id = counted_chunks.chunk_id;
end
$$;

-- Compares what is staged with what the loader recorded. A chunk that lost rows (a crash empties the UNLOGGED table)
-- leaves the batch and goes back to pending, to be staged again; those before it go on. Those behind it wait, as they
-- will while it is pending, so that a crash does not change the order of merging.
create or replace function ingest.drop_lost_chunks()
returns integer
language plpgsql
as $$
declare
    lost_chunks bigint[];
begin
    with dropped_chunks as (
        delete from batch_chunks
        where batch_chunks.staged <> batch_chunks.records
        returning batch_chunks.chunk_id
    )
    select array_agg(dropped_chunks.chunk_id order by dropped_chunks.chunk_id)
    into lost_chunks
    from dropped_chunks;
    if lost_chunks is null then
        return 0;
    end if;
    delete from batch_chunks
    where batch_chunks.chunk_id > lost_chunks[1];

    perform from ingest.chunks where chunks.chunk_id = any(lost_chunks) order by chunks.chunk_id for update;
    update ingest.chunks
    set state = 'pending', load_id = null
    where chunks.chunk_id = any(lost_chunks) and chunks.state = 'staged';
    return cardinality(lost_chunks);
end
$$;

-- Writes what the batch did to each chunk, and marks what is complete. The row locks on chunks, then files, taken in
-- the order of their ids at the very end, let two merges finish the same chunk: the second sees the first's slices.
create or replace function ingest.complete_chunks(this_batch_id bigint)
returns void
language plpgsql
as $$
declare
    touched_files bigint[];
    has_complete boolean;
begin
    insert into ingest.chunk_merges (chunk_id, batch_id, slices, read, inserted, duplicate, conflict, rejected)
    select
        batch_chunks.chunk_id,
        this_batch_id,
        batch_chunks.todo_slices,
        batch_chunks.read,
        batch_chunks.inserted,
        batch_chunks.duplicate,
        batch_chunks.conflict,
        batch_chunks.rejected
    from batch_chunks;

    perform
    from ingest.chunks
    where exists (select from batch_chunks where batch_chunks.chunk_id = chunks.chunk_id)
    order by chunks.chunk_id
    for update;

    with updated_chunks as (
        update ingest.chunks
        set
            merged_slices = chunks.merged_slices | batch_chunks.todo_slices,
            state = case
                when chunks.merged_slices | batch_chunks.todo_slices = ingest.all_slices() then 'merged'
                else chunks.state
            end,
            merged_at = case
                when chunks.merged_slices | batch_chunks.todo_slices = ingest.all_slices() then clock_timestamp()
            end
        from batch_chunks
        where chunks.chunk_id = batch_chunks.chunk_id
        returning chunks.state
    )
    select coalesce(bool_or(updated_chunks.state = 'merged'), false)
    into has_complete
    from updated_chunks;
    -- Others have slices of each of these chunks to merge: theirs is the last word.
    if not has_complete then
        return;
    end if;

    -- A chunk is complete only if its slices' reads add up to what the loader counted.
    if exists (
        select
        from batch_chunks
        inner join ingest.chunks on chunks.chunk_id = batch_chunks.chunk_id and chunks.state = 'merged'
        where chunks.records <> (
            select sum(chunk_merges.read)
            from ingest.chunk_merges
            -- A replay reads no slice.
            where chunk_merges.chunk_id = chunks.chunk_id and chunk_merges.slices <> 0
        )
    ) then
        raise exception 'conservation: the slices of a chunk do not add up to its records' using errcode = 'SL002';
    end if;

    touched_files := array(
        select files.file_id
        from ingest.files
        where
            exists (select from batch_chunks where batch_chunks.file_id = files.file_id)
            and files.state = 'loaded'
        order by files.file_id
        for update
    );
    update ingest.files
    set state = 'merged', merged_at = clock_timestamp(), updated_at = clock_timestamp()
    where
        files.file_id = any(touched_files)
        and files.state = 'loaded'
        and not exists (
            select from ingest.chunks
            where chunks.file_id = files.file_id and chunks.state <> 'merged'
        );
end
$$;

create or replace function ingest.merge_batch(
    this_stream smallint,
    wanted_batch_key uuid,
    worker uuid,
    wanted_slices integer,
    max_records bigint,
    max_chunks integer,
    only_chunk bigint default null,
    verify_staged boolean default false
)
returns setof ingest.batches
language plpgsql
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set work_mem = '128MB'
-- Compiling plans that run for a second costs more than it saves (measured: 1 s a statement).
set jit = off
-- Staged rows are wide: sorting them to join a few hundred chunks is what a merge join would do.
set enable_mergejoin = off
as $$
declare
    began_at constant timestamptz := clock_timestamp();
    chosen_at timestamptz;
    counted_at timestamptz;
    inserted_at timestamptz;
    rejected_at timestamptz;
    settled_at timestamptz;
    held_slices integer;
    this_batch_id bigint;
begin
    -- A call that is repeated after a lost answer waits until the first one, which may still be at work, has ended.
    perform pg_advisory_xact_lock(hashtextextended(wanted_batch_key::text, 0));
    return query select batches.* from ingest.batches where batches.batch_key = wanted_batch_key;
    if found then
        return;
    end if;

    perform ingest.require_key();
    perform ingest.prepare_merge();
    held_slices := ingest.lock_slices(this_stream, wanted_slices);
    if held_slices = 0 then
        return;
    end if;
    perform ingest.choose_chunks(this_stream, held_slices, max_records, max_chunks, only_chunk);
    chosen_at := clock_timestamp();
    if verify_staged then
        perform ingest.count_records();
        perform ingest.drop_lost_chunks();
    end if;
    if not exists (select from batch_chunks) then
        return;
    end if;

    insert into ingest.batches (
        stream_id, batch_key, worker_id, slices, chunks, read, inserted, duplicate, conflict, rejected,
        started_at, finished_at, oldest_staged_at, duration_ms
    )
    select
        this_stream, wanted_batch_key, worker, held_slices, count(*), 0, 0, 0, 0, 0, began_at, began_at, min(chunks.staged_at), '{}'
    from batch_chunks
    inner join ingest.chunks on chunks.chunk_id = batch_chunks.chunk_id
    returning batches.batch_id into this_batch_id;

    counted_at := clock_timestamp();
    perform ingest.insert_or_refuse();
    inserted_at := clock_timestamp();
    perform ingest.pass_fault_point('in-merge');
    perform ingest.reject_records(this_batch_id);
    rejected_at := clock_timestamp();
    perform ingest.settle_losers(this_batch_id);
    settled_at := clock_timestamp();

    if exists (
        select from batch_chunks
        where
            batch_chunks.read
            <> batch_chunks.inserted + batch_chunks.duplicate + batch_chunks.conflict + batch_chunks.rejected
    ) then
        raise exception 'conservation: read is not inserted + duplicate + conflict + rejected'
        using errcode = case when verify_staged then 'SL002' else 'SL006' end;
    end if;

    -- Last, because other merges may wait for these rows: until our commit.
    perform ingest.complete_chunks(this_batch_id);
    perform ingest.update_rollups();
    perform ingest.update_totals(this_batch_id);
    perform ingest.pass_fault_point('before-merge-commit');

    return query
    update ingest.batches
    set
        read = totals.read,
        inserted = totals.inserted,
        duplicate = totals.duplicate,
        conflict = totals.conflict,
        rejected = totals.rejected,
        finished_at = clock_timestamp(),
        duration_ms = jsonb_build_object(
            'choose', ingest.milliseconds(chosen_at - began_at),
            'count', ingest.milliseconds(counted_at - chosen_at),
            'insert', ingest.milliseconds(inserted_at - counted_at),
            'reject', ingest.milliseconds(rejected_at - inserted_at),
            'settle', ingest.milliseconds(settled_at - rejected_at),
            'complete', ingest.milliseconds(clock_timestamp() - settled_at),
            'total', ingest.milliseconds(clock_timestamp() - began_at)
        )
    from (
        select
            sum(batch_chunks.read) as read,
            sum(batch_chunks.inserted) as inserted,
            sum(batch_chunks.duplicate) as duplicate,
            sum(batch_chunks.conflict) as conflict,
            sum(batch_chunks.rejected) as rejected
        from batch_chunks
    ) as totals
    where batches.batch_id = this_batch_id
    returning batches.*;
    perform ingest.announce_batch(this_batch_id);
end
$$;

create or replace function ingest.milliseconds(duration interval)
returns numeric
language sql
immutable
parallel safe
return round(extract(epoch from duration) * 1000, 1);
