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
        -- What is deferred would raise at the commit, where no record can be told from another.
        set constraints all immediate;
        return rollups;
    exception
        when others or assert_failure then
            if not ingest.may_be_of_record(sqlstate) then
                raise;
            end if;
    end;
    perform ingest.find_refused_records();
    rollups := ingest.insert_records();
    set constraints all immediate;
    return rollups;
end
$$;

-- Whether a record can be why this was raised. Deadlocks, full disks, lost rights to go on and the like are nobody's.
create or replace function ingest.may_be_of_record(sql_state text)
returns boolean
language sql
immutable
return left(sql_state, 2) <> all(array['08', '25', '40', '53', '55', '57', '58', 'SL', 'XX']);

-- Fills refused_records. Inserts the batch's valid records in their order, in subtransactions of as many as pass: twice as
-- many after each that does, a quarter after one that raises, down to the record that raises alone. So one among 160,000
-- costs some twenty trials. All of it is undone: the merge itself inserts what is left.
create or replace function ingest.find_refused_records()
returns void
language plpgsql
as $$
declare
    refused jsonb[] := '{}';
    refusal jsonb;
    next_position bigint := 1;
    last_position bigint;
    tried bigint;
begin
    begin
        create temporary table candidate_records (like losing_records);
        alter table candidate_records add column position bigint;
        create unique index on candidate_records (position);
        perform ingest.try_candidates(0, 0);
        perform ingest.insert_records(is_trial => true);
        insert into candidate_records
        select
            losing_records.*,
            row_number() over (order by losing_records.chunk_id, losing_records.record_no)
        from losing_records;

        last_position := (select count(*) from candidate_records);
        tried := last_position;
        while next_position <= last_position loop
            refusal := ingest.try_candidates(next_position, least(next_position + tried - 1, last_position));
            if refusal is not null and tried > 1 then
                tried := tried / 4 + 1;
                continue;
            end if;
            -- Somebody else's insert of the same event_id in this very moment: seen by now, it is taken.
            if refusal ->> 'sqlState' = '23505' then
                refusal := ingest.try_candidates(next_position, next_position);
            end if;
            if refusal is not null then
                refused := array_append(refused, refusal);
            end if;
            next_position := next_position + tried;
            tried := case when refusal is null then tried * 2 else 1 end;
        end loop;
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

-- Inserts the candidates of these positions, those whose event_id is free. Null, or what the table said: then none of them.
-- Raises what is no record's fault: what makes even an insert of no row fail (positions 0 to 0), a column that must be filled
-- and is not Sluice's or that has become too narrow, row security. The ingest says so and waits until somebody has undone it.
create or replace function ingest.try_candidates(first_position bigint, last_position bigint)
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
    with free_records as materialized (
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
        select free_records.*
        from free_records
        returning events.event_id
    )
    select (select count(*) from free_records) - (select count(*) from inserted_events)
    into left_out;
    set constraints all immediate;
    if left_out > 0 then
        raise exception '%', ingest.silent_refusal() ->> 'message' using errcode = 'triggered_action_exception';
    end if;
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
        -- Only what a trigger adds: a statement that does not fit its table is raised in this function.
        said_context := regexp_replace(
            split_part(said_context, 'SQL statement "with free_records', 1),
            '^PL/pgSQL function ingest\.try_candidates.*$',
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
                'message', left(said_message, 1000),
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
create or replace function ingest.drop_still_refused(this_load_id bigint)
returns void
language plpgsql
as $$
begin
    perform ingest.choose_replayed_chunks(this_load_id);
    perform ingest.count_records();
    perform ingest.find_refused_records();

    delete from replayed_rejects
    using refused_records
    where
        replayed_rejects.chunk_id = refused_records.chunk_id
        and replayed_rejects.record_no = refused_records.record_no
        and replayed_rejects.reasons = array['refused_by_table'];
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
