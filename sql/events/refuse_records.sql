-- A record that passes the rules and that the table refuses all the same: by a constraint, a unique index, a foreign key, a
-- domain or a trigger that somebody added to it. The merge inserts as ever; when that raises, the records at fault are found
-- by trial, and the merge goes on without them: each becomes a reject (refused_by_table) with what the table said of it.

-- As ingest.insert_records; and refused_records then holds what the table refuses.
create or replace function ingest.insert_or_refuse()
returns ingest.event_stats[]
language plpgsql
as $$
declare
    rollups ingest.event_stats[];
begin
    begin
        rollups := ingest.insert_records();
        perform ingest.end_writing();
        return rollups;
    exception
        when others or assert_failure then
            if not ingest.may_be_of_record(sqlstate) then
                raise;
            end if;
    end;
    perform ingest.find_refused_records();
    rollups := ingest.insert_records();
    perform ingest.end_writing();
    return rollups;
end
$$;

-- Call this behind what writes events. Raises what is deferred (at the commit no record could be told from another), and what
-- a trigger has done to an event that nothing would add up with: then it is named, and its record is refused.
create or replace function ingest.end_writing()
returns void
language plpgsql
as $$
declare
    triggers constant text := ingest.triggers_on_events();
    known_types constant text[] := array(select event_types.event_type from ingest.event_types);
    not_after constant timestamptz := ingest.latest_event_timestamp()::timestamptz;
    fault text;
begin
    set constraints all immediate;
    if triggers is null then
        return;
    end if;

    select
        case
            when written_events.told_event_id is null then 'gave the event another chunk_id or record_no'
            when written_events.told_event_id <> written_events.event_id then 'gave the event another event_id'
            when stored.event_id is null then 'removed the event again, or gave it another event_id after it was written'
            when not stored.is_as_written then 'changed the event after it was written'
            else 'gave the event what the rules reject: ' || stored.broken_columns
        end
    into fault
    from written_events
    -- Fenced, so that it is a look-up a record and never a scan of the table.
    left join lateral (
        select
            events.event_id,
            (
                events.chunk_id, events.record_no, events.event_type, events.product_id, events.event_timestamp,
                events.quantity, events.price
            ) is not distinct from (
                written_events.chunk_id, written_events.record_no, written_events.event_type, written_events.product_id,
                written_events.event_timestamp, written_events.quantity, written_events.price
            ) as is_as_written,
            ingest.broken_columns(events, known_types, not_after) as broken_columns
        from public.events
        where events.event_id = written_events.event_id
        offset 0
    ) as stored on true
    where
        written_events.told_event_id is distinct from stored.event_id
        or not stored.is_as_written
        or stored.broken_columns is not null
    order by written_events.chunk_id, written_events.record_no
    limit 1;
    if found then
        raise exception 'The trigger % %.', triggers, fault using errcode = 'triggered_action_exception';
    end if;
    delete from written_events;
end
$$;

-- The triggers that are not Sluice's and see what is written; null when there are none.
create or replace function ingest.triggers_on_events()
returns text
language sql
stable
as $$
select string_agg(quote_ident(pg_trigger.tgname), ' or ' order by pg_trigger.tgname)
from pg_trigger
where
    pg_trigger.tgrelid = to_regclass('public.events')
    and not pg_trigger.tgisinternal
    and pg_trigger.tgenabled in ('O', 'A')
    -- insert, update
    and pg_trigger.tgtype & 20 <> 0
$$;

-- The columns whose values no record may have: a trigger made them so. Null when there are none. Not by the rules, which take text:
-- they cost ten times as much. As text, like every body here that names columns of a table.
create or replace function ingest.broken_columns(stored public.events, known_types text[], not_after timestamptz)
returns text
language sql
stable
as $$
select nullif(
    concat_ws(
        ', ',
        case when stored.event_type <> all(known_types) then 'event_type' end,
        case when ingest.trimmed(stored.product_id) is distinct from stored.product_id then 'product_id' end,
        case when ingest.trimmed(stored.user_id) is distinct from stored.user_id then 'user_id' end,
        case when stored.event_timestamp not between '1970-01-01 00:00:00+00' and not_after then 'event_timestamp' end,
        case when stored.quantity < 0 then 'quantity' end,
        -- NaN is greater than every number.
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

-- Whether a record can be why this was raised. Deadlocks, full disks, lost rights to go on and the like are nobody's.
create or replace function ingest.may_be_of_record(sql_state text)
returns boolean
language sql
immutable
return left(sql_state, 2) <> all(array['08', '25', '40', '53', '55', '57', '58', 'SL', 'XX']);

-- Fills refused_records, by trial; all of it is undone. With `is_exchange` those of losing_records whose values may not take
-- the place of their event's, else the batch's valid records that may not be inserted.
create or replace function ingest.find_refused_records(is_exchange boolean default false)
returns void
language plpgsql
as $$
declare
    refused jsonb[];
begin
    begin
        create temporary table candidate_records (like losing_records);
        alter table candidate_records add column position bigint;
        create unique index on candidate_records (position);
        perform ingest.try_candidates(0, 0, is_exchange);
        if not is_exchange then
            perform ingest.insert_records(is_trial => true);
        end if;
        -- Of several records of an id, the last one is exchanged.
        with ranked_records as (
            select
                losing_records.*,
                row_number() over (
                    partition by losing_records.event_id
                    order by losing_records.chunk_id desc, losing_records.record_no desc
                ) as recency
            from losing_records
        )
        insert into candidate_records
        select
            ranked_records.load_id,
            ranked_records.chunk_id,
            ranked_records.record_no,
            ranked_records.event_id,
            ranked_records.event_type,
            ranked_records.product_id,
            ranked_records.user_id,
            ranked_records.event_timestamp,
            ranked_records.quantity,
            ranked_records.price,
            ranked_records.attributes,
            row_number() over (order by ranked_records.chunk_id, ranked_records.record_no)
        from ranked_records
        where not is_exchange or ranked_records.recency = 1;
        refused := ingest.search_candidates(is_exchange);
        raise exception 'a trial' using errcode = 'SL003';
    exception
        when sqlstate 'SL003' then
            null;
    end;

    insert into refused_records (chunk_id, record_no, refusal)
    select
        (refused_list.refusal ->> 'chunkId')::bigint,
        (refused_list.refusal ->> 'recordNo')::bigint,
        refused_list.refusal - array['chunkId', 'recordNo']
    from unnest(refused) as refused_list (refusal);
end
$$;

-- What the table says of each candidate that it refuses. They are written in their order, in subtransactions of as many as
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
        -- Somebody else's insert of the same event_id in this very moment: seen by now, it is taken.
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

-- Inserts the candidates of these positions, those whose event_id is free; returns how many a trigger left out.
create or replace function ingest.insert_candidates(first_position bigint, last_position bigint)
returns bigint
language plpgsql
as $$
declare
    left_out bigint;
begin
    with tried_records as materialized (
        select distinct on (candidate_records.event_id)
            candidate_records.event_id,
            candidate_records.event_type,
            candidate_records.product_id,
            candidate_records.user_id,
            candidate_records.event_timestamp,
            candidate_records.quantity,
            candidate_records.price,
            candidate_records.attributes,
            candidate_records.chunk_id,
            candidate_records.record_no
        from candidate_records
        where
            candidate_records.position between first_position and last_position
            and (
                select true
                from public.events
                where events.event_id = candidate_records.event_id
            ) is null
        order by candidate_records.event_id, candidate_records.position
    ),
    inserted_events as (
        insert into public.events (
            event_id, event_type, product_id, user_id, event_timestamp, quantity, price, attributes,
            chunk_id, record_no
        )
        select tried_records.*
        from tried_records
        returning events.*
    ),
    watched_events as (
        insert into written_events
        select
            tried_records.event_id,
            inserted_events.event_id,
            inserted_events.chunk_id,
            inserted_events.record_no,
            inserted_events.event_type,
            inserted_events.product_id,
            inserted_events.event_timestamp,
            inserted_events.quantity,
            inserted_events.price
        from inserted_events
        left join tried_records
            on tried_records.chunk_id = inserted_events.chunk_id and tried_records.record_no = inserted_events.record_no
    )
    select (select count(*) from tried_records) - (select count(*) from inserted_events)
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
    left_out bigint;
    said_message text;
    said_detail text;
    said_constraint text;
    said_table text;
    said_column text;
    said_context text;
begin
    left_out := case
        when is_exchange then ingest.exchange_candidates(first_position, last_position)
        else ingest.insert_candidates(first_position, last_position)
    end;
    if left_out > 0 then
        raise exception '%', ingest.silent_refusal() ->> 'message' using errcode = 'triggered_action_exception';
    end if;
    perform ingest.end_writing();
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
            '(SQL statement "(with tried_records|set constraints)|^PL/pgSQL function ingest\.).*$',
            ''
        );
        if
            not ingest.may_be_of_record(sqlstate)
            or (first_position = 0 and said_context = '' and sqlstate like '42%')
            -- What passes the rules fits the columns that Sluice made: somebody has made one narrower.
            or (said_context = '' and sqlstate in ('22001', '22003'))
            or (sqlstate = '23502' and said_column <> all(ingest.filled_columns()))
            or row_security_active('public.events')
        then
            raise;
        end if;
        if first_position = 0 then
            raise exception 'the table events takes no row: % (%)', said_message, concat_ws(' ', sqlstate, said_context)
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
                    then concat('. The trigger ', ingest.triggers_on_events(), ' gave the event another event_id.')
                    else ''
                end,
                'detail', nullif(left(said_detail, 1000), ''),
                'constraint', nullif(said_constraint, ''),
                'table', nullif(said_table, ''),
                -- What comes before our own statement: the trigger, and what it called.
                'raisedIn', case when sqlstate <> '09000' then nullif(left(said_context, 1000), '') end
            ))
            from candidate_records
            where candidate_records.position = first_position
        );
end
$$;

-- The columns of events that the merge fills, or Postgres for it.
create or replace function ingest.filled_columns()
returns text[]
language sql
immutable
return array[
    'event_id', 'event_type', 'product_id', 'user_id', 'event_timestamp', 'quantity', 'price', 'attributes',
    'created_at', 'chunk_id', 'record_no'
];

-- Of the rejects that are to be replayed, leaves out those that the table refused before and refuses still.
create or replace function ingest.drop_still_refused(this_load_id bigint, accept_conflicts boolean)
returns void
language plpgsql
as $$
begin
    perform ingest.choose_replayed_chunks(this_load_id);
    perform ingest.count_records();
    perform ingest.find_refused_records();
    if accept_conflicts then
        perform ingest.insert_records(is_trial => true);
        loop
            perform ingest.find_refused_records(is_exchange => true);
            delete from losing_records
            using refused_records
            where
                losing_records.chunk_id = refused_records.chunk_id
                and losing_records.record_no = refused_records.record_no;
            exit when not found;
        end loop;
        delete from losing_records;
        delete from invalid_records;
    end if;

    delete from replayed_rejects
    using refused_records, ingest.rejects
    where
        replayed_rejects.chunk_id = refused_records.chunk_id
        and replayed_rejects.record_no = refused_records.record_no
        and rejects.reject_id = replayed_rejects.reject_id
        and rejects.refusal is not null
        and (rejects.kind = 'conflict' or rejects.reasons = array['refused_by_table']);
    delete from ingest.staging
    where
        staging.load_id = this_load_id
        and not exists (
            select from replayed_rejects
            where
                replayed_rejects.chunk_id = staging.chunk_id
                and replayed_rejects.record_no = staging.record_no
        );
    delete from batch_chunks;
    delete from refused_records;
end
$$;

-- Raises SL010 unless some index keeps event_id unique: without one a record could become two events.
create or replace function ingest.require_key()
returns void
language plpgsql
as $$
begin
    if
        -- Of another table the insert says what is missing.
        (
            select count(*)
            from pg_attribute
            where
                pg_attribute.attrelid = to_regclass('public.events')
                and pg_attribute.attname = any(ingest.filled_columns())
        ) = cardinality(ingest.filled_columns())
        and not exists (
            select from pg_index
            inner join pg_attribute
                on pg_attribute.attrelid = pg_index.indrelid and pg_attribute.attnum = pg_index.indkey[0]
            where
                pg_index.indrelid = to_regclass('public.events')
                and pg_index.indisunique
                and pg_index.indisvalid
                and pg_index.indnkeyatts = 1
                and pg_index.indpred is null
                and pg_attribute.attname = 'event_id'
        )
    then
        raise exception 'the table events has no primary key (event_id): alter table events add primary key (event_id)'
        using errcode = 'SL010';
    end if;
end
$$;
