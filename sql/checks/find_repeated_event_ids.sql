-- An event_id occurs once. The primary key says so too; this counts the rows themselves.
select
    events.event_id,
    count(*) as events,
    array_agg(events.chunk_id order by events.chunk_id, events.record_no) as chunk_ids
from public.events
group by events.event_id
having count(*) > 1;
