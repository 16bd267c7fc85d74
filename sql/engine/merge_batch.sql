-- One merge: some staged chunks of one stream, some slices, one transaction, one call.
--
-- In: the stream, the caller's key for this batch (asked again with it, the batch that was committed is returned and nothing done),
-- the slices it would like, and how much it may take. Out: the committed batch, or no row when there was nothing to do
-- (nothing staged, every wanted slice locked by another merge, or only chunks whose staged rows were lost).
-- Guarantee: rows, rejects, rollups, counts and checkpoint commit together; of every chunk the outcomes add up to what
-- was read, each counted on its own (read by the loader), or it raises and nothing happened: SL006 when
-- staged rows may be missing, so that it is to be called again with verify_staged, which finds out which; else SL002.
--
-- The engine knows no columns: what it calls of the stream's part is in src/streams/stream-functions.ts.

-- Locks what is free of the wanted slices until the transaction ends, and returns their mask.
create or replace function ingest.lock_slices(this_stream smallint, wanted_slices integer)
returns integer
language plpgsql
as $$
declare
    mask integer;
begin
    with locked_slices as (
        select slices.slice_no
        from ingest.slices
        where slices.stream_id = this_stream and (1 << slices.slice_no) & wanted_slices <> 0
        order by slices.slice_no
        for update skip locked
    )
    select coalesce(bit_or(1 << locked_slices.slice_no), 0)
    into mask
    from locked_slices;
    return mask;
end
$$;

-- The stream's oldest staged chunks, in the order of their ids. A chunk that waits to be staged again holds back what comes
-- after it in its stream, so that a crash does not change the order of merging; one that could not be staged again
-- (attempts > 0) holds nothing back. With `only_chunk` that one or none: it has to be among those that would have been
-- chosen anyway.
create or replace function ingest.choose_chunks(
    this_stream smallint,
    locked_slices integer,
    max_records bigint,
    max_chunks integer,
    only_chunk bigint
)
returns bigint[]
language plpgsql
as $$
begin
    return array(
        select open_chunks.chunk_id
        from (
            select
                chunks.chunk_id,
                chunks.records,
                bool_or(chunks.state = 'pending') over in_order as is_held_back,
                coalesce(sum(chunks.records) over before, 0) as records_before,
                row_number() over in_order as position
            from ingest.chunks
            where
                chunks.stream_id = this_stream
                and (chunks.state = 'staged' or (chunks.state = 'pending' and chunks.attempts = 0))
                and locked_slices & ~chunks.merged_slices <> 0
            window
                in_order as (order by chunks.chunk_id),
                before as (order by chunks.chunk_id rows between unbounded preceding and 1 preceding)
        ) as open_chunks
        where
            not open_chunks.is_held_back
            and open_chunks.position <= max_chunks
            and (open_chunks.position = 1 or open_chunks.records_before + open_chunks.records <= max_records)
            and (only_chunk is null or open_chunks.chunk_id = only_chunk)
    );
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

-- A batch of chunks that come too late has no others: what they may do depends on it.
create or replace function ingest.keep_late_chunks()
returns void
language plpgsql
as $$
begin
    delete from batch_chunks
    where not batch_chunks.is_late and exists (select from batch_chunks as others where others.is_late);
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
    home constant text := ingest.home_of(this_stream);
    is_snapshot constant boolean := ingest.is_snapshot(this_stream);
    chosen_at timestamptz;
    counted_at timestamptz;
    inserted_at timestamptz;
    classified_at timestamptz;
    locked_slices integer;
    chosen_chunks bigint[];
    applied jsonb;
    this_batch ingest.batches;
begin
    -- A call that is repeated after a lost answer waits until the first one, which may still be at work, has ended.
    perform pg_advisory_xact_lock(hashtextextended(wanted_batch_key::text, 0));
    return query select batches.* from ingest.batches where batches.batch_key = wanted_batch_key;
    if found then
        return;
    end if;

    execute format('select %I.require_key()', home);
    perform ingest.prepare_merge(home);
    if is_snapshot then
        locked_slices := ingest.all_slices();
        chosen_chunks := ingest.choose_snapshot(this_stream, only_chunk);
    else
        locked_slices := ingest.lock_slices(this_stream, wanted_slices);
        chosen_chunks := ingest.choose_chunks(this_stream, locked_slices, max_records, max_chunks, only_chunk);
    end if;
    perform ingest.add_staged_chunks(chosen_chunks, locked_slices);
    -- Another merge has just found that a chunk lost its rows: it holds back those behind it, as the next call will see.
    if (select count(*) from batch_chunks) < cardinality(chosen_chunks) then
        return;
    end if;
    perform ingest.keep_late_chunks();
    chosen_at := clock_timestamp();
    if verify_staged then
        execute format('select %I.count_records()', home);
        if is_snapshot then
            perform ingest.drop_lost_snapshot();
        else
            perform ingest.drop_lost_chunks();
        end if;
    end if;
    if not exists (select from batch_chunks) then
        return;
    end if;

    this_batch := ingest.open_batch(this_stream, wanted_batch_key, worker, 'merge', locked_slices, began_at);
    this_batch.oldest_staged_at := (
        select min(chunks.staged_at)
        from ingest.chunks
        inner join batch_chunks on batch_chunks.chunk_id = chunks.chunk_id
    );
    counted_at := clock_timestamp();
    if is_snapshot then
        execute format('select %I.apply_snapshot()', home) into applied;
    else
        execute format('select %I.insert_or_refuse()', home);
    end if;
    inserted_at := clock_timestamp();
    perform ingest.pass_fault_point('in-merge');
    execute format('select %I.classify_losers()', home);
    classified_at := clock_timestamp();
    execute format('select %I.reject_records($1)', home) using this_batch.batch_id;
    if is_snapshot then
        this_batch.rows_after := ingest.end_snapshot(this_batch, applied);
    end if;

    this_batch := ingest.close_batch(
        this_batch,
        jsonb_build_object(
            'choose', ingest.milliseconds(chosen_at - began_at),
            'count', ingest.milliseconds(counted_at - chosen_at),
            'insert', ingest.milliseconds(inserted_at - counted_at),
            'settle', ingest.milliseconds(classified_at - inserted_at),
            'reject', ingest.milliseconds(clock_timestamp() - classified_at)
        ),
        unbalanced => case when verify_staged then 'SL002' else 'SL006' end
    );
    perform ingest.pass_fault_point('before-merge-commit');
    return next this_batch;
end
$$;
