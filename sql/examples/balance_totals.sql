-- Where is every record that was ever read? Over all time, including pruned data. The last two columns are equal.
-- Columns: read, inserted, duplicate, conflict, rejected, displaced, pruned, events, inserted_less_displaced_and_pruned
with
    summed_totals as (
        select
            sum(totals.read) as read,
            sum(totals.inserted) as inserted,
            sum(totals.duplicate) as duplicate,
            sum(totals.conflict) as conflict,
            sum(totals.rejected) as rejected,
            sum(totals.displaced) as displaced
        from ingest.totals
    ),

    summed_events as (
        select
            coalesce(sum(event_stats.events) filter (where event_stats.grain = 'total'), 0) as events,
            coalesce(sum(event_stats.events) filter (where event_stats.grain = 'pruned'), 0) as pruned
        from ingest.event_stats
    )

select
    summed_totals.read,
    summed_totals.inserted,
    summed_totals.duplicate,
    summed_totals.conflict,
    summed_totals.rejected,
    summed_totals.displaced,
    summed_events.pruned,
    summed_events.events,
    summed_totals.inserted - summed_totals.displaced - summed_events.pruned as inserted_less_displaced_and_pruned
from summed_totals
cross join summed_events;
