-- The totals by product equal a recount of events, over all time and by day for the last 34 days of event time. (Days
-- are kept for 35; one is left out, because a merge may have begun just after this statement.) If some products were
-- added up under '', only the sum over all products is compared.
with
    kept_days as (
        select date_bin('1 day', now() - interval '34 days', 'epoch') as first_bucket
    ),

    recounted_days as (
        select
            date_bin('1 day', events.event_timestamp, 'epoch') as day,
            events.product_id,
            count(*) as events,
            count(*) filter (where events.event_type = 'purchase') as purchases,
            coalesce(sum(events.quantity) filter (where events.event_type = 'purchase'), 0) as quantity,
            coalesce(sum(events.quantity * events.price) filter (where events.event_type = 'purchase'), 0) as revenue
        from public.events
        group by 1, 2
    ),

    summed_buckets as (
        select product_stats.grain, product_stats.bucket
        from ingest.product_stats
        where product_stats.product_id = ''
    ),

    all_stats as (
        select product_stats.*, true as is_kept
        from ingest.product_stats
        union all
        select
            grains.grain,
            grains.bucket,
            recounted_days.product_id,
            recounted_days.events,
            recounted_days.purchases,
            recounted_days.quantity,
            recounted_days.revenue,
            false
        from recounted_days
        cross join lateral (
            values ('total', timestamptz '1970-01-01 00:00:00+00'), ('day', recounted_days.day)
        ) as grains (grain, bucket)
    ),

    compared_stats as (
        select
            grain,
            bucket,
            case when summed_buckets.grain is null then all_stats.product_id else '' end as product_id,
            sum(all_stats.events) filter (where all_stats.is_kept) as events,
            sum(all_stats.events) filter (where not all_stats.is_kept) as recounted_events,
            sum(all_stats.purchases) filter (where all_stats.is_kept) as purchases,
            sum(all_stats.purchases) filter (where not all_stats.is_kept) as recounted_purchases,
            sum(all_stats.quantity) filter (where all_stats.is_kept) as quantity,
            sum(all_stats.quantity) filter (where not all_stats.is_kept) as recounted_quantity,
            sum(all_stats.revenue) filter (where all_stats.is_kept) as revenue,
            sum(all_stats.revenue) filter (where not all_stats.is_kept) as recounted_revenue
        from all_stats
        left join summed_buckets using (grain, bucket)
        cross join kept_days
        where grain <> 'day' or bucket >= kept_days.first_bucket
        group by 1, 2, 3
    )

select compared_stats.*
from compared_stats
where
    coalesce(compared_stats.events, 0) <> coalesce(compared_stats.recounted_events, 0)
    or coalesce(compared_stats.purchases, 0) <> coalesce(compared_stats.recounted_purchases, 0)
    or coalesce(compared_stats.quantity, 0) <> coalesce(compared_stats.recounted_quantity, 0)
    or coalesce(compared_stats.revenue, 0) <> coalesce(compared_stats.recounted_revenue, 0);
