-- The sums by product equal a recount of events: in total, and by day for the last 34 days of event time. (Days are kept
-- for 35; one less here, because a merge may have begun just after this statement.) Where some products were added up
-- under '', only the sum of all can be.
with
    kept_days as (
        select date_bin('1 day', now() - interval '34 days', 'epoch') as first_bucket
    ),

    recounted_days as (
        select
            date_bin('1 day', events.event_timestamp, 'epoch') as bucket,
            events.product_id,
            count(*) as events,
            count(*) filter (where events.event_type = 'purchase') as purchases,
            coalesce(sum(events.quantity) filter (where events.event_type = 'purchase'), 0) as quantity,
            coalesce(sum(events.quantity * events.price) filter (where events.event_type = 'purchase'), 0) as revenue
        from public.events
        group by 1, 2
    ),

    recounted_stats as (
        select
            'day'::text as grain,
            recounted_days.*
        from recounted_days
        cross join kept_days
        where recounted_days.bucket >= kept_days.first_bucket
        union all
        select
            'total',
            timestamptz '1970-01-01 00:00:00+00',
            recounted_days.product_id,
            sum(recounted_days.events),
            sum(recounted_days.purchases),
            sum(recounted_days.quantity),
            sum(recounted_days.revenue)
        from recounted_days
        group by recounted_days.product_id
    ),

    summed_buckets as (
        select
            product_stats.grain,
            product_stats.bucket
        from ingest.product_stats
        where product_stats.product_id = ''
    ),

    kept_stats as (
        select
            product_stats.grain,
            product_stats.bucket,
            case when summed_buckets.grain is null then product_stats.product_id else '' end as product_id,
            sum(product_stats.events) as events,
            sum(product_stats.purchases) as purchases,
            sum(product_stats.quantity) as quantity,
            sum(product_stats.revenue) as revenue
        from ingest.product_stats
        cross join kept_days
        left join summed_buckets
            on product_stats.grain = summed_buckets.grain and product_stats.bucket = summed_buckets.bucket
        where product_stats.grain <> 'day' or product_stats.bucket >= kept_days.first_bucket
        group by 1, 2, 3
    ),

    comparable_stats as (
        select
            recounted_stats.grain,
            recounted_stats.bucket,
            case when summed_buckets.grain is null then recounted_stats.product_id else '' end as product_id,
            sum(recounted_stats.events) as events,
            sum(recounted_stats.purchases) as purchases,
            sum(recounted_stats.quantity) as quantity,
            sum(recounted_stats.revenue) as revenue
        from recounted_stats
        left join summed_buckets
            on recounted_stats.grain = summed_buckets.grain and recounted_stats.bucket = summed_buckets.bucket
        group by 1, 2, 3
    )

select
    coalesce(kept_stats.grain, comparable_stats.grain) as grain,
    coalesce(kept_stats.bucket, comparable_stats.bucket) as bucket,
    coalesce(kept_stats.product_id, comparable_stats.product_id) as product_id,
    kept_stats.events,
    comparable_stats.events as recounted_events,
    kept_stats.purchases,
    comparable_stats.purchases as recounted_purchases,
    kept_stats.quantity,
    comparable_stats.quantity as recounted_quantity,
    kept_stats.revenue,
    comparable_stats.revenue as recounted_revenue
from kept_stats
full outer join comparable_stats
    on
        kept_stats.grain = comparable_stats.grain
        and kept_stats.bucket = comparable_stats.bucket
        and kept_stats.product_id = comparable_stats.product_id
where
    coalesce(kept_stats.events, 0) <> coalesce(comparable_stats.events, 0)
    or coalesce(kept_stats.purchases, 0) <> coalesce(comparable_stats.purchases, 0)
    or coalesce(kept_stats.quantity, 0) <> coalesce(comparable_stats.quantity, 0)
    or coalesce(kept_stats.revenue, 0) <> coalesce(comparable_stats.revenue, 0);
