-- The event that a record's event_id names, in the shape of a reject's record; null when there is none.
create or replace function ingest.stored_record(record jsonb)
returns jsonb
language plpgsql
stable
as $$
declare
    named_id constant text := ingest.trimmed(record ->> 'event_id');
    stored public.events;
begin
    if ingest.event_id_reason(named_id) is not null then
        return null;
    end if;
    select events.* into stored
    from public.events
    where events.event_id = named_id::uuid;
    if not found then
        return null;
    end if;
    return ingest.record_of(stored);
end
$$;

-- An event as the raw values that would make it. As text, like every body here that names columns of a table: a parsed
-- one would stand in the way of a migration that changes them.
create or replace function ingest.record_of(stored public.events)
returns jsonb
language sql
stable
as $$
select jsonb_build_object(
    'event_id', stored.event_id::text,
    'event_type', stored.event_type,
    'product_id', stored.product_id,
    'user_id', stored.user_id,
    'event_timestamp', stored.event_timestamp::text,
    'quantity', stored.quantity::text,
    'price', stored.price::text
) || coalesce(ingest.attributes_in_record(stored.attributes), '{}'::jsonb)
$$;
