-- No event breaks a rule. (This query is written from the rules, not from the merge, so it finds events that the merge let
-- in by mistake.)
with
    known_types as (
        select array_agg(event_types.event_type) as names
        from ingest.event_types
    ),

    -- White space with \x0b, because before PostgreSQL 16 '\v' is the letter v.
    judged_events as (
        select
            events.event_id,
            events.chunk_id,
            events.record_no,
            array_remove(
                array[
                    case
                        when (events.event_type = any(known_types.names)) is not true
                            then 'event_type is not a known type'
                    end,
                    case
                        when (
                            length(events.product_id) between 1 and 100
                            and events.product_id = btrim(events.product_id, E' \t\n\r\f\x0b')
                        ) is not true then 'product_id is empty, untrimmed or longer than 100 characters'
                    end,
                    case
                        when (
                            length(events.user_id) between 1 and 100
                            and events.user_id = btrim(events.user_id, E' \t\n\r\f\x0b')
                        ) is not true then 'user_id is empty, untrimmed or longer than 100 characters'
                    end,
                    case
                        -- created_at is the now() of the merge that judged it; infinity is later than any.
                        when (
                            events.event_timestamp >= timestamptz '1970-01-01 00:00:00+00'
                            and events.event_timestamp <= events.created_at + interval '1 day'
                        ) is not true then 'event_timestamp is before 1970 or more than a day ahead of its insertion'
                    end,
                    case when events.quantity < 0 then 'quantity is negative' end,
                    -- NaN is greater than every number.
                    case when events.price not between 0 and 99999999.99 then 'price is out of range' end,
                    case
                        when
                            events.attributes is not null
                            and (
                                jsonb_typeof(events.attributes) = 'object'
                                and events.attributes <> '{}'
                                and not jsonb_path_exists(events.attributes, '$.* ? (@.type() != "string" || @ == "")')
                            ) is not true
                            then 'attributes is not an object of non-empty texts'
                    end
                ],
                null
            ) as broken_rules
        from public.events
        cross join known_types
    )

select
    judged_events.event_id,
    judged_events.chunk_id,
    judged_events.record_no,
    judged_events.broken_rules
from judged_events
where judged_events.broken_rules <> '{}';
