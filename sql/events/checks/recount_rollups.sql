-- The rollups equal a recount of events, in total, by day and by hour, and by minute for the last 24 hours of event
-- time. (Minutes are kept that long; one is left out, because a merge may have begun just after this statement.)
with
    kept_minutes as (
        select now() - interval '23 hours 59 minutes' as first_bucket
    ),

    -- By hour, and by minute where minutes are kept: there are far fewer of those than events.
    counted_buckets as (
        select
            date_trunc(
                case when events.event_timestamp >= kept_minutes.first_bucket then 'minute' else 'hour' end,
                events.event_timestamp,
                'UTC'
            ) as bucket,
            events.event_type,
            count(*) as events,
            sum(coalesce(events.quantity, 0)) as quantity,
            sum(case when events.event_type = 'purchase' then coalesce(events.quantity * events.price, 0) else 0 end)
                as revenue
        from public.events
        cross join kept_minutes
        group by 1, 2
    ),

    recounted_stats as (
        select
            grains.grain,
            grains.bucket,
            counted_buckets.event_type,
            sum(counted_buckets.events) as events,
            sum(counted_buckets.quantity) as quantity,
            sum(counted_buckets.revenue) as revenue
        from counted_buckets
        cross join lateral (
            values
            ('total', timestamptz '1970-01-01 00:00:00+00'),
            ('day', date_trunc('day', counted_buckets.bucket, 'UTC')),
            ('hour', date_trunc('hour', counted_buckets.bucket, 'UTC')),
            ('minute', counted_buckets.bucket)
        ) as grains (grain, bucket)
        cross join kept_minutes
        where grains.grain <> 'minute' or grains.bucket >= kept_minutes.first_bucket
        group by 1, 2, 3
    ),

    kept_stats as (
        select event_stats.*
        from ingest.event_stats
        cross join kept_minutes
        -- No event is left of what was pruned: balance_inserted_events looks at that.
        where event_stats.grain <> 'pruned' and (event_stats.grain <> 'minute' or event_stats.bucket >= kept_minutes.first_bucket)
    )

select
    grain,
    bucket,
    event_type,
    kept_stats.events,
    recounted_stats.events as recounted_events,
    kept_stats.quantity,
    recounted_stats.quantity as recounted_quantity,
    kept_stats.revenue,
    recounted_stats.revenue as recounted_revenue
from kept_stats
full outer join recounted_stats using (grain, bucket, event_type)
where
    coalesce(kept_stats.events, 0) <> coalesce(recounted_stats.events, 0)
    or coalesce(kept_stats.quantity, 0) <> coalesce(recounted_stats.quantity, 0)
    or coalesce(kept_stats.revenue, 0) <> coalesce(recounted_stats.revenue, 0);
