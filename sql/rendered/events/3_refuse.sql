-- Rendered by `bun run sql:render` from src/streams/render/. Change the template, not this file.

-- As ingest.insert_records; what the table refuses is then among rejected_records.
create or replace function ingest.insert_or_refuse()
returns void
language plpgsql
as $$
declare
    moved_before bigint := ingest.moved_rows();
    said_context text;
begin
    begin
        perform ingest.insert_records();
        perform ingest.end_writing(moved_before);
        return;
    exception
        when others or assert_failure then
            get stacked diagnostics said_context = pg_exception_context;
            if not ingest.may_be_of_record(sqlstate, said_context) then
                raise;
            end if;
    end;
    perform ingest.find_refused_records();
    moved_before := ingest.moved_rows();
    perform ingest.insert_records();
    perform ingest.end_writing(moved_before);
end
$$;

-- Whether a record can be why this was raised. Deadlocks, full disks, lost rights to go on and the like are nobody's, unless a
-- trigger says RAISE and takes such a code for itself.
create or replace function ingest.may_be_of_record(sql_state text, said_context text)
returns boolean
language sql
immutable
return left(sql_state, 2) <> all(array['08', '25', '40', '53', '55', '57', '58', 'SL', 'XX'])
or said_context ~ '^(?!PL/pgSQL function ingest\w*\.)[^\n]* RAISE(\n|$)';

-- Call this behind what writes rows. Raises what is deferred (at the commit no record could be told from another), and what
-- a trigger has done to a row that nothing would add up with: then it is named, and its record is refused. `moved_before`:
-- ingest.moved_rows before the write. `is_exchange`: no row was to be inserted.
create or replace function ingest.end_writing(moved_before bigint, is_exchange boolean default false)
returns void
language plpgsql
as $$
declare
    triggers constant text := ingest.triggers_on_table();
    facts constant ingest.event_facts := ingest.event_facts();
    fault text;
begin
    set constraints all immediate;
    if triggers is null then
        return;
    end if;

    select
        case
            when written_rows.told_key is null then 'gave the event another chunk_id or record_no'
            when written_rows.told_key <> written_rows.record_key then 'gave the event another event_id'
            when found.record_key is null then 'removed the event again, or gave it another event_id after it was written'
            when not found.is_as_written then 'changed the event after it was written'
            else 'gave the event what the rules reject: ' || found.broken_columns
        end
    into fault
    from written_rows
    left join ingest.stored_rows(array(select row(written_rows.record_key)::ingest.record_key from written_rows)) as stored
        on stored.event_id = written_rows.record_key
    cross join lateral (
        select
            stored.event_id as record_key,
            (
                stored.chunk_id, stored.record_no, stored.event_type, stored.product_id, stored.event_timestamp,
                stored.quantity, stored.price
            ) is not distinct from (
                written_rows.chunk_id, written_rows.record_no, written_rows.event_type, written_rows.product_id,
                written_rows.event_timestamp, written_rows.quantity, written_rows.price
            ) as is_as_written,
            ingest.broken_columns(stored, facts) as broken_columns
    ) as found
    where
        written_rows.told_key is distinct from found.record_key
        or not found.is_as_written
        or found.broken_columns is not null
    order by written_rows.chunk_id, written_rows.record_no
    limit 1;
    if
        fault is null
        and ingest.moved_rows() - moved_before > (select count(*) filter (where not is_exchange) from written_rows)
    then
        fault := 'inserted or removed other rows of events';
    end if;
    if fault is not null then
        raise exception 'The trigger % %.', triggers, fault using errcode = 'triggered_action_exception';
    end if;
    delete from written_rows;
end
$$;

-- Returns how many rows this transaction has inserted into the table or removed from it, including those that were undone.
create or replace function ingest.moved_rows()
returns bigint
language sql
volatile
as $$
select
    pg_stat_get_xact_tuples_inserted(to_regclass('public.events'))
    + pg_stat_get_xact_tuples_deleted(to_regclass('public.events'))
$$;

-- The triggers that are not Sluice's and see what is written; null when there are none.
create or replace function ingest.triggers_on_table()
returns text
language sql
stable
as $$
select string_agg(distinct quote_ident(pg_trigger.tgname), ' or ')
from pg_trigger
where
    (
        pg_trigger.tgrelid = to_regclass('public.events')
        -- A partition may have triggers of its own.
        or exists (
            select from pg_partition_tree(to_regclass('public.events')) as parts
            where parts.relid = pg_trigger.tgrelid
        )
    )
    and not pg_trigger.tgisinternal
    and pg_trigger.tgenabled in ('O', 'A')
    -- insert, update
    and pg_trigger.tgtype & 20 <> 0
$$;

-- The columns whose values no record may have: a trigger made them so. Null when there are none. Not by the rules, which take
-- text: they cost ten times as much.
create or replace function ingest.broken_columns(stored public.events, facts ingest.event_facts)
returns text
language sql
stable
as $$
select nullif(
    concat_ws(
        ', ',
        case when stored.event_type <> all((facts).known_types) then 'event_type' end,
        case when ingest.trimmed(stored.product_id) is distinct from stored.product_id then 'product_id' end,
        case when ingest.trimmed(stored.user_id) is distinct from stored.user_id then 'user_id' end,
        case when stored.event_timestamp not between '1970-01-01 00:00:00+00' and to_timestamp((facts).last_second) then 'event_timestamp' end,
        case when stored.quantity < 0 then 'quantity' end,
        case when stored.price not between 0 and 99999999.99 then 'price' end,
        case
            when
                jsonb_typeof(stored.attributes) <> 'object'
                or stored.attributes = '{}'
                or jsonb_path_exists(stored.attributes, '$.* ? (@.type() != "string" || @ == "")')
            then 'attributes'
        end
    ),
    ''
)
$$;

-- Finds, by trial, what the table refuses, and keeps it in rejected_records; all else is undone. With `is_exchange` those of
-- losing_records whose values may not take the place of their row's, else the batch's valid records that may not be inserted.
create or replace function ingest.find_refused_records(is_exchange boolean default false)
returns void
language plpgsql
as $$
declare
    refused jsonb[];
begin
    begin
        create temporary table replaced_rows (chunk_id bigint, record_no bigint, record jsonb);
        perform ingest.choose_candidates(is_exchange);
        perform ingest.try_candidates(0, 0, is_exchange);
        refused := ingest.search_candidates(is_exchange);
        raise exception 'a trial' using errcode = 'SL003';
    exception
        when sqlstate 'SL003' then
            null;
    end;

    insert into rejected_records (chunk_id, record_no, refusal)
    select
        (refused_list.refusal ->> 'chunkId')::bigint,
        (refused_list.refusal ->> 'recordNo')::bigint,
        refused_list.refusal - array['chunkId', 'recordNo']
    from unnest(refused) as refused_list (refusal);
end
$$;

-- Makes the temporary table candidate_records of them, by position.
create or replace function ingest.choose_candidates(is_exchange boolean)
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
as $$
declare
    scan constant ingest.merge_scan := ingest.plan_scan();
    facts constant ingest.event_facts := ingest.event_facts();
begin
    create temporary table candidate_records (like losing_records);
    alter table candidate_records add column position bigint;
    create unique index on candidate_records (position);
    if is_exchange then
        -- The last record of each key.
        insert into candidate_records
        select last_records.*, row_number() over (order by chunk_id, record_no)
        from (
            select distinct on (event_id) losing_records.*
            from losing_records
            order by event_id, chunk_id desc, record_no desc
        ) as last_records;
    else
        insert into candidate_records
        select
            valid_records.*,
            row_number() over (order by chunk_id, record_no)
        from ingest.valid_records(scan, facts);
    end if;
end
$$;

-- Returns a refusal for each candidate that the table refuses. They are written in their order, in subtransactions of as many as
-- pass: twice as many after each that does, a quarter after one that raises, down to the record that raises alone. So one
-- among 160,000 costs some twenty trials.
create or replace function ingest.search_candidates(is_exchange boolean)
returns jsonb[]
language plpgsql
as $$
declare
    last_position constant bigint := (select count(*) from candidate_records);
    next_position bigint := 1;
    tried bigint := last_position;
    refused jsonb[] := '{}';
    refusal jsonb;
begin
    while next_position <= last_position loop
        refusal := ingest.try_candidates(
            next_position, least(next_position + tried - 1, last_position), is_exchange
        );
        if refusal is not null and tried > 1 then
            tried := tried / 4 + 1;
            continue;
        end if;
        -- Somebody else's insert of the same key in this very moment: seen by now, it is taken.
        if refusal ->> 'sqlState' = '23505' then
            refusal := ingest.try_candidates(next_position, next_position, is_exchange);
        end if;
        if refusal is not null then
            refused := array_append(refused, refusal);
        end if;
        next_position := next_position + tried;
        tried := case when refusal is null then tried * 2 else 1 end;
    end loop;
    return refused;
end
$$;

-- Inserts the candidates of these positions, those whose key is free; returns how many a trigger left out.
create or replace function ingest.insert_candidates(first_position bigint, last_position bigint)
returns bigint
language plpgsql
set enable_seqscan = off
as $$
declare
    left_out bigint;
begin
    with tried_records as materialized (
        select distinct on (candidate_records.event_id) candidate_records.*
        from candidate_records
        left join ingest.known_keys(
            array(select row(candidate_records.event_id)::ingest.record_key from candidate_records where candidate_records.position between first_position and last_position)
        ) as known_keys on known_keys.event_id = candidate_records.event_id
        where
            candidate_records.position between first_position and last_position
            and known_keys.event_id is null
        order by candidate_records.event_id, candidate_records.position
    ),
    inserted_rows as (
        insert into public.events (
            event_id, event_type, product_id, user_id, event_timestamp, quantity, price, attributes, chunk_id,
            record_no
        )
        select
            tried_records.event_id, tried_records.event_type, tried_records.product_id, tried_records.user_id,
            tried_records.event_timestamp, tried_records.quantity, tried_records.price, tried_records.attributes,
            tried_records.chunk_id, tried_records.record_no
        from tried_records
        returning
            events.event_id, events.chunk_id, events.record_no, events.event_type, events.product_id,
            events.event_timestamp, events.quantity, events.price
    ),
    watched_rows as (
        insert into written_rows
        select tried_records.event_id, inserted_rows.*
        from inserted_rows
        left join tried_records
            on tried_records.chunk_id = inserted_rows.chunk_id and tried_records.record_no = inserted_rows.record_no
    )
    select (select count(*) from tried_records) - (select count(*) from inserted_rows)
    into left_out;
    return left_out;
end
$$;

-- Writes, or tries to, the candidates of these positions. Null, or what the table said: then none of them.
-- Raises what is no record's fault: what makes even a statement of no row fail (positions 0 to 0), a column that must be filled
-- and is not Sluice's or that has become too narrow, row security. The ingest says so and waits until somebody has undone it.
create or replace function ingest.try_candidates(first_position bigint, last_position bigint, is_exchange boolean)
returns jsonb
language plpgsql
as $$
declare
    moved_before constant bigint := ingest.moved_rows();
    left_out bigint;
    said_message text;
    said_detail text;
    said_constraint text;
    said_table text;
    said_column text;
    said_context text;
begin
    left_out := case
        when is_exchange then ingest.exchange_rows(first_position, last_position)
        else ingest.insert_candidates(first_position, last_position)
    end;
    if left_out > 0 then
        raise exception '%', ingest.silent_refusal() ->> 'message' using errcode = 'triggered_action_exception';
    end if;
    perform ingest.end_writing(moved_before, is_exchange);
    return null;
exception
    when others or assert_failure then
        get stacked diagnostics
            said_message = message_text,
            said_detail = pg_exception_detail,
            said_constraint = constraint_name,
            said_table = table_name,
            said_column = column_name,
            said_context = pg_exception_context;
        -- Only what a trigger adds: a statement that does not fit its table is raised in our own function.
        said_context := regexp_replace(
            said_context,
            '\s*(SQL statement "(with tried_records|set constraints)|^PL/pgSQL function ingest\w*\.).*$',
            ''
        );
        if said_context = '' and sqlstate in ('22001', '22003') then
            -- A valid record fits the columns that Sluice made: this raises where somebody has made one narrower.
            perform jsonb_populate_record(null::public.events, to_jsonb(candidate_records))
            from candidate_records
            where candidate_records.position between first_position and last_position;
        end if;
        if
            not ingest.may_be_of_record(sqlstate, said_context)
            or (first_position = 0 and said_context = '' and sqlstate like '42%')
            or (sqlstate = '23502' and said_column <> all(ingest.filled_columns()))
            or row_security_active('public.events')
        then
            raise;
        end if;
        if first_position = 0 then
            raise exception 'the table % takes no row: % (%)', 'events', said_message, concat_ws(' ', sqlstate, said_context)
            using errcode = 'SL010';
        end if;
        return (
            select jsonb_strip_nulls(jsonb_build_object(
                'chunkId', max(candidate_records.chunk_id),
                'recordNo', max(candidate_records.record_no),
                'sqlState', nullif(sqlstate, '09000'),
                'message', left(said_message, 1000) || case
                    -- Its own was free.
                    when said_constraint = 'events_pkey' and said_detail not like '%' || max(candidate_records.event_id::text) || '%'
                    then concat('. The trigger ', ingest.triggers_on_table(), ' gave the event another event_id.')
                    else ''
                end,
                'detail', nullif(left(said_detail, 1000), ''),
                'constraint', nullif(said_constraint, ''),
                'table', nullif(said_table, ''),
                -- The part before our own statement: the trigger, and what it called.
                'raisedIn', case when sqlstate <> '09000' then nullif(left(said_context, 1000), '') end
            ))
            from candidate_records
            where candidate_records.position = first_position
        );
end
$$;

-- The columns of the table that the merge fills, or Postgres for it.
create or replace function ingest.filled_columns()
returns text[]
language sql
immutable
return array[
    'event_id', 'event_type', 'product_id', 'user_id', 'event_timestamp', 'quantity', 'price',
    'attributes', 'chunk_id', 'record_no', 'created_at'
];

-- Raises SL010 unless some index keeps the key unique: without one a record could become two rows.
create or replace function ingest.require_key()
returns void
language plpgsql
as $$
begin
    if
        -- A table of other columns is left to the insert, which says what is missing.
        (
            select count(*)
            from pg_attribute
            where
                pg_attribute.attrelid = to_regclass('public.events')
                and pg_attribute.attname = any(ingest.filled_columns())
        ) = cardinality(ingest.filled_columns())
        and not exists (
            select from pg_index
            where
                pg_index.indrelid = to_regclass('public.events')
                and pg_index.indisunique
                and pg_index.indisvalid
                and pg_index.indnkeyatts = 1
                and pg_index.indpred is null
                and pg_index.indexprs is null
                and not exists (
                    select from unnest(array['event_id']) as wanted_keys (name)
                    where not exists (
                        select from pg_attribute
                        where
                            pg_attribute.attrelid = pg_index.indrelid
                            and pg_attribute.attname = wanted_keys.name
                            and pg_attribute.attnum = any((pg_index.indkey::smallint[])[0:pg_index.indnkeyatts - 1])
                    )
                )
        )
    then
        raise exception 'the table events has no primary key (event_id): alter table events add primary key (event_id)'
        using errcode = 'SL010';
    end if;
end
$$;

-- Stands beside a reject when the table did not say why.
create or replace function ingest.silent_refusal()
returns jsonb
language sql
immutable
return jsonb_build_object(
    'message', 'A trigger on events left the record out without an error (or its event was deleted in that moment).'
);
