-- A record is an event or a reject, never both, and no two events come from one record. A reject that a
-- replay resolved does not count, except a displaced one, whose record is nowhere else.
with
    placed_records as (
        select events.chunk_id, events.record_no
        from public.events
        union all
        select rejects.chunk_id, rejects.record_no
        from ingest.rejects
        where rejects.resolved_by_batch is null or rejects.resolution = 'displaced'
    )

select
    placed_records.chunk_id,
    placed_records.record_no,
    count(*) as places
from placed_records
group by placed_records.chunk_id, placed_records.record_no
having count(*) > 1;
