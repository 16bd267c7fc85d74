-- A person pauses a stream, or all active ones when it is null, and resumes them (`sluice pause`, POST /v1/ingest/pause). Ingests see
-- it within a second (src/engine/ledger/watch-work.ts). Who paused a stream first, and why, stands until it is resumed.
--
-- Both return the chosen streams, and whether this changed them. They run with their owner's rights: the loader and the API may
-- change nothing else of a stream. Who may call them is granted in sql/roles/.
create or replace function ingest.pause_streams(only_stream smallint, by_whom text, why text)
returns table (stream text, has_changed boolean, since timestamptz, pauser text, reason text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    changed smallint[];
begin
    with paused_streams as (
        update ingest.streams
        set paused_at = clock_timestamp(), paused_by = by_whom, pause_reason = why
        where
            streams.paused_at is null
            and (streams.stream_id = only_stream or (only_stream is null and streams.is_active))
        returning streams.stream_id
    )

    select coalesce(array_agg(paused_streams.stream_id), '{}')
    into changed
    from paused_streams;

    -- A later statement: it sees what another session paused meanwhile.
    return query
    select
        streams.name,
        streams.stream_id = any(changed),
        streams.paused_at,
        streams.paused_by,
        streams.pause_reason
    from ingest.streams
    where streams.stream_id = only_stream or (only_stream is null and streams.is_active)
    order by streams.stream_id;
end
$$;

-- With null also those that are not active now. `since`, `pauser` and `reason` are those of the pause that has ended.
create or replace function ingest.resume_streams(only_stream smallint)
returns table (stream text, has_changed boolean, since timestamptz, pauser text, reason text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    with chosen_streams as materialized (
        select streams.*
        from ingest.streams
        where streams.stream_id = only_stream or only_stream is null
        order by streams.stream_id
        for update
    ),

    resumed_streams as (
        update ingest.streams
        set paused_at = null, paused_by = null, pause_reason = null
        from chosen_streams
        where streams.stream_id = chosen_streams.stream_id and chosen_streams.paused_at is not null
        returning streams.stream_id
    )

    select
        chosen_streams.name,
        chosen_streams.paused_at is not null,
        chosen_streams.paused_at,
        chosen_streams.paused_by,
        chosen_streams.pause_reason
    from chosen_streams
    left join resumed_streams using (stream_id)
    where chosen_streams.is_active or chosen_streams.paused_at is not null
    order by chosen_streams.stream_id;
end
$$;

revoke all on function ingest.pause_streams(smallint, text, text) from public;
revoke all on function ingest.resume_streams(smallint) from public;
