-- A batch: chunks whose staged records are merged, replayed, tried or validated together. The functions of the engine and of
-- the stream meet in the session's temporary table batch_chunks; what the batch did is written to ingest.batches and
-- ingest.chunk_merges.

-- Where a stream's own functions and staging table are. What they are: src/streams/stream-functions.ts.
create or replace function ingest.home_of(this_stream smallint)
returns text
language sql
stable
return (select streams.home from ingest.streams where streams.stream_id = this_stream);

-- Makes the session's scratch tables. Temporary: no WAL, and emptied by the commit itself. Those of the stream that the session
-- worked on before have other columns.
create or replace function ingest.prepare_merge(home text)
returns void
language plpgsql
as $$
begin
    -- Citus would let one transaction at a time write to the table, lest two wait for each other in a circle. Batches that are
    -- merged at the same time share no key.
    perform set_config('citus.enable_deadlock_prevention', 'off', true);
    if to_regclass('pg_temp.batch_chunks') is null then
        create temporary table batch_chunks (
            chunk_id bigint not null,
            -- the load that staged its records
            load_id bigint not null,
            lane smallint not null default 0,
            extra_columns text[],
            -- whether any of its records may have a value in a column that we don't know
            has_extras boolean not null default true,
            -- records that its loader counted
            records bigint not null default 0,
            -- whether any of its values may have white space around it or be an empty quoted one
            is_padded boolean not null default true,
            -- whether all of its records were staged as typed values
            is_typed boolean not null default false,
            -- the slices of this chunk that this batch merges
            todo_slices integer not null,
            -- rows of it that are there; by count_records
            staged bigint not null default 0,
            -- what is staged of it was counted
            is_verified boolean not null default false,
            -- a later chunk of its stream was merged in one of these slices
            is_late boolean not null default false,
            -- another load than its own has staged its records: a replay or a dry run
            is_restaged boolean not null default false,
            -- records of it in these slices; by the loader, or by count_records
            read bigint not null default 0,
            inserted bigint not null default 0,
            updated bigint not null default 0,
            duplicate bigint not null default 0,
            superseded bigint not null default 0,
            deleted bigint not null default 0,
            conflict bigint not null default 0,
            rejected bigint not null default 0,
            -- rows of this chunk that a replay replaced; 0 in a merge
            displaced bigint not null default 0,
            -- rows that its snapshot no longer has
            removed bigint not null default 0
        ) on commit delete rows;
        -- What a restaged record became, where it is neither a new row nor a reject.
        create temporary table record_outcomes (
            chunk_id bigint not null,
            record_no bigint not null,
            outcome text not null
        ) on commit delete rows;
    end if;
    if obj_description(to_regclass('pg_temp.losing_records'), 'pg_class') is distinct from home then
        drop table if exists
            pg_temp.losing_records, pg_temp.rejected_records, pg_temp.written_rows, pg_temp.piece_records;
        execute format('select %I.prepare_stream_merge()', home);
        execute format('comment on table pg_temp.losing_records is %L', home);
    end if;
end
$$;

-- For a batch that is no more than looked at, before the session's next one.
create or replace function ingest.empty_batch()
returns void
language plpgsql
as $$
begin
    delete from batch_chunks;
    delete from losing_records;
    delete from rejected_records;
    delete from record_outcomes;
end
$$;

-- Adds chunks to the batch, each with those of the slices that it has still to merge, as their loads staged them.
create or replace function ingest.add_staged_chunks(chosen_chunks bigint[], wanted_slices integer)
returns void
language plpgsql
as $$
begin
    insert into batch_chunks (
        chunk_id, load_id, lane, extra_columns, has_extras, records, is_padded, is_typed, todo_slices, is_late, read
    )
    select
        chunks.chunk_id,
        chunks.load_id,
        loads.lane,
        files.extra_columns,
        files.extra_columns is not null,
        chunks.records,
        chunks.is_padded,
        chunks.is_typed,
        todo.slices,
        todo.slices & late.slices <> 0,
        case
            when todo.slices = ingest.all_slices() then chunks.records
            else coalesce(ingest.records_in(chunks.slice_records, todo.slices), 0)
        end
    from ingest.chunks
    inner join ingest.files on files.file_id = chunks.file_id
    inner join ingest.loads on loads.load_id = chunks.load_id
    cross join lateral (select wanted_slices & ~chunks.merged_slices as slices) as todo
    -- Of a stream whose order of records does not matter it is none.
    cross join lateral (
        select coalesce(bit_or(1 << slices.slice_no), 0) as slices
        from ingest.slices
        where slices.stream_id = chunks.stream_id and slices.last_chunk > chunks.chunk_id
    ) as late
    where chunks.chunk_id = any(chosen_chunks);
end
$$;

-- Adds a chunk to the batch whose records another load than its own has staged, for a replay or a dry run.
create or replace function ingest.add_restaged_chunk(
    restaged_chunk_id bigint,
    by_load_id bigint,
    todo_slices integer,
    extra_columns text[] default null,
    is_padded boolean default true
)
returns void
language plpgsql
as $$
begin
    insert into batch_chunks (chunk_id, load_id, extra_columns, is_padded, todo_slices, is_restaged)
    values (
        restaged_chunk_id,
        by_load_id,
        add_restaged_chunk.extra_columns,
        add_restaged_chunk.is_padded,
        add_restaged_chunk.todo_slices,
        true
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

-- Whether the next batch of a stream likely holds nothing but new keys: none of its latest had another. The table keeps dead rows
-- of an insert that turns out to be mistaken, so that is risked at most once in so many batches. Not on a table that Citus
-- distributes: what a worker refuses then has no SQLSTATE that tells why.
create or replace function ingest.expects_new_keys(this_stream smallint)
returns boolean
language sql
stable
return not exists (
    select from ingest.streams where streams.stream_id = this_stream and ingest.is_distributed(streams.table_name)
)
and not exists (
    select
    from (
        select batches.duplicate + batches.conflict as lost
        from ingest.batches
        where batches.stream_id = this_stream and batches.kind = 'merge'
        order by batches.batch_id desc
        limit 16
    ) as latest_batches
    where latest_batches.lost > 0
);

-- A new batch, with the id that its rejects name. close_batch writes it.
create or replace function ingest.open_batch(
    this_stream smallint,
    this_key uuid,
    worker uuid,
    batch_kind text,
    batch_slices integer,
    began_at timestamptz
)
returns ingest.batches
language plpgsql
as $$
declare
    this_batch ingest.batches;
begin
    this_batch.batch_id := nextval(pg_get_serial_sequence('ingest.batches', 'batch_id'));
    this_batch.stream_id := this_stream;
    this_batch.batch_key := this_key;
    this_batch.worker_id := worker;
    this_batch.kind := batch_kind;
    this_batch.slices := batch_slices;
    this_batch.started_at := began_at;
    this_batch.transaction_id := pg_current_xact_id();
    return this_batch;
end
$$;

-- Verifies that the batch adds up, and writes what it did to the ledger and the sums. Called last, because other batches wait
-- for these rows until the commit. `unbalanced` is the SQLSTATE of a batch that does not add up.
create or replace function ingest.close_batch(
    this_batch ingest.batches,
    steps_ms jsonb default '{}',
    unbalanced text default 'SL002'
)
returns ingest.batches
language plpgsql
as $$
declare
    began_at constant timestamptz := clock_timestamp();
begin
    if exists (
        select from batch_chunks
        where
            batch_chunks.read
            <> batch_chunks.inserted + batch_chunks.updated + batch_chunks.duplicate + batch_chunks.superseded
            + batch_chunks.deleted + batch_chunks.conflict + batch_chunks.rejected
    ) then
        raise exception 'conservation: read is not the sum of the outcomes'
        using errcode = unbalanced;
    end if;
    select
        count(*),
        sum(batch_chunks.read),
        sum(batch_chunks.inserted),
        sum(batch_chunks.updated),
        sum(batch_chunks.duplicate),
        sum(batch_chunks.superseded),
        sum(batch_chunks.deleted),
        sum(batch_chunks.conflict),
        sum(batch_chunks.rejected),
        sum(batch_chunks.displaced),
        sum(batch_chunks.removed)
    into
        this_batch.chunks,
        this_batch.read,
        this_batch.inserted,
        this_batch.updated,
        this_batch.duplicate,
        this_batch.superseded,
        this_batch.deleted,
        this_batch.conflict,
        this_batch.rejected,
        this_batch.displaced,
        this_batch.removed
    from batch_chunks;

    insert into ingest.chunk_merges (
        chunk_id, batch_id, slices, read, inserted, updated, duplicate, superseded, deleted, conflict, rejected,
        displaced, removed
    )
    select
        batch_chunks.chunk_id,
        this_batch.batch_id,
        -- A replay reads no slice for the first time.
        case when this_batch.kind = 'merge' then batch_chunks.todo_slices else 0 end,
        batch_chunks.read,
        batch_chunks.inserted,
        batch_chunks.updated,
        batch_chunks.duplicate,
        batch_chunks.superseded,
        batch_chunks.deleted,
        batch_chunks.conflict,
        batch_chunks.rejected,
        batch_chunks.displaced,
        batch_chunks.removed
    from batch_chunks;
    if this_batch.kind = 'merge' then
        perform ingest.complete_chunks();
    end if;
    execute format('select %I.update_rollups()', ingest.home_of(this_batch.stream_id));
    perform ingest.update_totals(this_batch);

    this_batch.finished_at := clock_timestamp();
    this_batch.duration_ms := steps_ms || jsonb_build_object(
        'complete', ingest.milliseconds(this_batch.finished_at - began_at),
        'total', ingest.milliseconds(this_batch.finished_at - this_batch.started_at)
    );
    insert into ingest.batches overriding system value
    select this_batch.*;
    perform ingest.announce_batch(this_batch);
    return this_batch;
end
$$;

-- Marks what the merge has completed. The row locks on chunks, then files, taken in the order of their ids at the very end,
-- let two merges finish the same chunk: the second sees the first's slices.
create or replace function ingest.complete_chunks()
returns void
language plpgsql
as $$
declare
    touched_files bigint[];
begin
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
        returning chunks.file_id, chunks.state
    )
    select array_agg(distinct updated_chunks.file_id)
    into touched_files
    from updated_chunks
    where updated_chunks.state = 'merged';
    -- Others have slices of each of these chunks to merge: theirs is the last word.
    if touched_files is null then
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

    perform
    from ingest.files
    where files.file_id = any(touched_files) and files.state = 'loaded'
    order by files.file_id
    for update;
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

create or replace function ingest.milliseconds(duration interval)
returns numeric
language sql
immutable
parallel safe
return round(extract(epoch from duration) * 1000, 1);
