-- The rollups: counts by type of event (ingest.event_stats: in total, by day, by hour, and by minute for recent event time)
-- and by product (ingest.product_stats: in total, and by day for recent event time). What a merge, a replay or a prune does to
-- the events stands in rollup_gains, at the finest grain that is kept; update_rollups adds it up.
--
-- At most 20,000 pairs of product and day in a batch get a row of their own: those with the highest
-- revenue, then the most events; the others are added up under the product ''. So the sums are always whole, and what a
-- batch costs here is bounded. Measured on two cores that others kept busy, 250,000 records whose whole merge took 10 s:
-- 500 products today 0.3 s, spread over a month or a year 0.7 to 2 s; each record another product 4 s, without the
-- bound 15 s.

create or replace function ingest.prepare_rollups()
returns void
language plpgsql
as $$
begin
    -- A gain is of a product (product_day, null for an old one, and product_id) or of a time (the others).
    create temporary table if not exists rollup_gains (
        is_of_product boolean not null,
        is_recent boolean,
        bucket timestamptz,
        event_type text,
        product_day timestamptz,
        product_id text,
        events bigint not null,
        purchases bigint not null,
        quantity bigint not null,
        purchased_quantity bigint not null,
        revenue numeric not null
    ) on commit delete rows;
end
$$;

-- From when on a day is kept.
create or replace function ingest.first_kept_product_day()
returns timestamptz
language sql
stable
return date_bin('1 day', now() - interval '35 days', 'epoch');

-- Once, and not in the statement: there it is worked out anew for every row, for 0.2 s of CPU a million each time.
drop type if exists ingest.gain_facts;
create type ingest.gain_facts as (recent_from timestamptz, first_product_day timestamptz);

create or replace function ingest.gain_facts()
returns ingest.gain_facts
language sql
stable
return row(now() - interval '1 day', ingest.first_kept_product_day())::ingest.gain_facts;

-- Where a moment is counted: its finest kept bucket, and the day of its product while that is kept. Inlined.
create or replace function ingest.gain_times(moment timestamptz, facts ingest.gain_facts)
returns table (is_recent boolean, bucket timestamptz, product_day timestamptz)
language sql
stable
as $$
select
    moment >= (facts).recent_from,
    date_bin(case when moment >= (facts).recent_from then '1 minute' else '1 hour' end::interval, moment, 'epoch'),
    case when moment >= (facts).first_product_day then date_bin('1 day', moment, 'epoch') end
$$;

-- Adds what rollup_gains holds to the rollups, in key order, so that two merges that end together queue and never deadlock.
create or replace function ingest.update_rollups()
returns void
language plpgsql
as $$
begin
    perform ingest.update_event_stats();
    perform ingest.update_product_stats();
    delete from rollup_gains;
end
$$;

-- The gains by type, in every grain that keeps them.
create or replace function ingest.bucketed_gains()
returns table (grain text, bucket timestamptz, event_type text, events bigint, quantity bigint, revenue numeric)
language plpgsql
as $$
begin
    return query
    select
        buckets.grain,
        buckets.bucket,
        rollup_gains.event_type,
        sum(rollup_gains.events)::bigint,
        sum(rollup_gains.quantity)::bigint,
        sum(rollup_gains.revenue)
    from rollup_gains
    cross join lateral (
        values
        ('minute', case when rollup_gains.is_recent then rollup_gains.bucket end),
        ('hour', date_bin('1 hour', rollup_gains.bucket, 'epoch')),
        ('day', date_bin('1 day', rollup_gains.bucket, 'epoch')),
        ('total', 'epoch')
    ) as buckets (grain, bucket)
    where not rollup_gains.is_of_product and buckets.bucket is not null
    group by 1, 2, 3;
end
$$;

create or replace function ingest.update_event_stats()
returns void
language plpgsql
as $$
begin
    insert into ingest.event_stats (grain, bucket, event_type, events, quantity, revenue)
    select gains.grain, gains.bucket, gains.event_type, gains.events, gains.quantity, gains.revenue
    from ingest.bucketed_gains() as gains
    order by 1, 2, 3
    on conflict (grain, bucket, event_type) do update
    set
        events = event_stats.events + excluded.events,
        quantity = event_stats.quantity + excluded.quantity,
        revenue = event_stats.revenue + excluded.revenue;
end
$$;

-- Takes what rollup_gains lost off the rollups; it stays under the grain 'pruned'. A sum that comes to nothing goes.
create or replace function ingest.prune_rollups()
returns void
language plpgsql
as $$
begin
    perform ingest.update_event_stats();
    insert into ingest.event_stats (grain, bucket, event_type, events, quantity, revenue)
    select 'pruned', gains.bucket, gains.event_type, -gains.events, -gains.quantity, -gains.revenue
    from ingest.bucketed_gains() as gains
    where gains.grain = 'total'
    order by gains.event_type
    on conflict (grain, bucket, event_type) do update
    set
        events = event_stats.events + excluded.events,
        quantity = event_stats.quantity + excluded.quantity,
        revenue = event_stats.revenue + excluded.revenue;
    delete from ingest.event_stats
    using ingest.bucketed_gains() as gains
    where
        event_stats.grain = gains.grain
        and event_stats.bucket = gains.bucket
        and event_stats.event_type = gains.event_type
        and (event_stats.events, event_stats.quantity, event_stats.revenue) = (0, 0, 0);

    perform ingest.subtract_product_stats(array(
        select row(
            buckets.grain, buckets.bucket, rollup_gains.product_id,
            -sum(rollup_gains.events), -sum(rollup_gains.purchases),
            -sum(rollup_gains.purchased_quantity), -sum(rollup_gains.revenue)
        )::ingest.product_stats
        from rollup_gains
        cross join lateral (
            values ('total', timestamptz 'epoch'), ('day', rollup_gains.product_day)
        ) as buckets (grain, bucket)
        where rollup_gains.is_of_product and buckets.bucket is not null
        group by buckets.grain, buckets.bucket, rollup_gains.product_id
    ));
    delete from rollup_gains;
end
$$;

create or replace function ingest.update_product_stats()
returns void
language plpgsql
as $$
declare
    most_gains constant bigint := 20000;
    last_revenue numeric;
    last_events bigint;
begin
    -- The best gain that gets no row any more; none when all do. Cheaper than to rank them all.
    select rollup_gains.revenue, rollup_gains.events
    into last_revenue, last_events
    from rollup_gains
    where rollup_gains.is_of_product
    order by rollup_gains.revenue desc, rollup_gains.events desc
    offset most_gains
    limit 1;

    with kept_gains as materialized (
        select
            rollup_gains.product_day as bucket,
            case
                when last_revenue is null or (rollup_gains.revenue, rollup_gains.events) > (last_revenue, last_events)
                    then rollup_gains.product_id
                else ''
            end as product_id,
            sum(rollup_gains.events) as events,
            sum(rollup_gains.purchases) as purchases,
            sum(rollup_gains.purchased_quantity) as quantity,
            sum(rollup_gains.revenue) as revenue
        from rollup_gains
        where rollup_gains.is_of_product
        group by 1, 2
    ),
    bucketed_gains as (
        select 'day' as grain, kept_gains.*
        from kept_gains
        where kept_gains.bucket is not null
        union all
        select
            'total',
            'epoch',
            kept_gains.product_id,
            sum(kept_gains.events),
            sum(kept_gains.purchases),
            sum(kept_gains.quantity),
            sum(kept_gains.revenue)
        from kept_gains
        group by kept_gains.product_id
    )
    insert into ingest.product_stats (grain, bucket, product_id, events, purchases, quantity, revenue)
    select
        bucketed_gains.grain,
        bucketed_gains.bucket,
        bucketed_gains.product_id,
        bucketed_gains.events,
        bucketed_gains.purchases,
        bucketed_gains.quantity,
        bucketed_gains.revenue
    from bucketed_gains
    order by bucketed_gains.grain, bucketed_gains.bucket, bucketed_gains.product_id
    on conflict (grain, bucket, product_id) do update
    set
        events = product_stats.events + excluded.events,
        purchases = product_stats.purchases + excluded.purchases,
        quantity = product_stats.quantity + excluded.quantity,
        revenue = product_stats.revenue + excluded.revenue;
end
$$;

create or replace function ingest.lock_product_stats(losses ingest.product_stats[])
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
end
$$;

-- A product may have some of its events in its own row and others under '' (above), and nobody knows
-- which: its own row loses first, and what it has not got is taken from ''. So no row falls below zero, and the sums of all
-- products are always right.
create or replace function ingest.subtract_product_stats(losses ingest.product_stats[])
returns void
language plpgsql
as $$
begin
    perform ingest.lock_product_stats(losses);
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
            matched_losses.row_events, matched_losses.row_purchases, matched_losses.row_quantity, matched_losses.row_revenue
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
    perform ingest.drop_empty_product_stats(losses);
end
$$;

create or replace function ingest.drop_empty_product_stats(losses ingest.product_stats[])
returns void
language plpgsql
as $$
begin
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
