-- The rules of an event record, one function a column: null when the value passes, else the code of the first reason.
-- Every value comes in trimmed, empty as null. These are the only form of the rules: the merge's verdict is that all
-- of them are null, a reject's reasons are those that are not. Each is one expression, so that the planner inlines it
-- (a call a row costs 19 s a million, inlined 2 s), and casts stand behind CASE, so that they only see what passed.
-- The merge leaves them out for records that src/engine/read/is-plain.ts calls plain: a rule that rejects one must be known there.

-- ASCII white space at both ends does not count; what is empty then is null.
create or replace function ingest.trimmed(value text)
returns text
language sql
immutable
parallel safe
return nullif(btrim(value, E' \t\n\r\f\x0b'), '');

-- A value as the rules take it. Those of a chunk that is not padded are so already: its loader has looked (chunks.is_padded).
create or replace function ingest.bare(value text, is_padded boolean)
returns text
language sql
immutable
parallel safe
return case when is_padded then ingest.trimmed(value) else value end;

-- The dashed form, any case. The cast alone would take {braces} and undashed ids too.
create or replace function ingest.event_id_reason(value text)
returns text
language sql
stable
parallel safe
return case
    when value is null then 'event_id_missing'
    when (
        value like '________-____-____-____-____________'
        and ingest.input_is_valid(value, 'uuid')
    ) is not true then 'event_id_invalid'
end;

create or replace function ingest.event_type_reason(value text, known_types text[])
returns text
language sql
immutable
parallel safe
return case
    when value is null then 'event_type_missing'
    when value <> all(known_types) then 'event_type_unknown'
end;

create or replace function ingest.product_id_reason(value text)
returns text
language sql
immutable
parallel safe
return case
    when value is null then 'product_id_missing'
    -- Characters are counted only where there are bytes enough: to count them costs ten times as much.
    when octet_length(value) > 100 and length(value) > 100 then 'product_id_too_long'
end;

create or replace function ingest.user_id_reason(value text)
returns text
language sql
immutable
parallel safe
return case
    when value is null then 'user_id_missing'
    when octet_length(value) > 100 and length(value) > 100 then 'user_id_too_long'
end;

-- YYYY-MM-DD, T or space, HH:MM:SS, up to six decimals that matter, then nothing (UTC), Z or ±HH[[:]MM]. The first nineteen
-- characters must be what Postgres itself writes for the moment it reads in them: that leaves out 24:00:00 and :60
-- (which it carries over), short years and whatever else it is lenient about, and costs a third of checking the shape
-- by position. What follows them is checked by shape, or "epoch", "PM" and "America/New_York" would pass.
--
-- `not_after` is a moment as latest_event_timestamp tells it: for the commonest form both are compared as text, which
-- costs a quarter of another cast.
create or replace function ingest.event_timestamp_reason(value text, not_after text)
returns text
language sql
stable
parallel safe
return case
    when value is null then 'event_timestamp_missing'
    when (
        case
            when value like '____-__-__ __:__:__' then
                case
                    when ingest.input_is_valid(value, 'timestamp') then value::timestamp::text = value
                end
            when value like '____-__-__ __:__:__%' or value like '____-__-__T__:__:__%' then
                case
                    when ingest.input_is_valid(overlay(left(value, 19) placing ' ' from 11), 'timestamp') then
                        overlay(left(value, 19) placing ' ' from 11)::timestamp::text
                        = overlay(left(value, 19) placing ' ' from 11)
                        and substr(value, 20) ~ '^(\.[0-9]+)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?$'
                        and ingest.input_is_valid(value, 'timestamptz')
                end
        end
    ) is not true then
        -- src/streams/values/read-timestamp.ts adds these remarks to a time in a named zone.
        case
            when value like '% (twice in %)' then 'event_timestamp_ambiguous'
            when value like '% (skipped in %)' then 'event_timestamp_skipped'
            else 'event_timestamp_invalid'
        end
    -- Postgres would round a seventh decimal in silence.
    when octet_length(value) > 26 and substr(value, 20) ~ '^\.[0-9]{6}[0-9]*[1-9]' then 'event_timestamp_too_precise'
    -- By the moment, which is only asked for where an offset could carry it into 1970 or out of it.
    when
        value < '1970-01-02' collate "C"
        and value::timestamptz < '1970-01-01 00:00:00+00'::timestamptz
    then 'event_timestamp_too_early'
    when
        case
            when value like '____-__-__ __:__:__' then value > not_after collate "C"
            else value::timestamptz > not_after::timestamptz
        end
    then 'event_timestamp_in_future'
end;

create or replace function ingest.quantity_reason(value text)
returns text
language sql
immutable
parallel safe
return case
    when value is null then null
    -- One digit is what most quantities are, and to translate it costs four times as much.
    when octet_length(value) = 1 and value collate "C" between '0' and '9' then null
    when translate(value, '0123456789', '') <> '' then
        case
            -- Zero is not negative.
            when value ~ '^-0+$' then null
            when value ~ '^-[0-9]+$' then 'quantity_negative'
            else 'quantity_invalid'
        end
    when length(ltrim(value, '0')) > 10 then 'quantity_out_of_range'
    when value::bigint > 2147483647 then 'quantity_out_of_range'
end;

-- At most two decimals that matter: numeric(10,2) would round a third in silence.
create or replace function ingest.price_reason(value text)
returns text
language sql
immutable
parallel safe
return case
    when value is null then null
    when octet_length(value) = 1 and value collate "C" between '0' and '9' then null
    when
        translate(value, '0123456789', '') not in ('', '.')
        or value like '.%'
        or value like '%.'
    then
        case
            -- Zero is not negative; numeric takes so many characters, however many of them are zeros.
            when value ~ '^-0+(\.0+)?$' and length(value) <= 16383 then null
            when value ~ '^-[0-9]+(\.[0-9]+)?$' then 'price_negative'
            else 'price_invalid'
        end
    when
        length(rtrim(split_part(value, '.', 2), '0')) > 2
        -- As many as numeric can take; the cast raises at one more, were they all zeros.
        or (length(value) > 16383 and length(split_part(value, '.', 2)) > 16383)
    then 'price_too_precise'
    when length(ltrim(split_part(value, '.', 1), '0')) > 8 then 'price_out_of_range'
end;

-- Unknown columns become one JSON object; empty values are left out, and an empty object is null.
create or replace function ingest.extras_of(attributes_json text, extra_columns text[], extra_values text[])
returns jsonb
language sql
immutable
parallel safe
return case
    when attributes_json is not null then
        nullif(jsonb_strip_nulls(attributes_json::jsonb), '{}'::jsonb)
    when extra_columns is not null then
        nullif(
            jsonb_strip_nulls(jsonb_object(extra_columns, extra_values[1:cardinality(extra_columns)])),
            '{}'::jsonb
        )
end;

-- How far after the database's now() an event may lie: clocks differ, but not by days. In UTC, to the second, as the
-- commonest form of a timestamp is written.
create or replace function ingest.latest_event_timestamp()
returns text
language sql
stable
parallel safe
return to_char((now() + interval '1 day') at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS');

-- The verdict on a record depends on its values and on these.
drop type if exists ingest.event_facts;
create type ingest.event_facts as (known_types text[], not_after text, last_second bigint);

create or replace function ingest.event_facts()
returns ingest.event_facts
language plpgsql
stable
as $$
declare
    not_after constant text := ingest.latest_event_timestamp();
begin
    return (
        array(select event_types.event_type::text from ingest.event_types),
        not_after,
        extract(epoch from not_after::timestamptz)::bigint
    )::ingest.event_facts;
end
$$;

insert into ingest.event_types (event_type)
values ('view'), ('add_to_cart'), ('remove_from_cart'), ('purchase')
on conflict (event_type) do nothing;
