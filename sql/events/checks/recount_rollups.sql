-- The rollups equal a recount of events: in total, by day, by hour; by minute for the last 24 hours of event time, which
-- is as long as minutes are kept. (One minute less here: a merge may have begun just after this statement.)
with
    kept_minutes as (
        select now() - interval '23 hours 59 minutes' as first_bucket
    ),

    recounted_hours as (
        select
            'hour'::text as grain,
            date_trunc('hour', events.event_timestamp, 'UTC') as bucket,
            events.event_type,
            count(*) as events,
            sum(coalesce(events.quantity, 0)) as quantity,
            sum(case when events.event_type = 'purchase' then coalesce(events.quantity * events.price, 0) else 0 end)
                as revenue
        from public.events
        group by 2, 3
    ),

    recounted_days as (
        select
            'day'::text as grain,
            date_trunc('day', recounted_hours.bucket, 'UTC') as bucket,
            recounted_hours.event_type,
            sum(recounted_hours.events) as events,
            sum(recounted_hours.quantity) as quantity,
            sum(recounted_hours.revenue) as revenue
        from recounted_hours
        group by 2, 3
    ),

    recounted_totals as (
        select
            'total'::text as grain,
            timestamptz '1970-01-01 00:00:00+00' as bucket,
            recounted_days.event_type,
            sum(recounted_days.events) as events,
            sum(recounted_days.quantity) as quantity,
            sum(recounted_days.revenue) as revenue
        from recounted_days
        group by 3
    ),

    recounted_minutes as (
        select
            'minute'::text as grain,
            date_trunc('minute', events.event_timestamp, 'UTC') as bucket,
            events.event_type,
            count(*) as events,
            sum(coalesce(events.quantity, 0)) as quantity,
            sum(case when events.event_type = 'purchase' then coalesce(events.quantity * events.price, 0) else 0 end)
                as revenue
        from public.events
        cross join kept_minutes
        where
            -- For the index; the bucket is what decides.
            events.event_timestamp >= kept_minutes.first_bucket
            and date_trunc('minute', events.event_timestamp, 'UTC') >= kept_minutes.first_bucket
        group by 2, 3
    ),

    recounted_stats as (
        select * from recounted_totals
        union all
        select * from recounted_days
        union all
        select * from recounted_hours
        union all
        select * from recounted_minutes
    ),

    kept_stats as (
        select event_stats.*
        from ingest.event_stats
        cross join kept_minutes
        -- What was pruned is in no event any more: balance_inserted_events.
        where event_stats.grain <> 'pruned' and (event_stats.grain <> 'minute' or event_stats.bucket >= kept_minutes.first_bucket)
    )

select
    coalesce(kept_stats.grain, recounted_stats.grain) as grain,
    coalesce(kept_stats.bucket, recounted_stats.bucket) as bucket,
    coalesce(kept_stats.event_type, recounted_stats.event_type) as event_type,
    kept_stats.events,
    recounted_stats.events as recounted_events,
    kept_stats.quantity,
    recounted_stats.quantity as recounted_quantity,
    kept_stats.revenue,
    recounted_stats.revenue as recounted_revenue
from kept_stats
full outer join recounted_stats
    on
        kept_stats.grain = recounted_stats.grain
        and kept_stats.bucket = recounted_stats.bucket
        and kept_stats.event_type = recounted_stats.event_type
where
    coalesce(kept_stats.events, 0) <> coalesce(recounted_stats.events, 0)
    or coalesce(kept_stats.quantity, 0) <> coalesce(recounted_stats.quantity, 0)
    or coalesce(kept_stats.revenue, 0) <> coalesce(recounted_stats.revenue, 0);
