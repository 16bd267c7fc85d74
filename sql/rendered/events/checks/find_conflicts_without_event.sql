-- For every conflict there is the event that it conflicts with, or conflicted with before an edit.
with
    conflicting_keys as (
        select
            rejects.reject_id,
            rejects.chunk_id,
            rejects.record_no,
            lower(btrim(coalesce(rejects.original_record, rejects.record) ->> 'event_id', E' \t\n\r\f\x0b'))
                as key_text
        from ingest.rejects
        where rejects.kind = 'conflict' and rejects.stream_id = 0
    ),

    -- The text decides before the cast runs: a record that was tampered with is a row here, not an error.
    cast_keys as (
        select
            conflicting_keys.*,
            case
                when ingest.input_is_valid(conflicting_keys.key_text, 'uuid')
                    then conflicting_keys.key_text::uuid
            end as key
        from conflicting_keys
    )

select
    cast_keys.reject_id,
    cast_keys.chunk_id,
    cast_keys.record_no,
    cast_keys.key_text as event_id
from cast_keys
left join public.events on cast_keys.key = events.event_id
where events.event_id is null;
