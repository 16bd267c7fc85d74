-- Rendered by `bun run sql:render` from src/streams/render/. Change the template, not this file.

-- Deletes the rows of pruned chunks that lie in these pages of the table and in whichever of the wanted slices it gets:
-- it waits for the lowest of them, holding nothing, and takes what else is free. So no merge that runs is waited for with
-- slices in hand, and what merges wait for is the deletion alone. `done_slices` are those that need not be asked for again.
--
-- It goes by pages, in the order in which they lie on disk, because no index tells where an event came from: that would
-- cost every insert. What is read is the table, once a prune.
--
-- Three things stay. A row that a kept conflict contradicts: the two are only of use together (promise 3). One that is
-- younger than its chunk, since a replay let it in. And one that somebody else has locked. `kept_chunks` are theirs.
create or replace function ingest.prune_rows(
    older_than timestamptz,
    first_page bigint,
    end_page bigint,
    wanted_slices integer
)
returns table (done_slices integer, row_count bigint, kept_chunks bigint[])
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set work_mem = '128MB'
set jit = off
set timezone = 'UTC'
as $$
declare
    first_place constant tid := format('(%s,0)', first_page)::tid;
    end_place constant tid := format('(%s,0)', end_page)::tid;
    pruned_chunks constant bigint[] := array(
        select chunks.chunk_id
        from ingest.chunks
        where
            chunks.pruned_at is not null
            and chunks.chunk_id = any(array(
                select distinct events.chunk_id
                from public.events
                where events.ctid >= first_place and events.ctid < end_place
            ))
    );
    doomed_places tid[];
    gain_facts constant ingest.gain_facts := ingest.gain_facts();
begin
    perform ingest.hold_prune_lock();
    perform ingest.prepare_merge('ingest');
    kept_chunks := '{}';
    row_count := 0;
    if cardinality(pruned_chunks) = 0 then
        done_slices := wanted_slices;
        return next;
        return;
    end if;

    perform
    from ingest.slices
    where
        slices.stream_id = 0
        and (1 << slices.slice_no) = wanted_slices & -wanted_slices
    for update;
    done_slices := ingest.lock_slices(0::smallint, wanted_slices);

    doomed_places := ingest.lock_prunable_rows(first_place, end_place, pruned_chunks, older_than, done_slices);
    with removed_rows as (
        delete from public.events
        where events.ctid = any(doomed_places)
        returning events.event_type, events.product_id, events.event_timestamp, events.quantity, events.price
    ),
    lost_gains as (
        insert into rollup_gains
        select
            grouping(product_id) = 0, is_recent, bucket, event_type, product_day, product_id,
            -count(*),
            -count(*) filter (where event_type = 'purchase'),
            coalesce(-sum(quantity), 0),
            coalesce(-sum(quantity) filter (where event_type = 'purchase'), 0),
            coalesce(-sum(quantity * price) filter (where event_type = 'purchase'), 0)
        from removed_rows
        cross join lateral ingest.gain_times(event_timestamp, gain_facts)
        group by grouping sets ((is_recent, bucket, event_type), (product_day, product_id))
    )
    select count(*) into row_count
    from removed_rows;

    kept_chunks := array(
        select distinct events.chunk_id
        from public.events
        where events.ctid >= first_place and events.ctid < end_place and events.chunk_id = any(pruned_chunks)
    );
    perform ingest.prune_rollups();
    perform ingest.pass_fault_point('in-prune');
    return next;
end
$$;

-- Locks the rows of these places and chunks that no kept conflict contradicts, and returns where they are.
create or replace function ingest.lock_prunable_rows(
    first_place tid,
    end_place tid,
    pruned_chunks bigint[],
    older_than timestamptz,
    locked_slices integer
)
returns tid[]
language plpgsql
as $$
declare
    -- Keys of conflicts that the index does not find by them.
    odd_keys constant text[] := array(
        select odd_ids.key
        from ingest.rejects
        cross join lateral (
            values
            (lower(btrim(rejects.record ->> 'event_id', E' \t\n\r\f\x0b'))),
            (lower(btrim(rejects.original_record ->> 'event_id', E' \t\n\r\f\x0b')))
        ) as odd_ids (key)
        where
            rejects.kind = 'conflict'
            and rejects.stream_id = 0
            and (
                rejects.original_record is not null
                or btrim(rejects.record ->> 'event_id', E' \t\n\r\f\x0b') <> btrim(rejects.record ->> 'event_id')
            )
            and odd_ids.key is not null
    );
begin
    return array(
        select events.ctid
        from public.events
        where
            events.ctid >= first_place
            and events.ctid < end_place
            and events.chunk_id = any(pruned_chunks)
            and events.created_at < older_than
            and ingest.slice_of(events.event_id) & locked_slices <> 0
            -- As a scalar, so that it is always a look-up in the index.
            and (
                select true
                from ingest.rejects
                where
                    left(lower(btrim(rejects.record ->> 'event_id')), 36) = events.event_id::text
                    and rejects.kind = 'conflict'
                    and rejects.stream_id = 0
                limit 1
            ) is null
            and events.event_id::text <> all(odd_keys)
        for update skip locked
    );
end
$$;

-- The bit of the slice that a row's key falls into: src/streams/types/uuid.ts.
create or replace function ingest.slice_of(key uuid)
returns integer
language sql
immutable
parallel safe
return 1 << (get_byte(uuid_send(key), 15) & 15);
