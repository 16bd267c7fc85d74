-- A dry run of one slice: the very functions of a merge on the very tables, and never anything left of it.
--
-- In: the slice, and for each tried file the chunk number under which its records stand in the session's temporary
-- table try_staging (made by open_try; COPY fills it), its unknown columns and whether it is padded. Out: always the
-- exception SL003, whose DETAIL is the answer as JSON: the statement that answers is the statement that undoes. There is
-- no transaction to forget, and no moment at which a kill leaves a row.
--
-- A snapshot is tried whole (tried_slice is null), one file a call: what it would remove, and the problem that it would fail with.
--
-- It locks its one slice, waiting, for as long as a sixteenth of the records takes to merge: merges take what slices are
-- free and go on with the other fifteen. Nothing is written to the ledger. What stays is dead rows for VACUUM.
create or replace function ingest.try_slice(this_stream smallint, tried_slice integer, tried_files jsonb, samples integer)
returns void
language plpgsql
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set plan_cache_mode = 'force_custom_plan'
set work_mem = '128MB'
set jit = off
set enable_mergejoin = off
as $$
declare
    no_batch constant bigint := -1;
    home constant text := ingest.home_of(this_stream);
    answer jsonb;
    problem jsonb;
begin
    perform ingest.prepare_merge(home);
    perform
    from ingest.slices
    where slices.stream_id = this_stream and (tried_slice is null or slices.slice_no = tried_slice)
    order by slices.slice_no
    for update;

    execute format('select %I.stage_tried($1)', home) using tried_slice;
    perform ingest.add_restaged_chunk(
        tried."chunkId", no_batch, coalesce(1 << tried_slice, ingest.all_slices()), tried."extraColumns", tried."isPadded"
    )
    from jsonb_to_recordset(tried_files) as tried ("chunkId" bigint, "extraColumns" text[], "isPadded" boolean);

    execute format('select %I.count_records()', home);
    if tried_slice is null then
        problem := ingest.try_snapshot(this_stream, no_batch);
    else
        execute format('select %I.insert_or_refuse()', home);
        execute format('select %I.classify_losers()', home);
        execute format('select %I.reject_records($1)', home) using no_batch;
    end if;
    execute format('select %I.describe_try($1, $2)', home) into answer using no_batch, samples;
    raise exception 'a slice that was only tried'
    using errcode = 'SL003', detail = (answer || jsonb_build_object('problem', problem))::text;
end
$$;

-- Applies the batch's file, and returns {problem, detail} where it goes beyond what its stream allows, else null. Raises SL007 where
-- the table does not take it.
create or replace function ingest.try_snapshot(this_stream smallint, no_batch bigint)
returns jsonb
language plpgsql
as $$
declare
    home constant text := ingest.home_of(this_stream);
    tried ingest.batches;
    applied jsonb;
    problem text;
begin
    tried.stream_id := this_stream;
    tried.batch_id := no_batch;
    execute format('select %I.apply_snapshot()', home) into applied;
    execute format('select %I.classify_losers()', home);
    execute format('select %I.reject_records($1)', home) using no_batch;
    update batch_chunks
    set removed = (applied ->> 'removed')::bigint;
    begin
        perform ingest.guard_snapshot(tried, applied);
        return null;
    exception
        when sqlstate 'SL007' then
            get stacked diagnostics problem = pg_exception_detail;
            return problem::jsonb;
    end;
end
$$;
