-- Rendered by `bun run sql:render` from src/streams/render/. Change the template, not this file.

-- A row as the raw values that would make it. As text, like every body that names columns of a table: a parsed one would
-- stand in the way of a migration that changes them.
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
) || coalesce(ingest.extras_in_record(stored.attributes), '{}'::jsonb)
$$;

-- The row that a record's key names, in the shape of a reject's record; null when there is none.
create or replace function ingest.stored_record(record jsonb)
returns jsonb
language plpgsql
stable
as $$
declare
    named_key constant text := ingest.trimmed(record ->> 'event_id');
    stored public.events;
begin
    if ingest.event_id_reason(named_key) is not null then
        return null;
    end if;
    select events.* into stored
    from public.events
    where events.event_id = named_key::uuid;
    if not found then
        return null;
    end if;
    return ingest.record_of(stored);
end
$$;

-- Unknown columns are those of parsed records: the text of one JSON object.
create or replace function ingest.stage_rejects(this_load_id bigint)
returns void
language plpgsql
as $$
begin
    insert into ingest.staging (
        load_id, chunk_id, record_no, slice_no,
        event_id, event_type, product_id, user_id, event_timestamp, quantity, price, attributes
    )
    select
        this_load_id,
        replayed_rejects.chunk_id,
        replayed_rejects.record_no,
        0,
        replayed_rejects.record ->> 'event_id',
        replayed_rejects.record ->> 'event_type',
        replayed_rejects.record ->> 'product_id',
        replayed_rejects.record ->> 'user_id',
        replayed_rejects.record ->> 'event_timestamp',
        replayed_rejects.record ->> 'quantity',
        replayed_rejects.record ->> 'price',
        ingest.extras_of_record(replayed_rejects.record)
    from replayed_rejects;
end
$$;

-- Leaves only the rejects whose verdict would be another one today: a rejected record that passes or fails for other
-- reasons; a conflict that was edited, or is what is stored by now, or any conflict when they are accepted.
create or replace function ingest.drop_unchanged_rejects(this_load_id bigint, accept_conflicts boolean)
returns void
language plpgsql
as $$
declare
    facts constant ingest.event_facts := ingest.event_facts();
begin
    with judged_rejects as materialized (
        select
            replayed_rejects.reject_id,
            replayed_rejects.kind,
            replayed_rejects.reasons as reasons_then,
            ingest.reject_reasons(staging, true, facts) as reasons_now,
            staging.*
        from replayed_rejects
        inner join ingest.staging
            on
                staging.load_id = this_load_id
                and staging.chunk_id = replayed_rejects.chunk_id
                and staging.record_no = replayed_rejects.record_no
    ),
    valid_conflicts as materialized (
        select judged_rejects.*
        from judged_rejects
        where judged_rejects.kind = 'conflict' and judged_rejects.reasons_now = '{}' and not accept_conflicts
    ),
    cast_conflicts as materialized (
        select
            valid_conflicts.reject_id,
            ingest.trimmed(valid_conflicts.event_id)::uuid as event_id,
            ingest.trimmed(valid_conflicts.event_type) as event_type,
            ingest.trimmed(valid_conflicts.product_id) as product_id,
            ingest.trimmed(valid_conflicts.user_id) as user_id,
            ingest.trimmed(valid_conflicts.event_timestamp)::timestamptz as event_timestamp,
            ingest.trimmed(valid_conflicts.quantity)::integer as quantity,
            ingest.trimmed(valid_conflicts.price)::numeric(10,2) as price,
            ingest.extras_of(valid_conflicts.attributes, null, null) as attributes
        from valid_conflicts
    ),
    unchanged_rejects as (
        select judged_rejects.reject_id
        from judged_rejects
        where judged_rejects.kind = 'rejected' and judged_rejects.reasons_now = judged_rejects.reasons_then
        union all
        select cast_conflicts.reject_id
        from cast_conflicts
        inner join public.events as stored on stored.event_id = cast_conflicts.event_id
        where
            (
                cast_conflicts.event_type, cast_conflicts.product_id, cast_conflicts.user_id,
                cast_conflicts.event_timestamp, cast_conflicts.quantity, cast_conflicts.price,
                cast_conflicts.attributes
            ) is distinct from (
                stored.event_type, stored.product_id, stored.user_id, stored.event_timestamp, stored.quantity,
                stored.price, stored.attributes
            )
    )
    delete from replayed_rejects
    using unchanged_rejects
    where replayed_rejects.reject_id = unchanged_rejects.reject_id;

    perform ingest.unstage_dropped_rejects(this_load_id);
end
$$;

create or replace function ingest.unstage_dropped_rejects(this_load_id bigint)
returns void
language plpgsql
as $$
begin
    delete from ingest.staging
    where
        staging.load_id = this_load_id
        and not exists (
            select from replayed_rejects
            where
                replayed_rejects.chunk_id = staging.chunk_id
                and replayed_rejects.record_no = staging.record_no
        );
end
$$;

-- Writes beside every replayed reject what it has become: a row, a duplicate, or a reject again (of this batch).
create or replace function ingest.resolve_rejects(this_batch_id bigint, this_load_id bigint)
returns void
language plpgsql
as $$
begin
    with rejects_again as materialized (
        select rejects.chunk_id, rejects.record_no, rejects.kind
        from ingest.rejects
        where rejects.batch_id = this_batch_id
    ),
    passed_records as materialized (
        select staging.chunk_id, staging.record_no, ingest.trimmed(staging.event_id) as event_id
        from ingest.staging
        where
            staging.load_id = this_load_id
            and not exists (
                select from rejects_again
                where
                    rejects_again.chunk_id = staging.chunk_id
                    and rejects_again.record_no = staging.record_no
            )
    ),
    inserted_records as materialized (
        select passed_records.chunk_id, passed_records.record_no
        from passed_records
        inner join public.events as stored
            on stored.event_id = passed_records.event_id::uuid
        where stored.chunk_id = passed_records.chunk_id and stored.record_no = passed_records.record_no
    ),
    resolutions as materialized (
        select
            replayed_rejects.reject_id,
            case
                when rejects_again.kind is not null then rejects_again.kind
                when inserted_records.chunk_id is not null then 'inserted'
                else 'duplicate'
            end as resolution
        from replayed_rejects
        left join rejects_again
            on
                rejects_again.chunk_id = replayed_rejects.chunk_id
                and rejects_again.record_no = replayed_rejects.record_no
        left join inserted_records
            on
                inserted_records.chunk_id = replayed_rejects.chunk_id
                and inserted_records.record_no = replayed_rejects.record_no
    )
    update ingest.rejects
    set resolved_by_batch = this_batch_id, resolved_at = now(), resolution = resolutions.resolution
    from resolutions
    where rejects.reject_id = resolutions.reject_id;
end
$$;

-- Of the losing records only the last conflict of each key stays; those that it outdoes are resolved as 'displaced'.
create or replace function ingest.keep_last_conflicts(this_batch_id bigint)
returns void
language plpgsql
as $$
begin
    with ranked_records as (
        select
            losing_records.chunk_id,
            losing_records.record_no,
            row_number() over (
                partition by losing_records.event_id
                order by rejects.reject_id is null, losing_records.chunk_id desc, losing_records.record_no desc
            ) as position,
            rejects.reject_id
        from losing_records
        left join ingest.rejects
            on
                rejects.batch_id = this_batch_id
                and rejects.kind = 'conflict'
                and rejects.chunk_id = losing_records.chunk_id
                and rejects.record_no = losing_records.record_no
    ),
    outdone_rejects as (
        update ingest.rejects
        set resolved_by_batch = this_batch_id, resolved_at = now(), resolution = 'displaced'
        from ranked_records
        where rejects.reject_id = ranked_records.reject_id and ranked_records.position > 1
    )
    delete from losing_records
    using ranked_records
    where
        losing_records.chunk_id = ranked_records.chunk_id
        and losing_records.record_no = ranked_records.record_no
        and (ranked_records.position > 1 or ranked_records.reject_id is null);
end
$$;

-- Replaces the rows that this batch's conflicts are in conflict with, the last record of a key over all others. The
-- old row, and every conflict that the last one outdid, stays as a reject of this batch, resolved as 'displaced': a
-- further replay leaves it alone, so the two never take turns.
create or replace function ingest.accept_conflicts(this_batch_id bigint)
returns void
language plpgsql
as $$
begin
    perform ingest.keep_last_conflicts(this_batch_id);
    perform ingest.exchange_rows();

    -- Written a moment ago, in this transaction, by reject_records: it is a row now.
    delete from ingest.rejects
    using losing_records
    where
        rejects.batch_id = this_batch_id
        and rejects.chunk_id = losing_records.chunk_id
        and rejects.record_no = losing_records.record_no;
    update ingest.rejects
    set resolution = 'accepted'
    from losing_records
    where
        rejects.resolved_by_batch = this_batch_id
        and rejects.batch_id <> this_batch_id
        and rejects.chunk_id = losing_records.chunk_id
        and rejects.record_no = losing_records.record_no;
    insert into ingest.rejects (
        chunk_id, record_no, batch_id, kind, reasons, record, resolved_by_batch, resolved_at, resolution
    )
    select
        replaced_rows.chunk_id,
        replaced_rows.record_no,
        this_batch_id,
        'conflict',
        array['event_id_conflict'],
        replaced_rows.record,
        this_batch_id,
        now(),
        'displaced'
    from replaced_rows
    order by replaced_rows.chunk_id, replaced_rows.record_no;

    perform ingest.add_restaged_chunk(displaced_chunks.chunk_id, 0, 0)
    from (
        select replaced_rows.chunk_id from replaced_rows
        except
        select batch_chunks.chunk_id from batch_chunks
    ) as displaced_chunks;
    update batch_chunks
    set
        inserted = batch_chunks.inserted + changes.accepted,
        conflict = batch_chunks.conflict - changes.accepted,
        displaced = batch_chunks.displaced + changes.displaced
    from (
        select changed.chunk_id, sum(changed.accepted) as accepted, sum(changed.displaced) as displaced
        from (
            select losing_records.chunk_id, 1 as accepted, 0 as displaced from losing_records
            union all
            select replaced_rows.chunk_id, 0 as accepted, 1 as displaced from replaced_rows
        ) as changed
        group by changed.chunk_id
    ) as changes
    where batch_chunks.chunk_id = changes.chunk_id;
    delete from replaced_rows;
end
$$;

-- Gives the rows the values of losing_records, one for each key, and keeps what they were.
create or replace function ingest.exchange_rows()
returns void
language plpgsql
as $$
declare
    gain_facts constant ingest.gain_facts := ingest.gain_facts();
    left_out bigint;
begin
    with stored_rows as materialized (
        select events.*, ingest.record_of(events) as record
        from losing_records
        inner join public.events on events.event_id = losing_records.event_id
    ),
    kept_rows as (
        insert into replaced_rows (chunk_id, record_no, record)
        select stored_rows.chunk_id, stored_rows.record_no, stored_rows.record
        from stored_rows
    ),
    updated_rows as (
        update public.events
        set
            event_type = losing_records.event_type,
            product_id = losing_records.product_id,
            user_id = losing_records.user_id,
            event_timestamp = losing_records.event_timestamp,
            quantity = losing_records.quantity,
            price = losing_records.price,
            attributes = losing_records.attributes,
            chunk_id = losing_records.chunk_id,
            record_no = losing_records.record_no,
            created_at = now()
        from losing_records
        where events.event_id = losing_records.event_id
        returning
            case
                when (events.chunk_id, events.record_no) = (losing_records.chunk_id, losing_records.record_no)
                then losing_records.event_id
            end as told_key,
            events.event_id as record_key,
            events.chunk_id, events.record_no, events.event_type, events.product_id, events.event_timestamp,
            events.quantity, events.price
    ),
    watched_rows as (
        insert into written_rows
        select updated_rows.*
        from updated_rows
    ),
    lost_gains as (
        insert into rollup_gains
        select
            grouping(product_id) = 0, is_recent, bucket, event_type, product_day, product_id,
            -count(*),
            -count(*) filter (where event_type = 'purchase'),
            coalesce(-sum(quantity), 0),
            coalesce(-sum(quantity) filter (where event_type = 'purchase'), 0),
            coalesce(-sum(quantity * price) filter (where event_type = 'purchase'), 0)
        from stored_rows
        cross join lateral ingest.gain_times(event_timestamp, gain_facts)
        group by grouping sets ((is_recent, bucket, event_type), (product_day, product_id))
    ),
    kept_gains as (
        insert into rollup_gains
        select
            grouping(product_id) = 0, is_recent, bucket, event_type, product_day, product_id,
            count(*),
            count(*) filter (where event_type = 'purchase'),
            coalesce(sum(quantity), 0),
            coalesce(sum(quantity) filter (where event_type = 'purchase'), 0),
            coalesce(sum(quantity * price) filter (where event_type = 'purchase'), 0)
        from updated_rows
        cross join lateral ingest.gain_times(event_timestamp, gain_facts)
        group by grouping sets ((is_recent, bucket, event_type), (product_day, product_id))
    )
    select (select count(*) from losing_records) - (select count(*) from updated_rows)
    into left_out;
    if left_out > 0 then
        raise exception '%', ingest.silent_refusal() ->> 'message' using errcode = 'triggered_action_exception';
    end if;
end
$$;

-- Of the rejects that are to be replayed, leaves out those that the table refused before and refuses still.
create or replace function ingest.drop_still_refused(this_load_id bigint, accept_conflicts boolean)
returns void
language plpgsql
as $$
begin
    if not exists (
        select from replayed_rejects
        inner join ingest.rejects on rejects.reject_id = replayed_rejects.reject_id and rejects.refusal is not null
    ) then
        return;
    end if;
    perform ingest.add_replayed_chunks(this_load_id);
    perform ingest.count_records();
    perform ingest.find_refused_records();
    if accept_conflicts then
        insert into losing_records
        select valid_records.*
        from ingest.valid_records(ingest.plan_scan(), ingest.event_facts());
        loop
            perform ingest.find_refused_records(is_exchange => true);
            delete from losing_records
            using rejected_records
            where
                losing_records.chunk_id = rejected_records.chunk_id
                and losing_records.record_no = rejected_records.record_no;
            exit when not found;
        end loop;
        delete from losing_records;
    end if;

    delete from replayed_rejects
    using rejected_records, ingest.rejects
    where
        replayed_rejects.chunk_id = rejected_records.chunk_id
        and replayed_rejects.record_no = rejected_records.record_no
        and rejects.reject_id = replayed_rejects.reject_id
        and rejects.refusal is not null
        and (rejects.kind = 'conflict' or rejects.reasons = array['refused_by_table']);
    perform ingest.unstage_dropped_rejects(this_load_id);
    delete from batch_chunks;
    delete from rejected_records;
end
$$;


-- As ingest.accept_conflicts; a conflict whose record the table refuses stays one, with what the table said.
create or replace function ingest.accept_or_refuse(this_batch_id bigint)
returns void
language plpgsql
as $$
declare
    moved_before bigint;
    said_context text;
    has_refused boolean := true;
begin
    loop
        moved_before := ingest.moved_rows();
        begin
            perform ingest.accept_conflicts(this_batch_id);
            perform ingest.end_writing(moved_before, is_exchange => true);
            return;
        exception
            when others or assert_failure then
                get stacked diagnostics said_context = pg_exception_context;
                if not has_refused or not ingest.may_be_of_record(sqlstate, said_context) then
                    raise;
                end if;
        end;
        -- The last record of an id may be refused and the one before it taken: hence again, until none is refused.
        has_refused := ingest.refuse_conflicts(this_batch_id);
    end loop;
end
$$;

-- Takes the conflicts that the table refuses to accept out of losing_records. False when there are none.
create or replace function ingest.refuse_conflicts(this_batch_id bigint)
returns boolean
language plpgsql
as $$
begin
    delete from losing_records
    where not exists (
        select from ingest.rejects
        where
            rejects.batch_id = this_batch_id
            and rejects.kind = 'conflict'
            and rejects.chunk_id = losing_records.chunk_id
            and rejects.record_no = losing_records.record_no
    );
    delete from rejected_records;
    perform ingest.find_refused_records(is_exchange => true);

    update ingest.rejects
    set refusal = rejected_records.refusal
    from rejected_records
    where
        rejects.batch_id = this_batch_id
        and rejects.chunk_id = rejected_records.chunk_id
        and rejects.record_no = rejected_records.record_no;
    delete from losing_records
    using rejected_records
    where
        losing_records.chunk_id = rejected_records.chunk_id
        and losing_records.record_no = rejected_records.record_no;
    return found;
end
$$;

create or replace function ingest.count_refused_conflicts(this_batch_id bigint)
returns bigint
language sql
stable
return (
    select count(*)
    from ingest.rejects
    where rejects.batch_id = this_batch_id and rejects.kind = 'conflict' and rejects.refusal is not null
);
