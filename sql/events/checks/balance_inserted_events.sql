-- Every event that was ever inserted is there, or was displaced by a replay, or was pruned for its age and is counted
-- as pruned.
with
    summed_totals as (
        select
            coalesce(sum(totals.inserted), 0) as inserted,
            coalesce(sum(totals.displaced), 0) as displaced
        from ingest.totals
        where totals.stream_id = 0
    ),

    summed_events as (
        select
            coalesce(sum(event_stats.events) filter (where event_stats.grain = 'total'), 0) as events,
            coalesce(sum(event_stats.events) filter (where event_stats.grain = 'pruned'), 0) as pruned
        from ingest.event_stats
    )

select
    summed_totals.inserted,
    summed_totals.displaced,
    summed_events.events,
    summed_events.pruned
from summed_totals
cross join summed_events
where
    summed_totals.inserted - summed_totals.displaced <> summed_events.events + summed_events.pruned
    or summed_events.pruned < 0;
