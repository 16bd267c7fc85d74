-- Takes a stream that Sluice was given out of work (bun run remove): its schema with staging and functions goes, and it is no
-- longer active. Its ledger, its rejects and its table stay as they are; the next ingest that declares it makes the schema again,
-- and what was staged is staged again from its files.
--
-- Returns the ingests that work on it, and has then changed nothing.
create or replace function ingest.remove_stream(this_stream smallint, set_up_lock bigint)
returns table (worker_host text, worker_pid integer, lease_seconds double precision)
language plpgsql
set lock_timeout = '5s'
as $$
declare
    removed_home constant text := ingest.home_of(this_stream);
begin
    if removed_home is null or removed_home = 'ingest' then
        raise exception 'the stream % has no schema of its own', this_stream;
    end if;
    perform pg_advisory_xact_lock(set_up_lock);
    perform from ingest.loader_lease where loader_lease.stream_id = this_stream for update;
    return query
    select *
    from ingest.running_ingests(this_stream);
    if found then
        return;
    end if;

    execute format('drop schema if exists %I cascade', removed_home);
    update ingest.streams
    set
        is_active = false,
        shape_hash = null,
        problem = null,
        problem_detail = null,
        problem_at = null,
        paused_at = null,
        paused_by = null,
        pause_reason = null
    where streams.stream_id = this_stream;
    delete from ingest.told_states where told_states.stream_id = this_stream;
    delete from ingest.notifications where notifications.stream_id = this_stream;
end
$$;
