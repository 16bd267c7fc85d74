-- Forgets what was ingested: rows, rejects, ledger, rollups, staging, in one transaction, all or nothing; of all streams, or
-- of one. A table that Sluice did not make keeps its rows. Keeps the sequences (no id is ever used twice) and what the rules
-- ask for. Who was at work is forgotten too: an ingest that was frozen past its lease finds its mark gone when it thaws, and
-- looks at the folder anew.
--
-- Returns the ingests that are running, and has then changed nothing; no row means that it is done.
create or replace function ingest.reset(only_stream smallint default null)
returns table (worker_host text, worker_pid integer, lease_seconds double precision)
language plpgsql
-- The backend of an ingest that was killed may work on for a while, and hold its locks.
set lock_timeout = '5s'
as $$
declare
    emptied record;
begin
    if only_stream is null then
        -- Keeps an ingest from starting (it has to enter itself there first) until this has committed.
        lock table ingest.workers in share row exclusive mode;
    else
        -- Other streams go on. An ingest of this one that starts meanwhile waits for the right to load.
        perform from ingest.loader_lease where loader_lease.stream_id = only_stream for update;
    end if;

    return query
    select *
    from ingest.running_ingests(only_stream);
    if found then
        return;
    end if;

    if only_stream is null then
        truncate
            ingest.rejects,
            ingest.history,
            ingest.tombstones,
            ingest.chunk_merges,
            ingest.batches,
            ingest.chunks,
            ingest.loads,
            ingest.files,
            ingest.reject_stats,
            ingest.file_stats,
            ingest.file_changes,
            ingest.totals,
            ingest.pruned_totals,
            ingest.told_states,
            ingest.notifications,
            ingest.hints;
        delete from ingest.workers;
        update ingest.slices set last_chunk = 0 where slices.last_chunk <> 0;
    else
        perform ingest.forget_stream(only_stream);
    end if;
    for emptied in
        select streams.home
        from ingest.streams
        where only_stream is null or streams.stream_id = only_stream
        order by streams.stream_id
    loop
        perform ingest.empty_home(emptied.home);
    end loop;
    perform ingest.pass_fault_point('in-reset');
end
$$;

-- Those that are at work, on this stream or on any.
create or replace function ingest.running_ingests(only_stream smallint)
returns table (worker_host text, worker_pid integer, lease_seconds double precision)
language sql
volatile
as $$
select
    workers.host,
    workers.pid,
    extract(epoch from max(workers.lease_until) - clock_timestamp())::double precision
from ingest.workers
where
    workers.lease_until > clock_timestamp()
    and (only_stream is null or workers.stream_id = only_stream)
group by workers.host, workers.pid
order by min(workers.started_at)
$$;

-- Empties the staging of a stream, and of its tables those that Sluice made. What is not there is no more than that: a dump
-- may have left it out.
create or replace function ingest.empty_home(home text)
returns void
language plpgsql
as $$
declare
    made_tables text;
begin
    if to_regclass(format('%I.staging', home)) is not null then
        execute format('truncate %I.staging', home);
    end if;
    if to_regprocedure(format('%I.stream_tables()', home)) is null then
        return;
    end if;
    execute format(
        $query$
            select string_agg(stream_tables.table_name, ', ')
            from %I.stream_tables() as stream_tables
            where stream_tables.holds in ('rows', 'sums')
        $query$,
        home
    )
    into made_tables;
    if made_tables is not null then
        execute 'truncate ' || made_tables;
    end if;
end
$$;

-- The ledger's rows of one stream, in the order in which replays and merges lock them.
create or replace function ingest.forget_stream(this_stream smallint)
returns void
language plpgsql
as $$
begin
    delete from ingest.rejects where rejects.stream_id = this_stream;
    perform from ingest.slices where slices.stream_id = this_stream order by slices.slice_no for update;
    update ingest.slices set last_chunk = 0 where slices.stream_id = this_stream;
    delete from ingest.tombstones where tombstones.stream_id = this_stream;
    delete from ingest.history where history.stream_id = this_stream;
    delete from ingest.chunk_merges
    using ingest.batches
    where batches.batch_id = chunk_merges.batch_id and batches.stream_id = this_stream;
    delete from ingest.batches where batches.stream_id = this_stream;
    delete from ingest.chunks where chunks.stream_id = this_stream;
    delete from ingest.loads where loads.stream_id = this_stream;
    delete from ingest.files where files.stream_id = this_stream;
    delete from ingest.reject_stats where reject_stats.stream_id = this_stream;
    -- The files noted that they went.
    delete from ingest.file_changes where file_changes.stream_id = this_stream;
    delete from ingest.file_stats where file_stats.stream_id = this_stream;
    delete from ingest.totals where totals.stream_id = this_stream;
    delete from ingest.pruned_totals where pruned_totals.stream_id = this_stream;
    delete from ingest.workers where workers.stream_id = this_stream;
    delete from ingest.told_states where told_states.stream_id = this_stream;
    delete from ingest.hints where hints.stream_id = this_stream;
    delete from ingest.notifications where notifications.stream_id = this_stream;
end
$$;
