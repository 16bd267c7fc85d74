-- Every conflict has the event that it is, or was before somebody edited it, in conflict with.
with
    conflicting_ids as (
        select
            rejects.reject_id,
            rejects.chunk_id,
            rejects.record_no,
            lower(btrim(coalesce(rejects.original_record, rejects.record) ->> 'event_id', E' \t\n\r\f\x0b'))
                as event_id_text
        from ingest.rejects
        where rejects.kind = 'conflict' and rejects.stream_id = 0
    ),

    -- The text decides before the cast runs: a record that was tampered with is a row here, not an error.
    cast_ids as (
        select
            conflicting_ids.*,
            case
                when conflicting_ids.event_id_text ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                    then conflicting_ids.event_id_text::uuid
            end as event_id
        from conflicting_ids
    )

select
    cast_ids.reject_id,
    cast_ids.chunk_id,
    cast_ids.record_no,
    cast_ids.event_id_text as event_id
from cast_ids
left join public.events on cast_ids.event_id = events.event_id
where events.event_id is null;
