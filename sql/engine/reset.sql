-- Forgets everything that was ingested: rows, rejects, ledger, rollups, staging, in one transaction, all or nothing.
-- Keeps the sequences (no id is ever used twice) and what the rules ask for. Who was at work is forgotten too: an ingest
-- that was frozen past its lease finds its mark gone when it thaws, and looks at the folder anew.
--
-- Returns the ingests that are running, and has then changed nothing; no row means that it is done. The lock on
-- ingest.workers keeps an ingest from starting (it has to enter itself there first) until this has committed.
create or replace function ingest.reset()
returns table (worker_host text, worker_pid integer, lease_seconds double precision)
language plpgsql
-- The backend of an ingest that was killed may work on for a while, and hold its locks.
set lock_timeout = '5s'
as $$
begin
    lock table ingest.workers in share row exclusive mode;

    return query
        select
            workers.host,
            workers.pid,
            extract(epoch from workers.lease_until - clock_timestamp())::double precision
        from ingest.workers
        where workers.lease_until > clock_timestamp()
        order by workers.started_at;
    if found then
        return;
    end if;

    execute (
        select format('truncate %s', string_agg(stream_tables.table_name, ', '))
        from ingest.stream_tables() as stream_tables
        where stream_tables.holds in ('rows', 'sums')
    );
    truncate
        ingest.rejects,
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
        ingest.staging;
    delete from ingest.workers;
    perform ingest.pass_fault_point('in-reset');
end
$$;
