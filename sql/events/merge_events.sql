-- The stream's part of a merge: what a record of this table is, from staged text to row. Each function is at most one
-- pass over the staged rows of the batch; ingest.merge_batch calls them in order and checks that the counts agree.
-- Where all is well, insert_records is the only one that looks at them. The only place where a whole row is materialised
-- is the sort that brings the inserts into key order.

create or replace function ingest.prepare_stream_merge()
returns void
language plpgsql
as $$
begin
    -- Valid records that found their event_id taken, with the values to compare.
    create temporary table losing_records (
        load_id bigint not null,
        chunk_id bigint not null,
        record_no bigint not null,
        event_id uuid not null,
        event_type text not null,
        product_id text not null,
        user_id text not null,
        event_timestamp timestamptz not null,
        quantity integer,
        price numeric(10, 2),
        attributes jsonb
    ) on commit delete rows;
    -- Keys of the records of this batch that the rules refuse.
    create temporary table invalid_records (
        chunk_id bigint not null,
        record_no bigint not null
    ) on commit delete rows;
    -- Valid records that the table refuses, and what it said: sql/events/refuse_records.sql.
    create temporary table refused_records (
        chunk_id bigint not null,
        record_no bigint not null,
        refusal jsonb not null
    ) on commit delete rows;
    -- Where events has triggers: what an insert or update said that it wrote, and the event_id that the record there has.
    create temporary table written_events (
        told_event_id uuid,
        event_id uuid,
        chunk_id bigint,
        record_no bigint,
        event_type text,
        product_id text,
        event_timestamp timestamptz,
        quantity integer,
        price numeric(10, 2)
    ) on commit delete rows;
    perform ingest.prepare_product_gains();
end
$$;

-- Of unknown columns nothing is known: white space is theirs, and only the empty value, quoted or not, is left out.
create or replace function ingest.extra_values(staged ingest.staging)
returns text[]
language sql
immutable
return array[
    nullif(staged.extra_1, ''), nullif(staged.extra_2, ''),
    nullif(staged.extra_3, ''), nullif(staged.extra_4, ''),
    nullif(staged.extra_5, ''), nullif(staged.extra_6, ''),
    nullif(staged.extra_7, ''), nullif(staged.extra_8, ''),
    nullif(staged.extra_9, ''), nullif(staged.extra_10, ''),
    nullif(staged.extra_11, ''), nullif(staged.extra_12, ''),
    nullif(staged.extra_13, ''), nullif(staged.extra_14, ''),
    nullif(staged.extra_15, ''), nullif(staged.extra_16, '')
];

-- From two arrays, in half the time that jsonb_build_object takes.
create or replace function ingest.known_values(staged ingest.staging)
returns jsonb
language sql
immutable
return jsonb_object(
    array['event_id', 'event_type', 'product_id', 'user_id', 'event_timestamp', 'quantity', 'price'],
    array[
        staged.event_id, staged.event_type, staged.product_id, staged.user_id,
        staged.event_timestamp, staged.quantity, staged.price
    ]
);

-- The raw values of a staged record by column, as a reject keeps them. To add nothing takes as long as to build them.
create or replace function ingest.raw_record(staged ingest.staging, extra_columns text[])
returns jsonb
language sql
stable
return case
    when staged.problem is not null then null
    when staged.attributes is null and extra_columns is null then ingest.known_values(staged)
    else
        ingest.known_values(staged)
        || coalesce(
            ingest.attributes_in_record(
                ingest.attributes_of(staged.attributes, extra_columns, ingest.extra_values(staged))
            ),
            '{}'::jsonb
        )
end;

-- Every reason why a record is refused, in the order of the columns; empty when it is not. Where nothing may need it, nothing is
-- trimmed: a rule asks for its value again and again, and the trims would cost more than the rules.
create or replace function ingest.event_reject_reasons(
    staged ingest.staging,
    is_padded boolean,
    known_types text[],
    not_after text
)
returns text[]
language sql
stable
return case
    when staged.problem is not null then array[staged.problem::jsonb ->> 'reason']
    else array_remove(
        array[
            ingest.event_id_reason(ingest.bare(staged.event_id, is_padded)),
            ingest.event_type_reason(ingest.bare(staged.event_type, is_padded), known_types),
            ingest.product_id_reason(ingest.bare(staged.product_id, is_padded)),
            ingest.user_id_reason(ingest.bare(staged.user_id, is_padded)),
            ingest.event_timestamp_reason(ingest.bare(staged.event_timestamp, is_padded), not_after),
            ingest.quantity_reason(ingest.bare(staged.quantity, is_padded)),
            ingest.price_reason(ingest.bare(staged.price, is_padded))
        ],
        null
    )
end;

-- The merge's verdict on a record, of values that are trimmed. One expression, so that it is inlined where it is used.
create or replace function ingest.is_valid_record(
    problem text,
    plain_second bigint,
    event_id text,
    event_type text,
    product_id text,
    user_id text,
    event_timestamp text,
    quantity text,
    price text,
    known_types text[],
    not_after text,
    last_second bigint
)
returns boolean
language sql
stable
return case
    -- The loader has seen that the other four are well-formed.
    when
        plain_second <= last_second
        and ingest.event_type_reason(event_type, known_types) is null
        and ingest.product_id_reason(product_id) is null
        and ingest.user_id_reason(user_id) is null
    then true
    else
        problem is null
        and ingest.event_id_reason(event_id) is null
        and ingest.event_type_reason(event_type, known_types) is null
        and ingest.product_id_reason(product_id) is null
        and ingest.user_id_reason(user_id) is null
        and ingest.event_timestamp_reason(event_timestamp, not_after) is null
        and ingest.quantity_reason(quantity) is null
        and ingest.price_reason(price) is null
end;

-- Keeps the keys of what the rules refuse, before anything is inserted.
create or replace function ingest.judge_records()
returns void
language plpgsql
-- Staging has no statistics, and the constants below decide what is planned at all.
set plan_cache_mode = 'force_custom_plan'
as $$
declare
    idle_lanes constant smallint[] := ingest.idle_lanes();
    known_types constant text[] := array(select event_types.event_type from ingest.event_types);
    not_after constant text := ingest.latest_event_timestamp();
    last_second constant bigint := extract(epoch from not_after::timestamptz);
    -- Constants by the time a plan is made: where no chunk is padded, no trim is planned.
    has_padded constant boolean := exists (select from batch_chunks where batch_chunks.is_padded);
begin
    with bare_records as (
        select
            staging.chunk_id,
            staging.record_no,
            staging.problem,
            staging.plain_second,
            ingest.bare(staging.event_id, has_padded and batch_chunks.is_padded) as event_id,
            ingest.bare(staging.event_type, has_padded and batch_chunks.is_padded) as event_type,
            ingest.bare(staging.product_id, has_padded and batch_chunks.is_padded) as product_id,
            ingest.bare(staging.user_id, has_padded and batch_chunks.is_padded) as user_id,
            ingest.bare(staging.event_timestamp, has_padded and batch_chunks.is_padded) as event_timestamp,
            ingest.bare(staging.quantity, has_padded and batch_chunks.is_padded) as quantity,
            ingest.bare(staging.price, has_padded and batch_chunks.is_padded) as price
        from ingest.staging
        inner join batch_chunks
            on batch_chunks.load_id = staging.load_id and batch_chunks.chunk_id = staging.chunk_id
        where staging.lane <> all(idle_lanes) and (1 << staging.slice_no) & batch_chunks.todo_slices <> 0
        -- A fence: without it the planner repeats the trims in every place that uses them.
        offset 0
    )
    insert into invalid_records (chunk_id, record_no)
    select bare_records.chunk_id, bare_records.record_no
    from bare_records
    where not ingest.is_valid_record(
        bare_records.problem,
        bare_records.plain_second,
        bare_records.event_id,
        bare_records.event_type,
        bare_records.product_id,
        bare_records.user_id,
        bare_records.event_timestamp,
        bare_records.quantity,
        bare_records.price,
        known_types,
        not_after,
        last_second
    );
end
$$;

-- The functions below turn nested loops off: staging has no figures, so the planner takes a thousandth of its rows for one,
-- and a loop over both sides for cheap. A hash table that does not fit its memory is kept in batches; a million records cost
-- a merge what each of a thousand costs. (`in` over a query is a table that has to fit, or is searched once a row.)

-- Moves what the rules refuse into rejects, with every reason.
create or replace function ingest.reject_records(this_batch_id bigint)
returns void
language plpgsql
-- Staging has no statistics, and the constants below decide what is planned at all.
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
as $$
declare
    idle_lanes constant smallint[] := ingest.idle_lanes();
    known_types constant text[] := array(select event_types.event_type from ingest.event_types);
    not_after constant text := ingest.latest_event_timestamp();
    has_padded constant boolean := exists (select from batch_chunks where batch_chunks.is_padded);
begin
    if not exists (select from invalid_records) then
        return;
    end if;

    with rejected_records as (
        insert into ingest.rejects (
            chunk_id, record_no, batch_id, kind, reasons, record, raw_text, line_no, byte_offset, refusal
        )
        select
            staging.chunk_id,
            staging.record_no,
            this_batch_id,
            'rejected',
            case
                when refused_records.refusal is not null then array['refused_by_table']
                else
                    ingest.event_reject_reasons(staging, has_padded and batch_chunks.is_padded, known_types, not_after)
            end,
            ingest.raw_record(staging, batch_chunks.extra_columns),
            staging.problem::jsonb ->> 'raw',
            (staging.problem::jsonb ->> 'line')::bigint,
            (staging.problem::jsonb ->> 'byte')::bigint,
            refused_records.refusal
        from ingest.staging
        inner join batch_chunks
            on batch_chunks.load_id = staging.load_id and batch_chunks.chunk_id = staging.chunk_id
        left join refused_records
            on refused_records.chunk_id = staging.chunk_id and refused_records.record_no = staging.record_no
        where
            staging.lane <> all(idle_lanes)
            and exists (
                select from invalid_records
                where
                    invalid_records.chunk_id = staging.chunk_id
                    and invalid_records.record_no = staging.record_no
            )
        order by staging.chunk_id, staging.record_no
        returning rejects.chunk_id
    ),
    rejected_counts as (
        select rejected_records.chunk_id, count(*) as rejected
        from rejected_records
        group by rejected_records.chunk_id
    )
    update batch_chunks
    set rejected = rejected_counts.rejected
    from rejected_counts
    where batch_chunks.chunk_id = rejected_counts.chunk_id;
end
$$;

-- Inserts, in key order, the first valid record of every event_id that is not yet there; keeps the keys of what the rules
-- refuse for reject_records, and the valid records that were not inserted for settle_losers; returns what the rollups gain.
--
-- `is_trial`: nothing is inserted, so that every valid record is kept as one that was not.
create or replace function ingest.insert_records(is_trial boolean default false)
returns ingest.event_stats[]
language plpgsql
-- Staging has no statistics, and the constants below decide what is planned at all.
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
as $$
declare
    first_product_day constant timestamptz := ingest.first_kept_product_day();
    -- Once, and not in the statement: there it is worked out anew for every row, for 0.2 s of CPU a million each time.
    recent_from constant timestamptz := now() - interval '1 day';
    idle_lanes constant smallint[] := ingest.idle_lanes();
    known_types constant text[] := array(select event_types.event_type from ingest.event_types);
    not_after constant text := ingest.latest_event_timestamp();
    last_second constant bigint := extract(epoch from not_after::timestamptz);
    -- Constants by the time a plan is made: where no chunk is padded, no trim is planned, and where none has unknown columns,
    -- those of staging are not even unpacked.
    has_padded constant boolean := exists (select from batch_chunks where batch_chunks.is_padded);
    wants_extras constant boolean := exists (select from batch_chunks where batch_chunks.has_extras);
    -- Of another merge's slices the rows are left out by the scan itself, before they are joined.
    wanted_slices constant integer := (select bit_or(batch_chunks.todo_slices) from batch_chunks);
    wants_all constant boolean := wanted_slices = ingest.all_slices();
    is_watched constant boolean := ingest.triggers_on_events() is not null;
    -- Mostly the batch is every chunk between its first and its last, of each the same slices, and nothing is to be known of them.
    -- Then a staged row is chosen by its ids alone, without a join. Not where rows were lost: what a chunk left in an earlier
    -- load, only the pair of ids tells from what was staged again.
    first_chunk constant bigint := (select min(batch_chunks.chunk_id) from batch_chunks);
    last_chunk constant bigint := (select max(batch_chunks.chunk_id) from batch_chunks);
    load_ids constant bigint[] := array(select distinct batch_chunks.load_id from batch_chunks);
    is_range constant boolean := not has_padded and not wants_extras and (
        select bool_and(batch_chunks.todo_slices = wanted_slices) and not bool_or(batch_chunks.is_verified)
        from batch_chunks
    ) and ingest.is_chunk_range();
    -- The rules are cheap for plain records, and dear for others. Where most are plain they are a filter of the scan that
    -- inserts, and asked again only if something is missing in the end; else they are asked once, before.
    is_mostly_plain constant boolean := not exists (select from refused_records) and (
        select sum(batch_chunks.plain) > 0.9 * sum(greatest(batch_chunks.records, batch_chunks.staged))
        from batch_chunks
    );
    valid_count bigint;
    rollups ingest.event_stats[];
begin
    if not is_mostly_plain then
        perform ingest.judge_records();
        insert into invalid_records (chunk_id, record_no)
        select refused_records.chunk_id, refused_records.record_no
        from refused_records;
    end if;
    -- Of what is known to be refused by now, the rest.
    valid_count := (select sum(batch_chunks.read) from batch_chunks) - (select count(*) from invalid_records);

    with bare_records as not materialized (
        select
            staging.load_id,
            staging.chunk_id,
            staging.record_no,
            staging.problem,
            staging.plain_second,
            ingest.bare(staging.event_id, has_padded and chunks.is_padded) as event_id,
            ingest.bare(staging.event_type, has_padded and chunks.is_padded) as event_type,
            ingest.bare(staging.product_id, has_padded and chunks.is_padded) as product_id,
            ingest.bare(staging.user_id, has_padded and chunks.is_padded) as user_id,
            ingest.bare(staging.event_timestamp, has_padded and chunks.is_padded) as event_timestamp,
            ingest.bare(staging.quantity, has_padded and chunks.is_padded) as quantity,
            ingest.bare(staging.price, has_padded and chunks.is_padded) as price,
            case
                -- A record that could not be split has no values, and this stands before the verdict.
                when
                    wants_extras
                    and (staging.attributes is not null or chunks.extra_columns is not null)
                    and staging.problem is null
                then
                    ingest.attributes_of(
                        staging.attributes,
                        chunks.extra_columns,
                        ingest.extra_values(staging)
                    )
            end as attributes
        from ingest.staging
        -- Distinct in what is joined, as the planner sees from here: where nothing is asked of the chunks, it leaves them out.
        left join (
            select distinct on (batch_chunks.load_id, batch_chunks.chunk_id) batch_chunks.*
            from batch_chunks
        ) as chunks on chunks.load_id = staging.load_id and chunks.chunk_id = staging.chunk_id
        where
            staging.lane <> all(idle_lanes)
            and (wants_all or (1 << staging.slice_no) & wanted_slices <> 0)
            and case
                when is_range then
                    staging.chunk_id >= first_chunk
                    and staging.chunk_id <= last_chunk
                    and staging.load_id = any(load_ids)
                else (1 << staging.slice_no) & chunks.todo_slices <> 0
            end
        -- A fence: without it the planner repeats the trims in every place that uses them.
        offset 0
    ),
    -- One of the two is planned.
    passed_records as not materialized (
        select bare_records.*
        from bare_records
        where
            is_mostly_plain
            and ingest.is_valid_record(
                bare_records.problem,
                bare_records.plain_second,
                bare_records.event_id,
                bare_records.event_type,
                bare_records.product_id,
                bare_records.user_id,
                bare_records.event_timestamp,
                bare_records.quantity,
                bare_records.price,
                known_types,
                not_after,
                last_second
            )
        union all
        select bare_records.*
        from bare_records
        where
            not is_mostly_plain
            and not exists (
                select from invalid_records
                where
                    invalid_records.chunk_id = bare_records.chunk_id
                    and invalid_records.record_no = bare_records.record_no
            )
    ),
    -- Cast behind the filter: a scan computes what it selects of the rows that pass.
    valid_records as not materialized (
        select
            passed_records.chunk_id,
            passed_records.record_no,
            passed_records.event_id::uuid as event_id,
            passed_records.event_type,
            passed_records.product_id,
            passed_records.user_id,
            case
                when passed_records.plain_second is not null then to_timestamp(passed_records.plain_second)
                else passed_records.event_timestamp::timestamptz
            end as event_timestamp,
            passed_records.quantity::integer as quantity,
            passed_records.price::numeric(10, 2) as price,
            passed_records.attributes
        from passed_records
    ),
    first_records as (
        select distinct on (valid_records.event_id) valid_records.*
        from valid_records
        order by valid_records.event_id, valid_records.chunk_id, valid_records.record_no
    ),
    -- Looked up before, not left to ON CONFLICT: that costs a quarter of the whole insert in CPU, a look-up a tenth.
    -- No other merge inserts these keys, since we hold their slices; somebody else's insert in between is a unique
    -- violation, and the merge is called again. As a scalar, so that it is always a look-up in the index, in key order.
    new_records as not materialized (
        select first_records.*
        from first_records
        where
            not is_trial
            and (
                select true
                from public.events
                where events.event_id = first_records.event_id
            ) is null
    ),
    inserted_events as (
        insert into public.events (
            event_id, event_type, product_id, user_id, event_timestamp, quantity, price, attributes,
            chunk_id, record_no
        )
        select
            new_records.event_id,
            new_records.event_type,
            new_records.product_id,
            new_records.user_id,
            new_records.event_timestamp,
            new_records.quantity,
            new_records.price,
            new_records.attributes,
            new_records.chunk_id,
            new_records.record_no
        from new_records
        returning
            events.chunk_id,
            events.record_no,
            events.event_type,
            events.product_id,
            events.event_timestamp,
            events.quantity,
            events.price,
            case when is_watched then events.event_id end as event_id
    ),
    watched_events as (
        insert into written_events
        select
            new_records.event_id,
            inserted_events.event_id,
            inserted_events.chunk_id,
            inserted_events.record_no,
            inserted_events.event_type,
            inserted_events.product_id,
            inserted_events.event_timestamp,
            inserted_events.quantity,
            inserted_events.price
        from inserted_events
        left join new_records
            on new_records.chunk_id = inserted_events.chunk_id and new_records.record_no = inserted_events.record_no
        where is_watched
    ),
    -- One pass over what was inserted: by time at the finest grain that it is kept in, and by product.
    finest_gains as materialized (
        select
            grouping(dated_events.product_id) = 0 as is_of_product,
            dated_events.is_recent,
            dated_events.bucket,
            dated_events.event_type,
            dated_events.product_day,
            dated_events.product_id,
            count(*) as events,
            count(*) filter (where dated_events.event_type = 'purchase') as purchases,
            coalesce(sum(dated_events.quantity), 0) as quantity,
            coalesce(
                sum(dated_events.quantity) filter (where dated_events.event_type = 'purchase'), 0
            ) as purchased_quantity,
            coalesce(
                sum(dated_events.quantity * dated_events.price) filter (where dated_events.event_type = 'purchase'), 0
            ) as revenue
        from (
            select
                inserted_events.event_type,
                inserted_events.product_id,
                inserted_events.quantity,
                inserted_events.price,
                inserted_events.event_timestamp >= recent_from as is_recent,
                case
                    when inserted_events.event_timestamp >= recent_from then
                        date_bin('1 minute', inserted_events.event_timestamp, 'epoch')
                    else date_bin('1 hour', inserted_events.event_timestamp, 'epoch')
                end as bucket,
                case
                    when inserted_events.event_timestamp >= first_product_day then
                        date_bin('1 day', inserted_events.event_timestamp, 'epoch')
                end as product_day
            from inserted_events
        ) as dated_events
        group by grouping sets (
            (dated_events.is_recent, dated_events.bucket, dated_events.event_type),
            (dated_events.product_day, dated_events.product_id)
        )
    ),
    kept_product_gains as (
        insert into product_gains (bucket, product_id, events, purchases, quantity, revenue)
        select
            finest_gains.product_day,
            finest_gains.product_id,
            finest_gains.events,
            finest_gains.purchases,
            finest_gains.purchased_quantity,
            finest_gains.revenue
        from finest_gains
        where finest_gains.is_of_product
    ),
    time_gains as materialized (
        select
            finest_gains.is_recent,
            finest_gains.bucket,
            finest_gains.event_type,
            finest_gains.events,
            finest_gains.quantity,
            finest_gains.revenue
        from finest_gains
        where not finest_gains.is_of_product
    ),
    -- Of what was inserted, by the rollups' own count.
    all_inserted as materialized (
        select coalesce(sum(time_gains.events), 0) as events
        from time_gains
    ),
    inserted_counts as materialized (
        select inserted_events.chunk_id, count(*) as inserted
        from inserted_events
        group by inserted_events.chunk_id
    ),
    counted_chunks as (
        update batch_chunks
        set inserted = inserted_counts.inserted
        from inserted_counts
        where batch_chunks.chunk_id = inserted_counts.chunk_id
    ),
    -- What is neither inserted nor known to be refused: looked for, by one more scan and a hash table of all that was inserted,
    -- only when the counts say that there is some.
    missing_records as materialized (
        select bare_records.*
        from bare_records
        where
            (select all_inserted.events from all_inserted) < valid_count
            and not exists (
                select from inserted_events
                where
                    inserted_events.chunk_id = bare_records.chunk_id
                    and inserted_events.record_no = bare_records.record_no
            )
            and not exists (
                select from invalid_records
                where
                    not is_mostly_plain
                    and invalid_records.chunk_id = bare_records.chunk_id
                    and invalid_records.record_no = bare_records.record_no
            )
    ),
    judged_records as materialized (
        select
            missing_records.*,
            not is_mostly_plain
            or ingest.is_valid_record(
                missing_records.problem,
                missing_records.plain_second,
                missing_records.event_id,
                missing_records.event_type,
                missing_records.product_id,
                missing_records.user_id,
                missing_records.event_timestamp,
                missing_records.quantity,
                missing_records.price,
                known_types,
                not_after,
                last_second
            ) as is_valid
        from missing_records
    ),
    kept_invalid as (
        insert into invalid_records (chunk_id, record_no)
        select judged_records.chunk_id, judged_records.record_no
        from judged_records
        where not judged_records.is_valid
    ),
    -- Valid, and their event_id was taken: by a record before them, or by an event that was there.
    kept_losers as (
        insert into losing_records
        select
            judged_records.load_id,
            judged_records.chunk_id,
            judged_records.record_no,
            judged_records.event_id::uuid,
            judged_records.event_type,
            judged_records.product_id,
            judged_records.user_id,
            judged_records.event_timestamp::timestamptz,
            judged_records.quantity::integer,
            judged_records.price::numeric(10, 2),
            judged_records.attributes
        from judged_records
        where judged_records.is_valid
    ),
    bucketed_gains as (
        select 'minute' as grain, time_gains.bucket as grain_bucket, time_gains.*
        from time_gains
        where time_gains.is_recent
        union all
        select 'hour', date_bin('1 hour', time_gains.bucket, 'epoch'), time_gains.*
        from time_gains
        union all
        select 'day', date_bin('1 day', time_gains.bucket, 'epoch'), time_gains.*
        from time_gains
        union all
        select 'total', 'epoch', time_gains.*
        from time_gains
    ),
    gains as (
        select
            bucketed_gains.grain,
            bucketed_gains.grain_bucket as bucket,
            bucketed_gains.event_type,
            sum(bucketed_gains.events) as events,
            sum(bucketed_gains.quantity) as quantity,
            sum(bucketed_gains.revenue) as revenue
        from bucketed_gains
        group by 1, 2, 3
    )
    select
        array_agg(
            row(gains.grain, gains.bucket, gains.event_type, gains.events, gains.quantity, gains.revenue)::ingest.event_stats
        )
    into rollups
    from gains;
    return rollups;
end
$$;

-- A later statement, and so with the inserted rows in sight: a valid record whose event_id was taken is a
-- duplicate when all it says is what is stored, else a conflict, which rejects keeps. One whose event is not there at all
-- was left out by a trigger, without an error.
create or replace function ingest.settle_losers(this_batch_id bigint)
returns void
language plpgsql
-- Staging has no statistics, and the constants below decide what is planned at all.
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
as $$
declare
    idle_lanes constant smallint[] := ingest.idle_lanes();
begin
    if not exists (select from losing_records) then
        return;
    end if;

    with losers as materialized (
        select losing_records.*
        from losing_records
    ),
    compared_records as materialized (
        select
            losers.load_id,
            losers.chunk_id,
            losers.record_no,
            events.event_id is null as is_left_out,
            (
                losers.event_type,
                losers.product_id,
                losers.user_id,
                losers.event_timestamp,
                losers.quantity,
                losers.price,
                losers.attributes
            ) is distinct from (
                events.event_type,
                events.product_id,
                events.user_id,
                events.event_timestamp,
                events.quantity,
                events.price,
                events.attributes
            ) as is_conflict
        from losers
        -- Fenced, so that it is a look-up a loser and never a scan of the table.
        left join lateral (
            select events.*
            from public.events
            where events.event_id = losers.event_id
            offset 0
        ) as events on true
    ),
    duplicate_counts as (
        select compared_records.chunk_id, count(*) as duplicate
        from compared_records
        where not compared_records.is_conflict
        group by compared_records.chunk_id
    ),
    kept_losers as (
        insert into ingest.rejects (chunk_id, record_no, batch_id, kind, reasons, record, refusal)
        select
            staging.chunk_id,
            staging.record_no,
            this_batch_id,
            case when compared_records.is_left_out then 'rejected' else 'conflict' end,
            array[case when compared_records.is_left_out then 'refused_by_table' else 'event_id_conflict' end],
            ingest.raw_record(staging, batch_chunks.extra_columns),
            case when compared_records.is_left_out then ingest.silent_refusal() end
        from ingest.staging
        inner join batch_chunks
            on batch_chunks.load_id = staging.load_id and batch_chunks.chunk_id = staging.chunk_id
        inner join compared_records
            on
                compared_records.load_id = staging.load_id
                and compared_records.chunk_id = staging.chunk_id
                and compared_records.record_no = staging.record_no
        where
            staging.lane <> all(idle_lanes)
            and compared_records.is_conflict
            and exists (select from compared_records where compared_records.is_conflict)
        order by staging.chunk_id, staging.record_no
        returning rejects.chunk_id, rejects.kind
    ),
    conflict_counts as (
        select
            kept_losers.chunk_id,
            count(*) filter (where kept_losers.kind = 'conflict') as conflict,
            count(*) filter (where kept_losers.kind = 'rejected') as rejected
        from kept_losers
        group by kept_losers.chunk_id
    )
    update batch_chunks
    set
        duplicate = coalesce(duplicate_counts.duplicate, 0),
        conflict = coalesce(conflict_counts.conflict, 0),
        rejected = batch_chunks.rejected + coalesce(conflict_counts.rejected, 0)
    from duplicate_counts
    full join conflict_counts on conflict_counts.chunk_id = duplicate_counts.chunk_id
    where batch_chunks.chunk_id = coalesce(duplicate_counts.chunk_id, conflict_counts.chunk_id);
end
$$;

-- What stands beside a reject when the table did not say why.
create or replace function ingest.silent_refusal()
returns jsonb
language sql
immutable
return jsonb_build_object(
    'message', 'A trigger on events left the record out without an error (or its event was deleted in that moment).'
);

-- Adds a batch's gains to the rollups, in key order, so that two merges that end together queue and never deadlock.
create or replace function ingest.update_rollups(rollups ingest.event_stats[])
returns void
language plpgsql
as $$
begin
    insert into ingest.event_stats (grain, bucket, event_type, events, quantity, revenue)
    select gains.grain, gains.bucket, gains.event_type, gains.events, gains.quantity, gains.revenue
    from unnest(rollups) as gains
    order by gains.grain, gains.bucket, gains.event_type
    on conflict (grain, bucket, event_type) do update
    set
        events = event_stats.events + excluded.events,
        quantity = event_stats.quantity + excluded.quantity,
        revenue = event_stats.revenue + excluded.revenue;
    perform ingest.update_product_stats();
end
$$;
