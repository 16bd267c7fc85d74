-- The rollups equal a recount of events: in total, by day, by hour; by minute for the last 24 hours of event time, which
-- is as long as minutes are kept. (One minute less here: a merge may have begun just after this statement.)
with
    kept_minutes as (
        select now() - interval '23 hours 59 minutes' as first_bucket
    ),

    bucketed_events as (
        select
            buckets.grain,
            buckets.bucket,
            events.event_type,
            coalesce(events.quantity, 0) as quantity,
            case when events.event_type = 'purchase' then coalesce(events.quantity * events.price, 0) else 0 end
                as revenue
        from public.events
        cross join kept_minutes
        cross join lateral (
            values
            ('total', timestamptz '1970-01-01 00:00:00+00'),
            ('day', date_trunc('day', events.event_timestamp, 'UTC')),
            ('hour', date_trunc('hour', events.event_timestamp, 'UTC')),
            ('minute', date_trunc('minute', events.event_timestamp, 'UTC'))
        ) as buckets (grain, bucket)
        where buckets.grain <> 'minute' or buckets.bucket >= kept_minutes.first_bucket
    ),

    recounted_stats as (
        select
            bucketed_events.grain,
            bucketed_events.bucket,
            bucketed_events.event_type,
            count(*) as events,
            sum(bucketed_events.quantity) as quantity,
            sum(bucketed_events.revenue) as revenue
        from bucketed_events
        group by bucketed_events.grain, bucketed_events.bucket, bucketed_events.event_type
    ),

    kept_stats as (
        select event_stats.*
        from ingest.event_stats
        cross join kept_minutes
        where event_stats.grain <> 'minute' or event_stats.bucket >= kept_minutes.first_bucket
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
