-- Rendered by `bun run sql:render` from src/streams/render/. Change the template, not this file.

-- Functions that plan anew in each call: staging has no statistics, and the constants decide what is planned at all. They turn
-- nested loops off: without figures the planner takes a thousandth of the rows for one, and a loop over both sides for cheap.
-- A hash table that does not fit its memory is kept in batches; a million records cost a merge what each of a thousand
-- costs. (`in` over a query is a table that has to fit, or is searched once a row.)

create or replace function ingest.prepare_stream_merge()
returns void
language plpgsql
as $$
begin
    -- Valid records that found their key taken, with the values to compare.
    create temporary table losing_records (
        chunk_id bigint not null,
        record_no bigint not null,
        event_id uuid,
        event_type text,
        product_id text,
        user_id text,
        event_timestamp timestamptz,
        quantity integer,
        price numeric(10,2),
        attributes jsonb
    ) on commit delete rows;
    -- Records of this batch that become rejects; with what the table said of those that it refuses.
    create temporary table rejected_records (
        chunk_id bigint not null,
        record_no bigint not null,
        kind text not null default 'rejected',
        refusal jsonb
    ) on commit delete rows;
    -- Where the table has triggers: what an insert or update said that it wrote, and the key that the record there has.
    create temporary table written_rows (
        told_key uuid,
        record_key uuid,
        chunk_id bigint,
        record_no bigint,
        event_type text,
        product_id text,
        event_timestamp timestamptz,
        quantity integer,
        price numeric(10,2)
    ) on commit delete rows;
    perform ingest.prepare_rollups();
end
$$;

-- Extras as a reject's record keeps them, beside our columns: one that has the name of one of ours (aliases can make it) gets
-- "attributes." before it, or a replay would read it as the column. So does one that is called so already.
create or replace function ingest.extras_in_record(extras jsonb)
returns jsonb
language sql
immutable
parallel safe
return case
    when
        extras ?| array[
            'event_id', 'event_type', 'product_id', 'user_id', 'event_timestamp', 'quantity', 'price',
            'attributes.event_id', 'attributes.event_type', 'attributes.product_id', 'attributes.user_id',
            'attributes.event_timestamp', 'attributes.quantity', 'attributes.price'
        ]
    then
        (
            select
                jsonb_object_agg(
                    regexp_replace(kept.key, '^((attributes\.)*(event_id|event_type|product_id|user_id|event_timestamp|quantity|price))$', 'attributes.\1'),
                    kept.value
                )
            from jsonb_each(extras) as kept
        )
    else extras
end;

-- The other way round: the text of the extras of a reject's record.
create or replace function ingest.extras_of_record(record jsonb)
returns text
language sql
immutable
parallel safe
return (
    select
        jsonb_object_agg(
            regexp_replace(kept.key, '^attributes\.((attributes\.)*(event_id|event_type|product_id|user_id|event_timestamp|quantity|price))$', '\1'),
            nullif(kept.value, '')
        )::text
    from jsonb_each_text(record - array['event_id', 'event_type', 'product_id', 'user_id', 'event_timestamp', 'quantity', 'price']) as kept
);

-- White space of unknown columns is theirs: only the empty value, quoted or not, is left out.
create or replace function ingest.extra_values(staged ingest.staging)
returns text[]
language sql
immutable
return array[
    nullif(staged.extra_1, ''), nullif(staged.extra_2, ''), nullif(staged.extra_3, ''),
    nullif(staged.extra_4, ''), nullif(staged.extra_5, ''), nullif(staged.extra_6, ''),
    nullif(staged.extra_7, ''), nullif(staged.extra_8, ''), nullif(staged.extra_9, ''),
    nullif(staged.extra_10, ''), nullif(staged.extra_11, ''), nullif(staged.extra_12, ''),
    nullif(staged.extra_13, ''), nullif(staged.extra_14, ''), nullif(staged.extra_15, ''),
    nullif(staged.extra_16, '')
];

-- From two arrays, in half the time that jsonb_build_object takes.
create or replace function ingest.known_values(staged ingest.staging)
returns jsonb
language sql
immutable
return jsonb_object(
    array['event_id', 'event_type', 'product_id', 'user_id', 'event_timestamp', 'quantity', 'price'],
    array[
        staged.event_id, staged.event_type, staged.product_id, staged.user_id, staged.event_timestamp,
        staged.quantity, staged.price
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
            ingest.extras_in_record(
                ingest.extras_of(staged.attributes, extra_columns, ingest.extra_values(staged))
            ),
            '{}'::jsonb
        )
end;

-- Every reason why a record is rejected, in the order of the columns; empty when it is not. Where nothing may need it, nothing
-- is trimmed: a rule asks for its value again and again, and the trims would cost more than the rules.
create or replace function ingest.reject_reasons(staged ingest.staging, is_padded boolean, facts ingest.event_facts)
returns text[]
language sql
stable
return case
    when staged.problem is not null then array[staged.problem::jsonb ->> 'reason']
    else array_remove(
        array[
            ingest.event_id_reason(ingest.bare(staged.event_id, is_padded)),
            ingest.event_type_reason(ingest.bare(staged.event_type, is_padded), (facts).known_types),
            ingest.product_id_reason(ingest.bare(staged.product_id, is_padded)),
            ingest.user_id_reason(ingest.bare(staged.user_id, is_padded)),
            ingest.event_timestamp_reason(ingest.bare(staged.event_timestamp, is_padded), (facts).not_after),
            ingest.quantity_reason(ingest.bare(staged.quantity, is_padded)),
            ingest.price_reason(ingest.bare(staged.price, is_padded))
        ],
        null
    )
end;


-- Counts what is staged of each chunk and what of it is read (the slices of this batch), instead of taking the loader's word.
-- No value is looked at, so only the head of each row is unpacked; and nothing is written: what was lost can still leave
-- the batch.
create or replace function ingest.count_records()
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
-- Grouping wide rows by sorting them would take 0.3 s a million; a few hundred groups always fit a hash table.
set enable_sort = off
as $$
declare
    idle_lanes constant smallint[] := ingest.idle_lanes();
begin
    with counted_chunks as materialized (
        select
            staging.chunk_id,
            count(*) as staged,
            count(*) filter (where (1 << staging.slice_no) & batch_chunks.todo_slices <> 0) as read
        from ingest.staging
        inner join batch_chunks
            on batch_chunks.load_id = staging.load_id and batch_chunks.chunk_id = staging.chunk_id
        where staging.lane <> all(idle_lanes)
        group by staging.chunk_id
    )
    update batch_chunks
    set
        staged = counted_chunks.staged,
        is_verified = true,
        read = counted_chunks.read
    from counted_chunks
    where batch_chunks.chunk_id = counted_chunks.chunk_id;
end
$$;


-- Facts about the batch, known before staging is read. The fields are constants by the time a plan is made, so that
-- nothing is planned for what no chunk asks for.
drop type if exists ingest.merge_scan;
create type ingest.merge_scan as (
    idle_lanes smallint[],
    has_padded boolean,
    -- Where none has unknown columns, those of staging are not even unpacked.
    wants_extras boolean,
    -- Rows of another merge's slices are left out by the scan itself, before they are joined.
    wanted_slices integer,
    wants_all boolean,
    -- The batch is every chunk of the stream between its first and its last, the same slices of each, and nothing is asked
    -- of them (nearly always). Then a staged row is chosen by its ids alone, without a join. Not where rows were lost: only
    -- the pair of ids tells what a chunk left in an earlier load from what was staged again.
    is_range boolean,
    first_chunk bigint,
    last_chunk bigint,
    load_ids bigint[],
    -- Some records are known to be refused by the table: they are left out.
    has_refused boolean,
    -- All records have typed values: their texts are not even unpacked.
    is_typed boolean
);

create or replace function ingest.plan_scan()
returns ingest.merge_scan
language plpgsql
as $$
declare
    scan ingest.merge_scan;
begin
    select
        ingest.idle_lanes(),
        bool_or(batch_chunks.is_padded),
        bool_or(batch_chunks.has_extras),
        bit_or(batch_chunks.todo_slices),
        bit_or(batch_chunks.todo_slices) = ingest.all_slices(),
        min(batch_chunks.todo_slices) = max(batch_chunks.todo_slices)
        and not bool_or(batch_chunks.is_padded or batch_chunks.has_extras or batch_chunks.is_verified),
        min(batch_chunks.chunk_id),
        max(batch_chunks.chunk_id),
        array_agg(distinct batch_chunks.load_id),
        exists (select from rejected_records),
        bool_and(batch_chunks.is_typed)
    into scan
    from batch_chunks;
    scan.is_range := scan.is_range and ingest.is_chunk_range();
    return scan;
end
$$;

-- The staged records of the batch: their values trimmed, and the verdict. Inlined where it is used.
set local check_function_bodies = off;
create or replace function ingest.staged_values(scan ingest.merge_scan, facts ingest.event_facts)
returns table (
    chunk_id bigint, record_no bigint, plain_second bigint,
    event_id text, event_type text, product_id text, user_id text, event_timestamp text, quantity text,
    price text,
    attributes jsonb, is_valid boolean
)
language sql
stable
as $$
    select
        bare.chunk_id, bare.record_no, bare.plain_second,
        bare.event_id, bare.event_type, bare.product_id, bare.user_id, bare.event_timestamp, bare.quantity,
        bare.price,
        bare.attributes,
        case
            
            when bare.plain_second <= (facts).last_second
            and ingest.event_type_reason(bare.event_type, (facts).known_types) is null
            and ingest.product_id_reason(bare.product_id) is null
            and ingest.user_id_reason(bare.user_id) is null then true
            else
                bare.problem is null
                and ingest.event_id_reason(bare.event_id) is null
                and ingest.event_type_reason(bare.event_type, (facts).known_types) is null
                and ingest.product_id_reason(bare.product_id) is null
                and ingest.user_id_reason(bare.user_id) is null
                and ingest.event_timestamp_reason(bare.event_timestamp, (facts).not_after) is null
                and ingest.quantity_reason(bare.quantity) is null
                and ingest.price_reason(bare.price) is null
        end as is_valid
    from (
        select
            staging.chunk_id, staging.record_no, staging.plain_second, staging.problem,
            ingest.bare(staging.event_id, scan.has_padded and chunks.is_padded) as event_id,
            ingest.bare(staging.event_type, scan.has_padded and chunks.is_padded) as event_type,
            ingest.bare(staging.product_id, scan.has_padded and chunks.is_padded) as product_id,
            ingest.bare(staging.user_id, scan.has_padded and chunks.is_padded) as user_id,
            ingest.bare(staging.event_timestamp, scan.has_padded and chunks.is_padded) as event_timestamp,
            ingest.bare(staging.quantity, scan.has_padded and chunks.is_padded) as quantity,
            ingest.bare(staging.price, scan.has_padded and chunks.is_padded) as price,
            case
                -- A record that could not be split has no values, and this stands before the verdict.
                when
                    scan.wants_extras
                    and (staging.attributes is not null or chunks.extra_columns is not null)
                    and staging.problem is null
                then ingest.extras_of(staging.attributes, chunks.extra_columns, ingest.extra_values(staging))
            end as attributes
        from ingest.staging
        -- Distinct, as the planner sees: where nothing is asked of the chunks, it leaves them out.
        left join (
            select distinct on (batch_chunks.load_id, batch_chunks.chunk_id) batch_chunks.*
            from batch_chunks
        ) as chunks on chunks.load_id = staging.load_id and chunks.chunk_id = staging.chunk_id
        where
            staging.lane <> all(scan.idle_lanes)
            and (scan.wants_all or (1 << staging.slice_no) & scan.wanted_slices <> 0)
            and case
                when scan.is_range then
                    staging.chunk_id >= scan.first_chunk
                    and staging.chunk_id <= scan.last_chunk
                    and staging.load_id = any(scan.load_ids)
                else (1 << staging.slice_no) & chunks.todo_slices <> 0
            end
            and (
                not scan.has_refused
                or not exists (
                    select from rejected_records
                    where (rejected_records.chunk_id, rejected_records.record_no) = (staging.chunk_id, staging.record_no)
                )
            )
        -- A fence: without it the planner repeats the trims in every place that uses them.
        offset 0
    ) as bare
$$;
set local check_function_bodies = on;

-- Those of them that the rules pass, cast. A scan computes what it selects of the rows that pass, so no cast sees others.
create or replace function ingest.valid_records(scan ingest.merge_scan, facts ingest.event_facts)
returns table (
    chunk_id bigint, record_no bigint,
    event_id uuid, event_type text, product_id text, user_id text, event_timestamp timestamptz,
    quantity integer, price numeric(10,2),
    attributes jsonb
)
language sql
stable
as $$
    select
        staged.chunk_id, staged.record_no,
        staged.event_id::uuid as event_id, staged.event_type as event_type, staged.product_id as product_id,
        staged.user_id as user_id,
        case when staged.plain_second > 0 then to_timestamp(staged.plain_second) else staged.event_timestamp::timestamptz end as event_timestamp,
        staged.quantity::integer as quantity, staged.price::numeric(10,2) as price,
        staged.attributes
    from ingest.staged_values(scan, facts) as staged
    where staged.is_valid
$$;

-- Keeps the keys of what the rules reject, without an insert: for a reject budget.
create or replace function ingest.validate_records()
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
as $$
declare
    scan constant ingest.merge_scan := ingest.plan_scan();
    facts constant ingest.event_facts := ingest.event_facts();
begin
    insert into rejected_records (chunk_id, record_no)
    select staged.chunk_id, staged.record_no
    from ingest.staged_values(scan, facts) as staged
    where not staged.is_valid;
end
$$;

-- Keys go as an array of these: a key may be an array itself, and each value keeps its collation.
drop type if exists ingest.record_key cascade;
create type ingest.record_key as (
    event_id uuid
);

-- Which of these keys the table has. A look-up in the index for each: without the settings a table that is known to be empty or
-- tiny would be read whole, while the same statement fills it.
create or replace function ingest.known_keys(ingest.record_key[])
returns setof ingest.record_key
language plpgsql
stable
set plan_cache_mode = 'force_custom_plan'
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_nestloop = on
as $$
begin
    return query
    select wanted.event_id
    from unnest($1) as wanted
    inner join public.events on events.event_id = wanted.event_id;
end
$$;

-- The rows that have these keys.
create or replace function ingest.stored_rows(ingest.record_key[])
returns setof public.events
language plpgsql
stable
set plan_cache_mode = 'force_custom_plan'
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_nestloop = on
as $$
begin
    return query
    select events.*
    from (select distinct wanted.* from unnest($1) as wanted) as wanted
    inner join public.events on events.event_id = wanted.event_id;
end
$$;

create or replace function ingest.insert_distributed_records()
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
set enable_seqscan = off
as $$
declare
    scan constant ingest.merge_scan := ingest.plan_scan();
    facts constant ingest.event_facts := ingest.event_facts();
    gain_facts constant ingest.gain_facts := ingest.gain_facts();
    is_watched constant boolean := ingest.triggers_on_table() is not null;
    expected constant bigint := (select sum(batch_chunks.read) from batch_chunks) - (select count(*) from rejected_records);
begin
    with first_records as materialized (
        select distinct on (event_id) valid_records.*
        from (
            select
                staged.chunk_id, staged.record_no,
                staged.event_id::uuid as event_id, staged.event_type as event_type, staged.product_id as product_id,
                staged.user_id as user_id,
                case when staged.plain_second > 0 then to_timestamp(staged.plain_second) else staged.event_timestamp::timestamptz end as event_timestamp,
                staged.quantity::integer as quantity, staged.price::numeric(10,2) as price,
                staged.attributes
            from (
                select
                    bare.chunk_id, bare.record_no, bare.plain_second,
                    bare.event_id, bare.event_type, bare.product_id, bare.user_id, bare.event_timestamp, bare.quantity,
                    bare.price,
                    bare.attributes,
                    case
                        
                        when bare.plain_second <= (facts).last_second
                        and ingest.event_type_reason(bare.event_type, (facts).known_types) is null
                        and ingest.product_id_reason(bare.product_id) is null
                        and ingest.user_id_reason(bare.user_id) is null then true
                        else
                            bare.problem is null
                            and ingest.event_id_reason(bare.event_id) is null
                            and ingest.event_type_reason(bare.event_type, (facts).known_types) is null
                            and ingest.product_id_reason(bare.product_id) is null
                            and ingest.user_id_reason(bare.user_id) is null
                            and ingest.event_timestamp_reason(bare.event_timestamp, (facts).not_after) is null
                            and ingest.quantity_reason(bare.quantity) is null
                            and ingest.price_reason(bare.price) is null
                    end as is_valid
                from (
                    select
                        staging.chunk_id, staging.record_no, staging.plain_second, staging.problem,
                        ingest.bare(staging.event_id, scan.has_padded and chunks.is_padded) as event_id,
                        ingest.bare(staging.event_type, scan.has_padded and chunks.is_padded) as event_type,
                        ingest.bare(staging.product_id, scan.has_padded and chunks.is_padded) as product_id,
                        ingest.bare(staging.user_id, scan.has_padded and chunks.is_padded) as user_id,
                        ingest.bare(staging.event_timestamp, scan.has_padded and chunks.is_padded) as event_timestamp,
                        ingest.bare(staging.quantity, scan.has_padded and chunks.is_padded) as quantity,
                        ingest.bare(staging.price, scan.has_padded and chunks.is_padded) as price,
                        case
                            -- A record that could not be split has no values, and this stands before the verdict.
                            when
                                scan.wants_extras
                                and (staging.attributes is not null or chunks.extra_columns is not null)
                                and staging.problem is null
                            then ingest.extras_of(staging.attributes, chunks.extra_columns, ingest.extra_values(staging))
                        end as attributes
                    from ingest.staging
                    -- Distinct, as the planner sees: where nothing is asked of the chunks, it leaves them out.
                    left join (
                        select distinct on (batch_chunks.load_id, batch_chunks.chunk_id) batch_chunks.*
                        from batch_chunks
                    ) as chunks on chunks.load_id = staging.load_id and chunks.chunk_id = staging.chunk_id
                    where
                        staging.lane <> all(scan.idle_lanes)
                        and (scan.wants_all or (1 << staging.slice_no) & scan.wanted_slices <> 0)
                        and case
                            when scan.is_range then
                                staging.chunk_id >= scan.first_chunk
                                and staging.chunk_id <= scan.last_chunk
                                and staging.load_id = any(scan.load_ids)
                            else (1 << staging.slice_no) & chunks.todo_slices <> 0
                        end
                        and (
                            not scan.has_refused
                            or not exists (
                                select from rejected_records
                                where (rejected_records.chunk_id, rejected_records.record_no) = (staging.chunk_id, staging.record_no)
                            )
                        )
                    -- A fence: without it the planner repeats the trims in every place that uses them.
                    offset 0
                ) as bare
            ) as staged
            where staged.is_valid
        ) as valid_records
        order by event_id, chunk_id, record_no
    ),
    known_keys as materialized (
        select known_keys.*
        from ingest.known_keys(
            array(select row(first_records.event_id)::ingest.record_key from first_records)
        ) as known_keys
    ),
    new_records as not materialized (
        select first_records.*
        from first_records
        where not exists (select from known_keys where known_keys.event_id = first_records.event_id)
    ),
    inserted_rows as (
        insert into public.events (
            event_id, event_type, product_id, user_id, event_timestamp, quantity, price, attributes, chunk_id,
            record_no
        )
        select
            event_id, event_type, product_id, user_id, event_timestamp, quantity, price, attributes, chunk_id,
            record_no
        from new_records
        returning
            case when is_watched then events.event_id end as record_key,
            events.chunk_id, events.record_no, events.event_type, events.product_id, events.event_timestamp,
            events.quantity, events.price
    ),
    watched_rows as (
        insert into written_rows
        select new_records.event_id, inserted_rows.*
        from inserted_rows
        left join new_records using (chunk_id, record_no)
        where is_watched
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
        from inserted_rows
        cross join lateral ingest.gain_times(event_timestamp, gain_facts)
        group by grouping sets ((is_recent, bucket, event_type), (product_day, product_id))
    ),
    inserted_counts as materialized (
        select inserted_rows.chunk_id, count(*) as inserted
        from inserted_rows
        group by inserted_rows.chunk_id
    ),
    counted_chunks as (
        update batch_chunks
        set inserted = inserted_counts.inserted
        from inserted_counts
        where batch_chunks.chunk_id = inserted_counts.chunk_id
    ),
    missing_records as materialized (
        select staged.*
        from (
            select
                bare.chunk_id, bare.record_no, bare.plain_second,
                bare.event_id, bare.event_type, bare.product_id, bare.user_id, bare.event_timestamp, bare.quantity,
                bare.price,
                bare.attributes,
                case
                    
                    when bare.plain_second <= (facts).last_second
                    and ingest.event_type_reason(bare.event_type, (facts).known_types) is null
                    and ingest.product_id_reason(bare.product_id) is null
                    and ingest.user_id_reason(bare.user_id) is null then true
                    else
                        bare.problem is null
                        and ingest.event_id_reason(bare.event_id) is null
                        and ingest.event_type_reason(bare.event_type, (facts).known_types) is null
                        and ingest.product_id_reason(bare.product_id) is null
                        and ingest.user_id_reason(bare.user_id) is null
                        and ingest.event_timestamp_reason(bare.event_timestamp, (facts).not_after) is null
                        and ingest.quantity_reason(bare.quantity) is null
                        and ingest.price_reason(bare.price) is null
                end as is_valid
            from (
                select
                    staging.chunk_id, staging.record_no, staging.plain_second, staging.problem,
                    ingest.bare(staging.event_id, scan.has_padded and chunks.is_padded) as event_id,
                    ingest.bare(staging.event_type, scan.has_padded and chunks.is_padded) as event_type,
                    ingest.bare(staging.product_id, scan.has_padded and chunks.is_padded) as product_id,
                    ingest.bare(staging.user_id, scan.has_padded and chunks.is_padded) as user_id,
                    ingest.bare(staging.event_timestamp, scan.has_padded and chunks.is_padded) as event_timestamp,
                    ingest.bare(staging.quantity, scan.has_padded and chunks.is_padded) as quantity,
                    ingest.bare(staging.price, scan.has_padded and chunks.is_padded) as price,
                    case
                        -- A record that could not be split has no values, and this stands before the verdict.
                        when
                            scan.wants_extras
                            and (staging.attributes is not null or chunks.extra_columns is not null)
                            and staging.problem is null
                        then ingest.extras_of(staging.attributes, chunks.extra_columns, ingest.extra_values(staging))
                    end as attributes
                from ingest.staging
                -- Distinct, as the planner sees: where nothing is asked of the chunks, it leaves them out.
                left join (
                    select distinct on (batch_chunks.load_id, batch_chunks.chunk_id) batch_chunks.*
                    from batch_chunks
                ) as chunks on chunks.load_id = staging.load_id and chunks.chunk_id = staging.chunk_id
                where
                    staging.lane <> all(scan.idle_lanes)
                    and (scan.wants_all or (1 << staging.slice_no) & scan.wanted_slices <> 0)
                    and case
                        when scan.is_range then
                            staging.chunk_id >= scan.first_chunk
                            and staging.chunk_id <= scan.last_chunk
                            and staging.load_id = any(scan.load_ids)
                        else (1 << staging.slice_no) & chunks.todo_slices <> 0
                    end
                    and (
                        not scan.has_refused
                        or not exists (
                            select from rejected_records
                            where (rejected_records.chunk_id, rejected_records.record_no) = (staging.chunk_id, staging.record_no)
                        )
                    )
                -- A fence: without it the planner repeats the trims in every place that uses them.
                offset 0
            ) as bare
        ) as staged
        left join inserted_rows
            on inserted_rows.chunk_id = staged.chunk_id and inserted_rows.record_no = staged.record_no
        where
            coalesce((select sum(inserted_counts.inserted) from inserted_counts), 0) < expected
            and inserted_rows.chunk_id is null
    ),
    kept_invalid as (
        insert into rejected_records (chunk_id, record_no)
        select chunk_id, record_no
        from missing_records
        where not is_valid
    )
    insert into losing_records
    select
        chunk_id, record_no,
        event_id::uuid, event_type, product_id, user_id, event_timestamp::timestamptz, quantity::integer,
        price::numeric(10,2),
        attributes
    from missing_records
    where is_valid;
end
$$;

-- Inserts, in key order, the first valid record of every key that is not yet there; keeps what the rollups gain, the
-- keys of what the rules reject for reject_records, and the valid records that were not inserted for classify_losers.
--
-- Keys are looked up before, not left to ON CONFLICT: that costs a quarter of the whole insert in CPU, a look-up a tenth.
-- No other merge inserts these keys, since we hold their slices; somebody else's insert in between is a unique violation,
-- and the merge is called again. As a scalar, so that it is always a look-up in the index, in key order; what Citus does not take, of a
-- table that it distributes, costs a fifth more.
--
-- Records that were not inserted are looked for, by one more scan and a hash table of all that was, only when the counts say that
-- there is some. A valid record lost its key to one before it, or to a row that was there.
--
-- Without enable_seqscan a table that is known to be empty or tiny would be read whole for each key, while this very statement
-- fills it.
create or replace function ingest.insert_records()
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
set enable_seqscan = off
as $$
declare
    scan constant ingest.merge_scan := ingest.plan_scan();
    facts constant ingest.event_facts := ingest.event_facts();
    gain_facts constant ingest.gain_facts := ingest.gain_facts();
    is_watched constant boolean := ingest.triggers_on_table() is not null;
    expected constant bigint := (select sum(batch_chunks.read) from batch_chunks) - (select count(*) from rejected_records);
begin
    if ingest.is_distributed('public.events') then
        perform ingest.insert_distributed_records();
        return;
    end if;
    with first_records as (
        select distinct on (event_id) valid_records.*
        from ingest.valid_records(scan, facts) as valid_records
        order by event_id, chunk_id, record_no
    ),
    new_records as not materialized (
        select first_records.*
        from first_records
        where (select true from public.events where events.event_id = first_records.event_id) is null
    ),
    inserted_rows as (
        insert into public.events (
            event_id, event_type, product_id, user_id, event_timestamp, quantity, price, attributes, chunk_id,
            record_no
        )
        select
            event_id, event_type, product_id, user_id, event_timestamp, quantity, price, attributes, chunk_id,
            record_no
        from new_records
        returning
            case when is_watched then events.event_id end as record_key,
            events.chunk_id, events.record_no, events.event_type, events.product_id, events.event_timestamp,
            events.quantity, events.price
    ),
    watched_rows as (
        insert into written_rows
        select new_records.event_id, inserted_rows.*
        from inserted_rows
        left join new_records using (chunk_id, record_no)
        where is_watched
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
        from inserted_rows
        cross join lateral ingest.gain_times(event_timestamp, gain_facts)
        group by grouping sets ((is_recent, bucket, event_type), (product_day, product_id))
    ),
    inserted_counts as materialized (
        select inserted_rows.chunk_id, count(*) as inserted
        from inserted_rows
        group by inserted_rows.chunk_id
    ),
    counted_chunks as (
        update batch_chunks
        set inserted = inserted_counts.inserted
        from inserted_counts
        where batch_chunks.chunk_id = inserted_counts.chunk_id
    ),
    missing_records as materialized (
        select staged.*
        from ingest.staged_values(scan, facts) as staged
        left join inserted_rows
            on inserted_rows.chunk_id = staged.chunk_id and inserted_rows.record_no = staged.record_no
        where
            coalesce((select sum(inserted_counts.inserted) from inserted_counts), 0) < expected
            and inserted_rows.chunk_id is null
    ),
    kept_invalid as (
        insert into rejected_records (chunk_id, record_no)
        select chunk_id, record_no
        from missing_records
        where not is_valid
    )
    insert into losing_records
    select
        chunk_id, record_no,
        event_id::uuid, event_type, product_id, user_id, event_timestamp::timestamptz, quantity::integer,
        price::numeric(10,2),
        attributes
    from missing_records
    where is_valid;
end
$$;

-- A later statement, and so with the inserted rows in sight: a valid record whose key was taken is a duplicate when all it
-- says is what is stored, else a conflict. One whose row is not there at all was left out by a trigger, without an error.
create or replace function ingest.classify_losers()
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
as $$
begin
    if not exists (select from losing_records) then
        return;
    end if;
    perform ingest.refuse_redirection();

    with losers as materialized (
        select losing_records.*
        from losing_records
    ),
    compared_records as materialized (
        select
            losers.chunk_id,
            losers.record_no,
            stored.event_id is null as is_left_out,
            (
                losers.event_type, losers.product_id, losers.user_id, losers.event_timestamp, losers.quantity,
                losers.price, losers.attributes
            ) is distinct from (
                stored.event_type, stored.product_id, stored.user_id, stored.event_timestamp, stored.quantity,
                stored.price, stored.attributes
            ) as is_conflict
        from losers
        left join ingest.stored_rows(
            array(select row(losers.event_id)::ingest.record_key from losers)
        ) as stored on stored.event_id = losers.event_id
    ),
    kept_losers as (
        insert into rejected_records (chunk_id, record_no, kind, refusal)
        select
            compared_records.chunk_id,
            compared_records.record_no,
            case when compared_records.is_left_out then 'rejected' else 'conflict' end,
            case when compared_records.is_left_out then ingest.silent_refusal() end
        from compared_records
        where compared_records.is_conflict
    ),
    duplicate_counts as (
        select compared_records.chunk_id, count(*) as duplicate
        from compared_records
        where not compared_records.is_conflict
        group by compared_records.chunk_id
    )
    update batch_chunks
    set duplicate = batch_chunks.duplicate + duplicate_counts.duplicate
    from duplicate_counts
    where batch_chunks.chunk_id = duplicate_counts.chunk_id;
end
$$;

-- Raises SL010 where the row of a record that was not inserted is its own: a trigger has put it into a table that inherits.
create or replace function ingest.refuse_redirection()
returns void
language plpgsql
as $$
declare
    triggers constant text := ingest.triggers_on_table();
begin
    if triggers is not null and exists (
        select from losing_records
        inner join ingest.stored_rows(
            array(select row(losing_records.event_id)::ingest.record_key from losing_records)
        ) as stored on stored.event_id = losing_records.event_id
        where stored.chunk_id = losing_records.chunk_id and stored.record_no = losing_records.record_no
    ) then
        raise exception 'the trigger % puts the rows of % into another table: drop it, or let that table not inherit',
            triggers, 'events'
        using errcode = 'SL010';
    end if;
end
$$;

-- Writes rejects: what the rules reject, with every reason, what the table refuses, and conflicts.
create or replace function ingest.reject_records(this_batch_id bigint)
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
as $$
declare
    idle_lanes constant smallint[] := ingest.idle_lanes();
    facts constant ingest.event_facts := ingest.event_facts();
    has_padded constant boolean := exists (select from batch_chunks where batch_chunks.is_padded);
begin
    if not exists (select from rejected_records) then
        return;
    end if;

    with written_rejects as (
        insert into ingest.rejects (
            chunk_id, record_no, batch_id, kind, reasons, record, raw_text, line_no, byte_offset, refusal
        )
        select
            staging.chunk_id,
            staging.record_no,
            this_batch_id,
            rejected_records.kind,
            case
                when rejected_records.kind = 'conflict' then array['event_id_conflict']
                when rejected_records.refusal is not null then array[ingest.refusal_reason(rejected_records.refusal)]
                else ingest.reject_reasons(staging, has_padded and batch_chunks.is_padded, facts)
            end,
            ingest.raw_record(staging, batch_chunks.extra_columns),
            staging.problem::jsonb ->> 'raw',
            (staging.problem::jsonb ->> 'line')::bigint,
            (staging.problem::jsonb ->> 'byte')::bigint,
            rejected_records.refusal
        from ingest.staging
        inner join batch_chunks
            on batch_chunks.load_id = staging.load_id and batch_chunks.chunk_id = staging.chunk_id
        -- Distinct: the rows of an earlier load of a chunk may be there beside those of its own.
        inner join (select distinct rejected_records.* from rejected_records) as rejected_records
            on rejected_records.chunk_id = staging.chunk_id and rejected_records.record_no = staging.record_no
        where staging.lane <> all(idle_lanes)
        order by staging.chunk_id, staging.record_no
        returning rejects.chunk_id, rejects.kind
    ),
    reject_counts as (
        select
            written_rejects.chunk_id,
            count(*) filter (where written_rejects.kind = 'conflict') as conflict,
            count(*) filter (where written_rejects.kind = 'rejected') as rejected
        from written_rejects
        group by written_rejects.chunk_id
    )
    update batch_chunks
    set conflict = reject_counts.conflict, rejected = reject_counts.rejected
    from reject_counts
    where batch_chunks.chunk_id = reject_counts.chunk_id;
    
end
$$;

-- The reason of a record that passed the rules and that the table refused.
create or replace function ingest.refusal_reason(refusal jsonb)
returns text
language sql
immutable
return 'refused_by_table';
