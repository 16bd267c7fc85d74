-- Each event_id occurs once. The primary key ensures it too; this counts the rows themselves.
with
    repeated_keys as (
        select events.event_id, count(*) as events
        from public.events
        group by events.event_id
        having count(*) > 1
    )

select
    repeated_keys.event_id,
    repeated_keys.events,
    events.chunk_id,
    events.record_no
from repeated_keys
inner join public.events on repeated_keys.event_id = events.event_id;
