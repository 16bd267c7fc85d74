-- Rendered by `bun run sql:render` from src/streams/render/. Change the template, not this file.

-- A row as the raw values that would make it. As text, like every body that names columns of a table: a parsed one would
-- stand in the way of a migration that changes them.
create or replace function ingest.record_of(stored public.events)
returns jsonb
language sql
stable
as $$
select jsonb_object(
    array['event_id', 'event_type', 'product_id', 'user_id', 'event_timestamp', 'quantity', 'price'],
    array[
        stored.event_id::text,
        stored.event_type,
        stored.product_id,
        stored.user_id,
        stored.event_timestamp::text,
        stored.quantity::text,
        stored.price::text
    ]
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
    if (ingest.event_id_reason(named_key) is null) is not true then
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

-- A record beside the row that its key names: `stored` is the row in the shape of a record; `differs` names the columns in which
-- the record says something else, as a merge compares them. Null where there is no such row.
create or replace function ingest.compare_record(record jsonb)
returns jsonb
language plpgsql
stable
as $$
declare
    facts constant ingest.event_facts := ingest.event_facts();
    named_key constant text := ingest.trimmed(record ->> 'event_id');
    stored public.events;
    given_value text;
    differing text[] := '{}';
begin
    if (ingest.event_id_reason(named_key) is null) is not true then
        return null;
    end if;
    select events.* into stored
    from public.events
    where events.event_id = named_key::uuid;
    if not found then
        return null;
    end if;
    given_value := ingest.trimmed(record ->> 'event_type');
    if (
        case
            when (ingest.event_type_reason(given_value, (facts).known_types) is null) is not true then true
            else given_value is distinct from stored."event_type"
        end
    ) then
        differing := differing || 'event_type'::text;
    end if;
    given_value := ingest.trimmed(record ->> 'product_id');
    if (
        case
            when (ingest.product_id_reason(given_value) is null) is not true then true
            else given_value is distinct from stored."product_id"
        end
    ) then
        differing := differing || 'product_id'::text;
    end if;
    given_value := ingest.trimmed(record ->> 'user_id');
    if (
        case
            when (ingest.user_id_reason(given_value) is null) is not true then true
            else given_value is distinct from stored."user_id"
        end
    ) then
        differing := differing || 'user_id'::text;
    end if;
    given_value := ingest.trimmed(record ->> 'event_timestamp');
    if (
        case
            when (ingest.event_timestamp_reason(given_value, (facts).not_after) is null) is not true then true
            else given_value::timestamptz is distinct from stored."event_timestamp"
        end
    ) then
        differing := differing || 'event_timestamp'::text;
    end if;
    given_value := ingest.trimmed(record ->> 'quantity');
    if (
        case
            when (ingest.quantity_reason(given_value) is null) is not true then true
            else given_value::integer is distinct from stored."quantity"
        end
    ) then
        differing := differing || 'quantity'::text;
    end if;
    given_value := ingest.trimmed(record ->> 'price');
    if (
        case
            when (ingest.price_reason(given_value) is null) is not true then true
            else given_value::numeric(10,2) is distinct from stored."price"
        end
    ) then
        differing := differing || 'price'::text;
    end if;
    return jsonb_build_object(
        'stored', ingest.record_of(stored),
        'differs', to_jsonb(differing) || coalesce(
            (
                select jsonb_agg(extras.name)
                from (
                    select
                        ingest.extras_in_record(stored.attributes) as kept,
                        ingest.extras_in_record(
                            ingest.extras_of(ingest.extras_of_record(record), null, array[]::text[])
                        ) as given
                ) as both_extras
                cross join lateral jsonb_object_keys(
                    coalesce(both_extras.kept, '{}') || coalesce(both_extras.given, '{}')
                ) as extras (name)
                where both_extras.kept -> extras.name is distinct from both_extras.given -> extras.name
            ),
            '[]'
        )
    );
end
$$;

-- The latest batch that has since put another record in the place of the row that a record's key names; null when none has.
create or replace function ingest.replaced_since(asked_record jsonb, since timestamptz)
returns bigint
language sql
stable
as $$

select max(rejects.resolved_by_batch)
from ingest.rejects
where
    rejects.stream_id = 0
    and left(lower(btrim(rejects.record ->> 'event_id')), 36) = lower(ingest.trimmed(asked_record ->> 'event_id'))
    and rejects.resolution = 'displaced'
    and rejects.resolved_at > since
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

create or replace function ingest.unstage_rejects(this_load_id bigint)
returns void
language sql
as $$
    delete from ingest.staging where staging.load_id = this_load_id
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
    delete from replayed_rejects
    using ingest.staging
    where
        replayed_rejects.kind = 'rejected'
        and staging.load_id = this_load_id
        and staging.chunk_id = replayed_rejects.chunk_id
        and staging.record_no = replayed_rejects.record_no
        and ingest.reject_reasons(staging, true, facts) = replayed_rejects.reasons;

    if not accept_conflicts and exists (select from replayed_rejects where replayed_rejects.kind = 'conflict') then
        perform ingest.add_replayed_chunks(this_load_id);
        insert into losing_records
        select valid_records.*
        from ingest.valid_records(ingest.plan_scan(), facts)
        inner join replayed_rejects using (chunk_id, record_no)
        where replayed_rejects.kind = 'conflict';
        perform ingest.classify_losers();
        delete from replayed_rejects
        using rejected_records
        where
            rejected_records.kind = 'conflict'
            and rejected_records.chunk_id = replayed_rejects.chunk_id
            and rejected_records.record_no = replayed_rejects.record_no;
        perform ingest.empty_batch();
    end if;
    perform ingest.unstage_dropped_rejects(this_load_id);
end
$$;

-- Leaves out the rejects that the table refused before and refuses still.
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
    end if;

    delete from replayed_rejects
    using rejected_records, ingest.rejects
    where
        replayed_rejects.chunk_id = rejected_records.chunk_id
        and replayed_rejects.record_no = rejected_records.record_no
        and rejects.reject_id = replayed_rejects.reject_id
        and rejects.refusal is not null
        and (rejects.kind = 'conflict' or rejects.reasons = array[ingest.refusal_reason(rejects.refusal)]);
    perform ingest.unstage_dropped_rejects(this_load_id);
    perform ingest.empty_batch();
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
    delete from losing_records
    where not exists (
        select from rejected_records
        where
            rejected_records.kind = 'conflict'
            and rejected_records.chunk_id = losing_records.chunk_id
            and rejected_records.record_no = losing_records.record_no
    );
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

-- Of the next so many standing rejects behind this one that wait for a parent, those whose parents are all there; and the last
-- one that was looked at, null when there are no more. In the order in which they were rejected.
create or replace function ingest.ready_rejects(
    after_reject_id bigint,
    most integer,
    out ready bigint[],
    out last_reject_id bigint
)
language plpgsql
stable
as $$
begin
    ready := '{}';
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
    create temporary table replaced_rows (chunk_id bigint not null, record_no bigint not null, record jsonb not null);
    perform ingest.choose_candidates(is_exchange => true);
    if ingest.exchange_rows(1, (select count(*) from candidate_records)) > 0 then
        raise exception '%', ingest.silent_refusal() ->> 'message' using errcode = 'triggered_action_exception';
    end if;

    -- Written a moment ago, in this transaction, by reject_records: they are rows now, or outdone.
    delete from ingest.rejects
    using candidate_records
    where
        rejects.batch_id = this_batch_id
        and rejects.chunk_id = candidate_records.chunk_id
        and rejects.record_no = candidate_records.record_no;
    update ingest.rejects
    set resolved_by_batch = this_batch_id, resolved_at = now(), resolution = 'displaced'
    from losing_records
    where
        rejects.batch_id = this_batch_id
        and rejects.chunk_id = losing_records.chunk_id
        and rejects.record_no = losing_records.record_no;
    update ingest.rejects
    set resolution = 'accepted'
    from candidate_records
    where
        rejects.resolved_by_batch = this_batch_id
        and rejects.batch_id <> this_batch_id
        and rejects.chunk_id = candidate_records.chunk_id
        and rejects.record_no = candidate_records.record_no;
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
            select candidate_records.chunk_id, 1 as accepted, 0 as displaced from candidate_records
            union all
            select replaced_rows.chunk_id, 0 as accepted, 1 as displaced from replaced_rows
        ) as changed
        group by changed.chunk_id
    ) as changes
    where batch_chunks.chunk_id = changes.chunk_id;
    drop table candidate_records, replaced_rows;
end
$$;

-- Gives rows the values of the candidates of these positions, and keeps what they were. Returns how many a trigger left as
-- they were.
create or replace function ingest.exchange_rows(first_position bigint, last_position bigint, out left_out bigint)
language plpgsql
as $$
declare
    gain_facts constant ingest.gain_facts := ingest.gain_facts();
begin
    with tried_records as materialized (
        select candidate_records.*
        from candidate_records
        where candidate_records.position between first_position and last_position
    ),
    stored_rows as materialized (
        select stored.*, ingest.record_of(stored) as record
        from tried_records
        inner join ingest.stored_rows(
            array(select row(tried_records.event_id)::ingest.record_key from tried_records)
        ) as stored on stored.event_id = tried_records.event_id
    ),
    kept_rows as (
        insert into replaced_rows (chunk_id, record_no, record)
        select stored_rows.chunk_id, stored_rows.record_no, stored_rows.record
        from stored_rows
    ),
    updated_rows as (
        update public.events
        set
            event_type = tried_records.event_type,
            product_id = tried_records.product_id,
            user_id = tried_records.user_id,
            event_timestamp = tried_records.event_timestamp,
            quantity = tried_records.quantity,
            price = tried_records.price,
            attributes = tried_records.attributes,
            chunk_id = tried_records.chunk_id,
            record_no = tried_records.record_no,
            created_at = now()
        from tried_records
        where events.event_id = tried_records.event_id
        returning
            case
                when (events.chunk_id, events.record_no) = (tried_records.chunk_id, tried_records.record_no)
                then tried_records.event_id
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
    select (select count(*) from stored_rows) - (select count(*) from updated_rows)
    into left_out;
end
$$;
