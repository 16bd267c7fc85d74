-- The stream's part of a replay (sql/engine/replay_batch.sql): a reject's kept values back into staging, what their
-- verdict is today, and what becomes of an event that a conflicting record replaces.

-- Unknown columns go the tolerant way: the text of one JSON object.
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
        ingest.attributes_of_record(replayed_rejects.record)
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
    known_types constant text[] := array(select event_types.event_type from ingest.event_types);
    not_after constant text := ingest.latest_event_timestamp();
begin
    with judged_rejects as materialized (
        select
            replayed_rejects.reject_id,
            replayed_rejects.kind,
            replayed_rejects.reasons as reasons_then,
            ingest.event_reject_reasons(staging, true, known_types, not_after) as reasons_now,
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
            ingest.trimmed(valid_conflicts.price)::numeric(10, 2) as price,
            ingest.attributes_of(valid_conflicts.attributes, null, null) as attributes
        from valid_conflicts
    ),
    unchanged_rejects as (
        select judged_rejects.reject_id
        from judged_rejects
        where judged_rejects.kind = 'rejected' and judged_rejects.reasons_now = judged_rejects.reasons_then
        union all
        select cast_conflicts.reject_id
        from cast_conflicts
        inner join public.events on events.event_id = cast_conflicts.event_id
        where
            (
                cast_conflicts.event_type,
                cast_conflicts.product_id,
                cast_conflicts.user_id,
                cast_conflicts.event_timestamp,
                cast_conflicts.quantity,
                cast_conflicts.price,
                cast_conflicts.attributes
            ) is distinct from (
                events.event_type,
                events.product_id,
                events.user_id,
                events.event_timestamp,
                events.quantity,
                events.price,
                events.attributes
            )
    )
    delete from replayed_rejects
    using unchanged_rejects
    where replayed_rejects.reject_id = unchanged_rejects.reject_id;

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

-- Writes beside every replayed reject what it has become: an event, a duplicate, or a reject again (of this batch).
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
        inner join public.events on events.event_id = passed_records.event_id::uuid
        where events.chunk_id = passed_records.chunk_id and events.record_no = passed_records.record_no
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

-- As ingest.accept_conflicts; a conflict whose record the table refuses stays one, with what the table said.
create or replace function ingest.accept_or_refuse(this_batch_id bigint)
returns ingest.event_stats[]
language plpgsql
as $$
declare
    rollups ingest.event_stats[];
    has_refused boolean := true;
begin
    loop
        begin
            rollups := ingest.accept_conflicts(this_batch_id);
            perform ingest.end_writing();
            return rollups;
        exception
            when others or assert_failure then
                if not has_refused or not ingest.may_be_of_record(sqlstate) then
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
    delete from refused_records;
    perform ingest.find_refused_records(is_exchange => true);

    update ingest.rejects
    set refusal = refused_records.refusal
    from refused_records
    where
        rejects.batch_id = this_batch_id
        and rejects.chunk_id = refused_records.chunk_id
        and rejects.record_no = refused_records.record_no;
    delete from losing_records
    using refused_records
    where
        losing_records.chunk_id = refused_records.chunk_id
        and losing_records.record_no = refused_records.record_no;
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

-- Gives the events the values of the candidates of these positions; returns how many a trigger left as they were.
create or replace function ingest.exchange_candidates(first_position bigint, last_position bigint)
returns bigint
language plpgsql
as $$
declare
    left_out bigint;
begin
    with tried_records as materialized (
        select candidate_records.*
        from candidate_records
        where
            candidate_records.position between first_position and last_position
            and (
                select true
                from public.events
                where events.event_id = candidate_records.event_id
            )
    ),
    updated_events as (
        update public.events
        set
            event_type = tried_records.event_type,
            product_id = tried_records.product_id,
            user_id = tried_records.user_id,
            event_timestamp = tried_records.event_timestamp,
            quantity = tried_records.quantity,
            price = tried_records.price,
            attributes = tried_records.attributes,
            created_at = now(),
            chunk_id = tried_records.chunk_id,
            record_no = tried_records.record_no
        from tried_records
        where events.event_id = tried_records.event_id
        returning
            case
                when (events.chunk_id, events.record_no) = (tried_records.chunk_id, tried_records.record_no)
                then tried_records.event_id
            end as told_event_id,
            events.*
    ),
    watched_events as (
        insert into written_events
        select
            updated_events.told_event_id,
            updated_events.event_id,
            updated_events.chunk_id,
            updated_events.record_no,
            updated_events.event_type,
            updated_events.product_id,
            updated_events.event_timestamp,
            updated_events.quantity,
            updated_events.price
        from updated_events
    )
    select (select count(*) from tried_records) - (select count(*) from updated_events)
    into left_out;
    return left_out;
end
$$;

-- Replaces the events that this batch's conflicts are in conflict with, the last record of an id over all others. The
-- old row, and every conflict that the last one outdid, stays as a reject of this batch, resolved as 'displaced': a
-- further replay leaves it alone, so the two never take turns. Returns what the rollups lose and gain.
create or replace function ingest.accept_conflicts(this_batch_id bigint)
returns ingest.event_stats[]
language plpgsql
as $$
declare
    rollups ingest.event_stats[];
    left_out bigint;
begin
    -- Of the losing records only the last conflict of each event_id stays.
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

    with accepted_records as materialized (
        select losing_records.*
        from losing_records
    ),
    replaced_events as materialized (
        select events.*, ingest.record_of(events) as record
        from accepted_records
        inner join public.events on events.event_id = accepted_records.event_id
    ),
    updated_events as (
        update public.events
        set
            event_type = accepted_records.event_type,
            product_id = accepted_records.product_id,
            user_id = accepted_records.user_id,
            event_timestamp = accepted_records.event_timestamp,
            quantity = accepted_records.quantity,
            price = accepted_records.price,
            attributes = accepted_records.attributes,
            created_at = now(),
            chunk_id = accepted_records.chunk_id,
            record_no = accepted_records.record_no
        from accepted_records
        where events.event_id = accepted_records.event_id
        returning
            case
                when (events.chunk_id, events.record_no) = (accepted_records.chunk_id, accepted_records.record_no)
                then accepted_records.event_id
            end as told_event_id,
            events.*
    ),
    watched_events as (
        insert into written_events
        select
            updated_events.told_event_id,
            updated_events.event_id,
            updated_events.chunk_id,
            updated_events.record_no,
            updated_events.event_type,
            updated_events.product_id,
            updated_events.event_timestamp,
            updated_events.quantity,
            updated_events.price
        from updated_events
    ),
    -- Written a moment ago, in this transaction, by settle_losers: it is an event now.
    unwritten_rejects as (
        delete from ingest.rejects
        using accepted_records
        where
            rejects.batch_id = this_batch_id
            and rejects.chunk_id = accepted_records.chunk_id
            and rejects.record_no = accepted_records.record_no
    ),
    accepted_rejects as (
        update ingest.rejects
        set resolution = 'accepted'
        from accepted_records
        where
            rejects.resolved_by_batch = this_batch_id
            and rejects.batch_id <> this_batch_id
            and rejects.chunk_id = accepted_records.chunk_id
            and rejects.record_no = accepted_records.record_no
    ),
    displaced_rejects as (
        insert into ingest.rejects (
            chunk_id, record_no, batch_id, kind, reasons, record, resolved_by_batch, resolved_at, resolution
        )
        select
            replaced_events.chunk_id,
            replaced_events.record_no,
            this_batch_id,
            'conflict',
            array['event_id_conflict'],
            replaced_events.record,
            this_batch_id,
            now(),
            'displaced'
        from replaced_events
        order by replaced_events.chunk_id, replaced_events.record_no
        returning rejects.chunk_id
    ),
    chunk_changes as materialized (
        select changes.chunk_id, sum(changes.accepted) as accepted, sum(changes.displaced) as displaced
        from (
            select accepted_records.chunk_id, 1 as accepted, 0 as displaced from accepted_records
            union all
            select displaced_rejects.chunk_id, 0 as accepted, 1 as displaced from displaced_rejects
        ) as changes
        group by changes.chunk_id
    ),
    counted_chunks as (
        update batch_chunks
        set
            inserted = batch_chunks.inserted + chunk_changes.accepted,
            conflict = batch_chunks.conflict - chunk_changes.accepted,
            displaced = batch_chunks.displaced + chunk_changes.displaced
        from chunk_changes
        where batch_chunks.chunk_id = chunk_changes.chunk_id
    ),
    further_chunks as (
        insert into batch_chunks (chunk_id, load_id, file_id, records, is_padded, todo_slices, displaced)
        select chunk_changes.chunk_id, 0, chunks.file_id, 0, true, 0, chunk_changes.displaced
        from chunk_changes
        inner join ingest.chunks on chunks.chunk_id = chunk_changes.chunk_id
        where not exists (select from batch_chunks where batch_chunks.chunk_id = chunk_changes.chunk_id)
    ),
    changes as (
        select -1 as sign, event_type, product_id, event_timestamp, quantity, price from replaced_events
        union all
        select 1 as sign, event_type, product_id, event_timestamp, quantity, price from updated_events
    ),
    kept_product_gains as (
        insert into product_gains (bucket, product_id, events, purchases, quantity, revenue)
        select
            case
                when changes.event_timestamp >= ingest.first_kept_product_day() then
                    date_bin('1 day', changes.event_timestamp, 'epoch')
            end,
            changes.product_id,
            sum(changes.sign),
            coalesce(sum(changes.sign) filter (where changes.event_type = 'purchase'), 0),
            coalesce(sum(changes.sign * changes.quantity) filter (where changes.event_type = 'purchase'), 0),
            coalesce(
                sum(changes.sign * changes.quantity * changes.price) filter (where changes.event_type = 'purchase'),
                0
            )
        from changes
        group by 1, 2
    ),
    gains as (
        select
            buckets.grain,
            buckets.bucket,
            changes.event_type,
            sum(changes.sign) as events,
            coalesce(sum(changes.sign * changes.quantity), 0) as quantity,
            coalesce(
                sum(changes.sign * changes.quantity * changes.price) filter (where changes.event_type = 'purchase'),
                0
            ) as revenue
        from changes
        cross join lateral (
            values
            ('total', timestamptz 'epoch'),
            ('day', date_bin('1 day', changes.event_timestamp, 'epoch')),
            ('hour', date_bin('1 hour', changes.event_timestamp, 'epoch')),
            ('minute', date_bin('1 minute', changes.event_timestamp, 'epoch'))
        ) as buckets (grain, bucket)
        where buckets.grain <> 'minute' or changes.event_timestamp >= now() - interval '1 day'
        group by 1, 2, 3
    )
    select
        (
            select array_agg(
                row(gains.grain, gains.bucket, gains.event_type, gains.events, gains.quantity, gains.revenue)::ingest.event_stats
            )
            from gains
        ),
        (select count(*) from accepted_records) - (select count(*) from updated_events)
    into rollups, left_out;
    if left_out > 0 then
        raise exception '%', ingest.silent_refusal() ->> 'message' using errcode = 'triggered_action_exception';
    end if;
    return rollups;
end
$$;
