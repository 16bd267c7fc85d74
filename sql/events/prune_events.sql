-- The stream's part of a prune (sql/engine/prune.sql): the events of pruned chunks, and the sums that lose them.

-- Deletes the events of pruned chunks that lie in these pages of the table and in whichever of the wanted slices it gets:
-- it waits for the lowest of them, holding nothing, and takes what else is free. So no merge that runs is waited for with
-- slices in hand, and what merges wait for is the deletion alone. `done_slices` are those that need not be asked for again.
--
-- It goes by pages, in the order in which they lie on disk, because no index tells where an event came from: that would
-- cost every insert. What is read is the table, once a prune.
--
-- Three things stay. An event that a kept conflict contradicts: the two are only of use together (promise 3). One that is
-- younger than its chunk, since a replay let it in. And one that somebody else has locked. `kept_chunks` are theirs.
create or replace function ingest.prune_events(
    older_than timestamptz,
    first_page bigint,
    end_page bigint,
    wanted_slices integer
)
returns table (done_slices integer, event_count bigint, kept_chunks bigint[])
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
    odd_event_ids text[];
    doomed_places tid[];
    sums ingest.event_stats[];
    product_sums ingest.product_stats[];
begin
    perform ingest.hold_prune_lock();
    kept_chunks := '{}';
    event_count := 0;
    if cardinality(pruned_chunks) = 0 then
        done_slices := wanted_slices;
        return next;
        return;
    end if;

    perform
    from ingest.slices
    where slices.stream_id = 0 and (1 << slices.slice_no) = wanted_slices & -wanted_slices
    for update;
    done_slices := ingest.lock_slices(0::smallint, wanted_slices);

    odd_event_ids := array(
        select odd_ids.event_id
        from ingest.rejects
        cross join lateral (
            values
            (lower(btrim(rejects.record ->> 'event_id', E' \t\n\r\f\x0b'))),
            (lower(btrim(rejects.original_record ->> 'event_id', E' \t\n\r\f\x0b')))
        ) as odd_ids (event_id)
        where
            rejects.kind = 'conflict'
            and (
                rejects.original_record is not null
                or btrim(rejects.record ->> 'event_id', E' \t\n\r\f\x0b') <> btrim(rejects.record ->> 'event_id')
            )
            and odd_ids.event_id is not null
    );
    doomed_places := array(
        select events.ctid
        from public.events
        where
            events.ctid >= first_place
            and events.ctid < end_place
            and events.chunk_id = any(pruned_chunks)
            and events.created_at < older_than
            and ingest.slice_of(events.event_id) & done_slices <> 0
            -- As a scalar, so that it is always a look-up in the index.
            and (
                select true
                from ingest.rejects
                where
                    left(lower(btrim(rejects.record ->> 'event_id')), 36) = events.event_id::text
                    and rejects.kind = 'conflict'
                limit 1
            ) is null
            and events.event_id::text <> all(odd_event_ids)
        for update skip locked
    );

    with removed_events as (
        delete from public.events
        where events.ctid = any(doomed_places)
        returning
            events.event_type, events.product_id, events.event_timestamp, events.quantity, events.price
    ),
    hourly_sums as materialized (
        select
            date_bin('1 hour', removed_events.event_timestamp, 'epoch') as hour,
            case
                when removed_events.event_timestamp >= now() - interval '1 day' then
                    date_bin('1 minute', removed_events.event_timestamp, 'epoch')
            end as minute,
            removed_events.event_type,
            removed_events.product_id,
            count(*) as events,
            coalesce(sum(removed_events.quantity), 0) as quantity,
            coalesce(
                sum(removed_events.quantity * removed_events.price)
                filter (where removed_events.event_type = 'purchase'),
                0
            ) as revenue
        from removed_events
        group by 1, 2, 3, 4
    ),
    bucketed_sums as (
        select
            buckets.grain,
            buckets.bucket,
            hourly_sums.event_type,
            buckets.sign * sum(hourly_sums.events) as events,
            buckets.sign * sum(hourly_sums.quantity) as quantity,
            buckets.sign * sum(hourly_sums.revenue) as revenue
        from hourly_sums
        cross join lateral (
            values
            ('minute', hourly_sums.minute, -1),
            ('hour', hourly_sums.hour, -1),
            ('day', date_bin('1 day', hourly_sums.hour, 'epoch'), -1),
            ('total', 'epoch', -1),
            ('pruned', 'epoch', 1)
        ) as buckets (grain, bucket, sign)
        where buckets.bucket is not null
        group by buckets.grain, buckets.bucket, buckets.sign, hourly_sums.event_type
    ),
    bucketed_products as (
        select
            buckets.grain,
            buckets.bucket,
            hourly_sums.product_id,
            sum(hourly_sums.events) as events,
            coalesce(sum(hourly_sums.events) filter (where hourly_sums.event_type = 'purchase'), 0) as purchases,
            coalesce(sum(hourly_sums.quantity) filter (where hourly_sums.event_type = 'purchase'), 0) as quantity,
            sum(hourly_sums.revenue) as revenue
        from hourly_sums
        cross join lateral (
            values
            ('total', timestamptz 'epoch'),
            ('day', date_bin('1 day', hourly_sums.hour, 'epoch'))
        ) as buckets (grain, bucket)
        where buckets.grain = 'total' or buckets.bucket >= ingest.first_kept_product_day()
        group by 1, 2, 3
    )
    select
        (select count(*) from removed_events),
        (
            select array_agg(
                row(
                    bucketed_sums.grain, bucketed_sums.bucket, bucketed_sums.event_type,
                    bucketed_sums.events, bucketed_sums.quantity, bucketed_sums.revenue
                )::ingest.event_stats
            )
            from bucketed_sums
        ),
        (
            select array_agg(
                row(
                    bucketed_products.grain, bucketed_products.bucket, bucketed_products.product_id,
                    bucketed_products.events, bucketed_products.purchases,
                    bucketed_products.quantity, bucketed_products.revenue
                )::ingest.product_stats
            )
            from bucketed_products
        )
    into event_count, sums, product_sums;

    kept_chunks := array(
        select distinct events.chunk_id
        from public.events
        where events.ctid >= first_place and events.ctid < end_place and events.chunk_id = any(pruned_chunks)
    );
    perform ingest.add_event_stats(sums);
    perform ingest.subtract_product_stats(product_sums);
    perform ingest.pass_fault_point('in-prune');
    return next;
end
$$;

-- The bit of the slice that an event's key falls into: src/streams/types/uuid.ts.
create or replace function ingest.slice_of(event_id uuid)
returns integer
language sql
immutable
parallel safe
return 1 << (get_byte(uuid_send(event_id), 15) & 15);

-- In key order, as every merge does; what comes to nothing goes.
create or replace function ingest.add_event_stats(sums ingest.event_stats[])
returns void
language plpgsql
as $$
begin
    insert into ingest.event_stats (grain, bucket, event_type, events, quantity, revenue)
    select gains.grain, gains.bucket, gains.event_type, gains.events, gains.quantity, gains.revenue
    from unnest(sums) as gains
    order by gains.grain, gains.bucket, gains.event_type
    on conflict (grain, bucket, event_type) do update
    set
        events = event_stats.events + excluded.events,
        quantity = event_stats.quantity + excluded.quantity,
        revenue = event_stats.revenue + excluded.revenue;

    delete from ingest.event_stats
    using unnest(sums) as gains
    where
        event_stats.grain = gains.grain
        and event_stats.bucket = gains.bucket
        and event_stats.event_type = gains.event_type
        and (event_stats.events, event_stats.quantity, event_stats.revenue) = (0, 0, 0);
end
$$;

-- A product may have some of its events in its own row and others under '' (sql/events/product_stats.sql), and nobody knows
-- which: its own row loses first, and what it has not got is taken from ''. So no row falls below zero, and the sums of all
-- products are always right.
create or replace function ingest.subtract_product_stats(losses ingest.product_stats[])
returns void
language plpgsql
as $$
begin
    perform
    from ingest.product_stats
    inner join (
        select lost.grain, lost.bucket, lost.product_id from unnest(losses) as lost
        union
        select lost.grain, lost.bucket, '' from unnest(losses) as lost
    ) as losing_rows
        on
            losing_rows.grain = product_stats.grain
            and losing_rows.bucket = product_stats.bucket
            and losing_rows.product_id = product_stats.product_id
    order by product_stats.grain, product_stats.bucket, product_stats.product_id
    for update of product_stats;

    with matched_losses as materialized (
        select
            lost.*,
            coalesce(
                product_stats.events > lost.events
                and product_stats.purchases >= lost.purchases
                and product_stats.quantity >= lost.quantity
                and product_stats.revenue >= lost.revenue,
                false
            ) as is_left,
            coalesce(product_stats.events, 0) as row_events,
            coalesce(product_stats.purchases, 0) as row_purchases,
            coalesce(product_stats.quantity, 0) as row_quantity,
            coalesce(product_stats.revenue, 0) as row_revenue
        from unnest(losses) as lost
        left join ingest.product_stats
            on
                product_stats.grain = lost.grain
                and product_stats.bucket = lost.bucket
                and product_stats.product_id = lost.product_id
    ),
    reduced_rows as (
        update ingest.product_stats
        set
            events = product_stats.events - matched_losses.events,
            purchases = product_stats.purchases - matched_losses.purchases,
            quantity = product_stats.quantity - matched_losses.quantity,
            revenue = product_stats.revenue - matched_losses.revenue
        from matched_losses
        where
            matched_losses.is_left
            and product_stats.grain = matched_losses.grain
            and product_stats.bucket = matched_losses.bucket
            and product_stats.product_id = matched_losses.product_id
    ),
    emptied_rows as (
        delete from ingest.product_stats
        using matched_losses
        where
            not matched_losses.is_left
            and product_stats.grain = matched_losses.grain
            and product_stats.bucket = matched_losses.bucket
            and product_stats.product_id = matched_losses.product_id
    )
    insert into ingest.product_stats (grain, bucket, product_id, events, purchases, quantity, revenue)
    select
        matched_losses.grain,
        matched_losses.bucket,
        '',
        sum(matched_losses.row_events - matched_losses.events),
        sum(matched_losses.row_purchases - matched_losses.purchases),
        sum(matched_losses.row_quantity - matched_losses.quantity),
        sum(matched_losses.row_revenue - matched_losses.revenue)
    from matched_losses
    where
        not matched_losses.is_left
        and (
            matched_losses.row_events,
            matched_losses.row_purchases,
            matched_losses.row_quantity,
            matched_losses.row_revenue
        ) is distinct from (
            matched_losses.events, matched_losses.purchases, matched_losses.quantity, matched_losses.revenue
        )
    group by matched_losses.grain, matched_losses.bucket
    order by matched_losses.grain, matched_losses.bucket
    on conflict (grain, bucket, product_id) do update
    set
        events = product_stats.events + excluded.events,
        purchases = product_stats.purchases + excluded.purchases,
        quantity = product_stats.quantity + excluded.quantity,
        revenue = product_stats.revenue + excluded.revenue;

    delete from ingest.product_stats
    using unnest(losses) as lost
    where
        product_stats.grain = lost.grain
        and product_stats.bucket = lost.bucket
        and product_stats.product_id = ''
        and (product_stats.events, product_stats.purchases, product_stats.quantity, product_stats.revenue)
        = (0, 0, 0, 0);
end
$$;

-- Minutes and product days that are kept for recent event time only, once they are no longer recent (a day more here: a
-- merge may have begun before). Nobody adds to them any more, and nobody shows them.
create or replace function ingest.prune_recent_sums()
returns bigint
language sql
as $$
    select ingest.hold_prune_lock();

    with removed_minutes as (
        delete from ingest.event_stats
        where event_stats.grain = 'minute' and event_stats.bucket < now() - interval '2 days'
        returning 1
    ),
    removed_days as (
        delete from ingest.product_stats
        where product_stats.grain = 'day' and product_stats.bucket < now() - interval '37 days'
        returning 1
    )
    select (select count(*) from removed_minutes) + (select count(*) from removed_days)
$$;

-- How many events are there that no chunk that stays has inserted.
create or replace function ingest.count_events_to_prune(old_chunk_ids bigint[])
returns bigint
language sql
stable
as $$
select
    greatest(
        0,
        (
            select coalesce(sum(event_stats.events), 0)
            from ingest.event_stats
            where event_stats.grain = 'total'
        ) - (
            select coalesce(sum(chunk_merges.inserted - chunk_merges.displaced), 0)
            from ingest.chunks
            inner join ingest.chunk_merges on chunk_merges.chunk_id = chunks.chunk_id
            left join unnest(old_chunk_ids) as old_chunks (chunk_id) on old_chunks.chunk_id = chunks.chunk_id
            where chunks.pruned_at is null and old_chunks.chunk_id is null
        )
    )::bigint
$$;
