drop type if exists ingest_orders.facts cascade;
-- Whether the conditions over a whole row are asked: one that raises is left to the table, record by record.
create type ingest_orders.facts as (asks_conditions boolean);

create or replace function ingest_orders.facts()
returns ingest_orders.facts
language sql
stable
return row(coalesce(current_setting('sluice.conditions', true), '') <> 'off')::ingest_orders.facts;

-- The staging table: raw text as COPY delivers it, one row a record, owed nothing (UNLOGGED: empty after a crash).
-- A staged row counts only while a chunk in state 'staged' names its load. Only the pipeline reads this table.
--
-- It has six lanes. Loads fill one; when that holds enough and another is empty they move on, and a lane whose loads
-- are all spent is truncated. So spent rows cost nothing to remove (DELETE: 1 s of CPU per million), merges read no
-- old ones, and nothing ever needs VACUUM, which would leave the planner with figures of a moment that is gone.
--
-- When the definition below changes, the old table is dropped: its chunks fail their count and are staged again.
do $$
declare
    definition constant text := 'staging, 6 lanes, plain second, order_id, customer_id, status, total, placed_at';
    lane smallint;
begin
    if obj_description(to_regclass('ingest_orders.staging'), 'pg_class') is distinct from definition then
        drop table if exists ingest_orders.staging cascade;
        create table ingest_orders.staging (
            load_id bigint not null,
            chunk_id bigint not null,
            record_no bigint not null,
            -- The second of its time since 1970, when the loader has seen that its values stand in the commonest form that the
            -- rules pass (src/engine/read/is-plain.ts); else null.
            plain_second bigint,
            -- the share of the key space that the record's key falls into, as the loader tells it
            slice_no smallint not null,
            -- In front of all text: every scan asks for it, and unpacks a row up to there.
            lane smallint not null default 0,
            -- {"reason", "line", "byte", "raw"} of a record that could not be split into values
            problem text,
            order_id text,
            customer_id text,
            status text,
            total text,
            placed_at text,
            -- parsed records: unknown columns as the text of one JSON object
            extras text,
            -- verbatim records: unknown columns in the order of files.extra_columns
            extra_1 text, extra_2 text, extra_3 text, extra_4 text, extra_5 text, extra_6 text, extra_7 text,
            extra_8 text, extra_9 text, extra_10 text, extra_11 text, extra_12 text, extra_13 text,
            extra_14 text, extra_15 text, extra_16 text
        ) partition by list (lane);
        foreach lane in array ingest.lanes() loop
            execute format(
                'create unlogged table ingest_orders.staging_%s partition of ingest_orders.staging (lane default %s)
                for values in (%s) with (autovacuum_enabled = false)',
                lane, lane, lane
            );
        end loop;
        execute format('comment on table ingest_orders.staging is %L', definition);
    end if;
end
$$;

-- Functions that plan anew in each call: staging has no statistics, and the constants decide what is planned at all. They turn
-- nested loops off: without figures the planner takes a thousandth of the rows for one, and a loop over both sides for cheap.
-- A hash table that does not fit its memory is kept in batches; a million records cost a merge what each of a thousand
-- costs. (`in` over a query is a table that has to fit, or is searched once a row.)

create or replace function ingest_orders.prepare_stream_merge()
returns void
language plpgsql
as $$
begin
    -- Valid records that found their key taken, with the values to compare.
    create temporary table losing_records (
        chunk_id bigint not null,
        record_no bigint not null,
        order_id bigint,
        customer_id bigint,
        status sales.order_status,
        total numeric(10,2),
        placed_at timestamp with time zone,
        extras jsonb
    ) on commit delete rows;
    -- Records of this batch that become rejects; with what the table said of those that it refuses.
    create temporary table rejected_records (
        chunk_id bigint not null,
        record_no bigint not null,
        kind text not null default 'rejected',
        refusal jsonb,
                -- of those that break a condition over the whole row
                reasons text[]
    ) on commit delete rows;
    
end
$$;

-- Extras as a reject's record keeps them, beside our columns: one that has the name of one of ours (aliases can make it) gets
-- "extras." before it, or a replay would read it as the column. So does one that is called so already.
create or replace function ingest_orders.extras_in_record(extras jsonb)
returns jsonb
language sql
immutable
parallel safe
return case
    when
        extras ?| array[
            'order_id', 'customer_id', 'status', 'total', 'placed_at', 'extras.order_id', 'extras.customer_id',
            'extras.status', 'extras.total', 'extras.placed_at'
        ]
    then
        (
            select
                jsonb_object_agg(
                    regexp_replace(kept.key, '^((extras\.)*(order_id|customer_id|status|total|placed_at))$', 'extras.\1'),
                    kept.value
                )
            from jsonb_each(extras) as kept
        )
    else extras
end;

-- The other way round: the text of the extras of a reject's record.
create or replace function ingest_orders.extras_of_record(record jsonb)
returns text
language sql
immutable
parallel safe
return (
    select
        jsonb_object_agg(
            regexp_replace(kept.key, '^extras\.((extras\.)*(order_id|customer_id|status|total|placed_at))$', '\1'),
            nullif(kept.value, '')
        )::text
    from jsonb_each_text(record - array['order_id', 'customer_id', 'status', 'total', 'placed_at']) as kept
);

-- White space of unknown columns is theirs: only the empty value, quoted or not, is left out.
create or replace function ingest_orders.extra_values(staged ingest_orders.staging)
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
create or replace function ingest_orders.known_values(staged ingest_orders.staging)
returns jsonb
language sql
immutable
return jsonb_object(
    array['order_id', 'customer_id', 'status', 'total', 'placed_at'],
    array[
        staged.order_id, staged.customer_id, staged.status, staged.total, staged.placed_at
    ]
);

-- The raw values of a staged record by column, as a reject keeps them. To add nothing takes as long as to build them.
create or replace function ingest_orders.raw_record(staged ingest_orders.staging, extra_columns text[])
returns jsonb
language sql
stable
return case
    when staged.problem is not null then null
    when staged.extras is null and extra_columns is null then ingest_orders.known_values(staged)
    else
        ingest_orders.known_values(staged)
        || coalesce(
            ingest_orders.extras_in_record(
                ingest.extras_of(staged.extras, extra_columns, ingest_orders.extra_values(staged))
            ),
            '{}'::jsonb
        )
end;

-- Every reason why a record is rejected, in the order of the columns; empty when it is not. Where nothing may need it, nothing
-- is trimmed: a rule asks for its value again and again, and the trims would cost more than the rules.
create or replace function ingest_orders.reject_reasons(staged ingest_orders.staging, is_padded boolean, facts ingest_orders.facts)
returns text[]
language sql
stable
return case
    when staged.problem is not null then array[staged.problem::jsonb ->> 'reason']
    else (
        select
            case
                when
                    (bare.order_id is not null and (case
                        when ingest.input_is_valid(bare.order_id, 'bigint') then case when (bare.order_id collate "C" >= 'A' or bare.order_id collate "C" between '0A' and '0z' or bare.order_id like '%\_%' or bare.order_id collate "C" < '.' and (substr(bare.order_id, 2) collate "C" >= 'A' or substr(bare.order_id, 2) collate "C" between '0A' and '0z')) and bare.order_id !~ '^[+-]?[0-9]+$' then 'invalid' end
                        when bare.order_id ~ '^[+-]?[0-9]+$' then 'out_of_range'
                        else 'invalid'
                    end) is null)
                    and (bare.customer_id is not null and (case
                        when ingest.input_is_valid(bare.customer_id, 'bigint') then case when (bare.customer_id collate "C" >= 'A' or bare.customer_id collate "C" between '0A' and '0z' or bare.customer_id like '%\_%' or bare.customer_id collate "C" < '.' and (substr(bare.customer_id, 2) collate "C" >= 'A' or substr(bare.customer_id, 2) collate "C" between '0A' and '0z')) and bare.customer_id !~ '^[+-]?[0-9]+$' then 'invalid' end
                        when bare.customer_id ~ '^[+-]?[0-9]+$' then 'out_of_range'
                        else 'invalid'
                    end) is null)
                    and (bare.status is null or (case when bare.status = any(array['new', 'paid']::text[]) then null when ingest.input_is_valid(bare.status, 'sales.order_status') then null else 'unknown' end) is null)
                    and (bare.total is not null and (case
                        when ingest.input_is_valid(bare.total, 'numeric') then
                            case
                                when ((bare.total collate "C" >= 'A' or bare.total collate "C" between '0A' and '0z' or bare.total like '%\_%' or bare.total collate "C" < '.' and (substr(bare.total, 2) collate "C" >= 'A' or substr(bare.total, 2) collate "C" between '0A' and '0z')) or bare.total like '%e%' or bare.total like '%E%') and not bare.total ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$' then 'invalid'
                                when bare.total::numeric <> round(bare.total::numeric, 2) then 'too_precise'
                                when abs(bare.total::numeric) >= 1e8::numeric then 'out_of_range'
                            end
                        when bare.total ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$' then 'out_of_range'
                        else 'invalid'
                    end) is null)
                    and (bare.placed_at is null or (case
                        when not ingest.input_is_valid(bare.placed_at, 'timestamp') then 'invalid'
                        when bare.placed_at like '____-__-__ __:__:__' and bare.placed_at::timestamp::text = bare.placed_at then null
                        when case
                            when bare.placed_at like '____-__-__ __:__:__.%' or bare.placed_at like '____-__-__T__:__:__.%' then
                                bare.placed_at::timestamp::text = rtrim(rtrim(replace(case
                                when bare.placed_at like '%Z' then left(bare.placed_at, -1)
                                when left(right(bare.placed_at, 6), 1) in ('+', '-') and right(bare.placed_at, 6) like '___:__' and translate(right(bare.placed_at, 6), '0123456789', '') in ('+:', '-:') then left(bare.placed_at, -6)
                                else bare.placed_at
                            end, 'T', ' '), '0'), '.') and bare.placed_at !~ '\.($|[^0-9])'
                            when bare.placed_at like '____-__-__ __:__:__%' or bare.placed_at like '____-__-__T__:__:__%' then bare.placed_at::timestamp::text = replace(case
                                when bare.placed_at like '%Z' then left(bare.placed_at, -1)
                                when left(right(bare.placed_at, 6), 1) in ('+', '-') and right(bare.placed_at, 6) like '___:__' and translate(right(bare.placed_at, 6), '0123456789', '') in ('+:', '-:') then left(bare.placed_at, -6)
                                else bare.placed_at
                            end, 'T', ' ')
                        end or bare.placed_at ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?( ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2}|:[0-9]{2}:[0-9]{2})?))?)?$' then case
                            when (bare.placed_at collate "C" < '0001-01-02' or bare.placed_at collate "C" > '9999-12-31')
                                    and (bare.placed_at::timestamptz < '0001-01-01' or bare.placed_at::timestamptz >= '10000-01-01') then 'invalid'
                            when octet_length(bare.placed_at) > 26 and bare.placed_at ~ '\.[0-9]{6}[0-9]*[1-9]' then 'too_precise'
                        end
                        else 'invalid'
                    end) is null)
                then (
                    select
                        array_remove(
                            array[
                                case when ((total >= (0)::numeric)) is false then 'total_positive' end,
                                case when (orders.customer_id is null or exists (select from sales.customers as sluice_parent where sluice_parent.id = orders.customer_id)) is false then 'customer_id_unknown' end
                            ],
                            null
                        )
                    from (select bare.order_id::bigint as order_id, bare.customer_id::bigint as customer_id, coalesce(bare.status::sales.order_status, ('new'::sales.order_status)::sales.order_status) as status, bare.total::numeric(10,2) as total, bare.placed_at::timestamp with time zone as placed_at) as orders
                )
                else array_remove(
                    array[
                        case when bare.order_id is null then 'order_id_missing' else 'order_id_' || (case
                            when ingest.input_is_valid(bare.order_id, 'bigint') then case when (bare.order_id collate "C" >= 'A' or bare.order_id collate "C" between '0A' and '0z' or bare.order_id like '%\_%' or bare.order_id collate "C" < '.' and (substr(bare.order_id, 2) collate "C" >= 'A' or substr(bare.order_id, 2) collate "C" between '0A' and '0z')) and bare.order_id !~ '^[+-]?[0-9]+$' then 'invalid' end
                            when bare.order_id ~ '^[+-]?[0-9]+$' then 'out_of_range'
                            else 'invalid'
                        end) end,
                        case when bare.customer_id is null then 'customer_id_missing' else 'customer_id_' || (case
                            when ingest.input_is_valid(bare.customer_id, 'bigint') then case when (bare.customer_id collate "C" >= 'A' or bare.customer_id collate "C" between '0A' and '0z' or bare.customer_id like '%\_%' or bare.customer_id collate "C" < '.' and (substr(bare.customer_id, 2) collate "C" >= 'A' or substr(bare.customer_id, 2) collate "C" between '0A' and '0z')) and bare.customer_id !~ '^[+-]?[0-9]+$' then 'invalid' end
                            when bare.customer_id ~ '^[+-]?[0-9]+$' then 'out_of_range'
                            else 'invalid'
                        end) end,
                        case when bare.status is null then null else 'status_' || (case when bare.status = any(array['new', 'paid']::text[]) then null when ingest.input_is_valid(bare.status, 'sales.order_status') then null else 'unknown' end) end,
                        case when bare.total is null then 'total_missing' else 'total_' || (case
                            when ingest.input_is_valid(bare.total, 'numeric') then
                                case
                                    when ((bare.total collate "C" >= 'A' or bare.total collate "C" between '0A' and '0z' or bare.total like '%\_%' or bare.total collate "C" < '.' and (substr(bare.total, 2) collate "C" >= 'A' or substr(bare.total, 2) collate "C" between '0A' and '0z')) or bare.total like '%e%' or bare.total like '%E%') and not bare.total ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$' then 'invalid'
                                    when bare.total::numeric <> round(bare.total::numeric, 2) then 'too_precise'
                                    when abs(bare.total::numeric) >= 1e8::numeric then 'out_of_range'
                                end
                            when bare.total ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$' then 'out_of_range'
                            else 'invalid'
                        end) end,
                        case when bare.placed_at is null then null else 'placed_at_' || (case
                            when not ingest.input_is_valid(bare.placed_at, 'timestamp') then 'invalid'
                            when bare.placed_at like '____-__-__ __:__:__' and bare.placed_at::timestamp::text = bare.placed_at then null
                            when case
                                when bare.placed_at like '____-__-__ __:__:__.%' or bare.placed_at like '____-__-__T__:__:__.%' then
                                    bare.placed_at::timestamp::text = rtrim(rtrim(replace(case
                                    when bare.placed_at like '%Z' then left(bare.placed_at, -1)
                                    when left(right(bare.placed_at, 6), 1) in ('+', '-') and right(bare.placed_at, 6) like '___:__' and translate(right(bare.placed_at, 6), '0123456789', '') in ('+:', '-:') then left(bare.placed_at, -6)
                                    else bare.placed_at
                                end, 'T', ' '), '0'), '.') and bare.placed_at !~ '\.($|[^0-9])'
                                when bare.placed_at like '____-__-__ __:__:__%' or bare.placed_at like '____-__-__T__:__:__%' then bare.placed_at::timestamp::text = replace(case
                                    when bare.placed_at like '%Z' then left(bare.placed_at, -1)
                                    when left(right(bare.placed_at, 6), 1) in ('+', '-') and right(bare.placed_at, 6) like '___:__' and translate(right(bare.placed_at, 6), '0123456789', '') in ('+:', '-:') then left(bare.placed_at, -6)
                                    else bare.placed_at
                                end, 'T', ' ')
                            end or bare.placed_at ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?( ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2}|:[0-9]{2}:[0-9]{2})?))?)?$' then case
                                when (bare.placed_at collate "C" < '0001-01-02' or bare.placed_at collate "C" > '9999-12-31')
                                        and (bare.placed_at::timestamptz < '0001-01-01' or bare.placed_at::timestamptz >= '10000-01-01') then 'invalid'
                                when octet_length(bare.placed_at) > 26 and bare.placed_at ~ '\.[0-9]{6}[0-9]*[1-9]' then 'too_precise'
                            end
                            else 'invalid'
                        end) end
                    ],
                    null
                )
            end
        from (
            select
                ingest.bare(staged.order_id, is_padded) as order_id,
                ingest.bare(staged.customer_id, is_padded) as customer_id,
                ingest.bare(staged.status, is_padded) as status,
                ingest.bare(staged.total, is_padded) as total,
                ingest.bare(staged.placed_at, is_padded) as placed_at
            offset 0
        ) as bare
    )
end;


-- Counts what is staged of each chunk and what of it is read (the slices of this batch), instead of taking the loader's word.
-- No value is looked at, so only the head of each row is unpacked; and nothing is written: what was lost can still leave
-- the batch.
create or replace function ingest_orders.count_records()
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
        from ingest_orders.staging
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
drop type if exists ingest_orders.merge_scan;
create type ingest_orders.merge_scan as (
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

create or replace function ingest_orders.plan_scan()
returns ingest_orders.merge_scan
language plpgsql
as $$
declare
    scan ingest_orders.merge_scan;
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
create or replace function ingest_orders.staged_values(scan ingest_orders.merge_scan, facts ingest_orders.facts)
returns table (
    chunk_id bigint, record_no bigint, plain_second bigint,
    order_id text, customer_id text, status text, total text, placed_at text,
    extras jsonb, is_valid boolean
)
language sql
stable
as $$
    select
        bare.chunk_id, bare.record_no, bare.plain_second,
        bare.order_id, bare.customer_id, bare.status, bare.total, bare.placed_at,
        bare.extras,
        case
            when
                case
                    
                    when bare.plain_second is not null
                    and bare.order_id is not null
                    and bare.customer_id is not null
                    and (bare.status is null or (case when bare.status = any(array['new', 'paid']::text[]) then null when ingest.input_is_valid(bare.status, 'sales.order_status') then null else 'unknown' end) is null)
                    and bare.total is not null then true
                    else
                        bare.problem is null
                        and (bare.order_id is not null and (case
                            when ingest.input_is_valid(bare.order_id, 'bigint') then case when (bare.order_id collate "C" >= 'A' or bare.order_id collate "C" between '0A' and '0z' or bare.order_id like '%\_%' or bare.order_id collate "C" < '.' and (substr(bare.order_id, 2) collate "C" >= 'A' or substr(bare.order_id, 2) collate "C" between '0A' and '0z')) and bare.order_id !~ '^[+-]?[0-9]+$' then 'invalid' end
                            when bare.order_id ~ '^[+-]?[0-9]+$' then 'out_of_range'
                            else 'invalid'
                        end) is null)
                        and (bare.customer_id is not null and (case
                            when ingest.input_is_valid(bare.customer_id, 'bigint') then case when (bare.customer_id collate "C" >= 'A' or bare.customer_id collate "C" between '0A' and '0z' or bare.customer_id like '%\_%' or bare.customer_id collate "C" < '.' and (substr(bare.customer_id, 2) collate "C" >= 'A' or substr(bare.customer_id, 2) collate "C" between '0A' and '0z')) and bare.customer_id !~ '^[+-]?[0-9]+$' then 'invalid' end
                            when bare.customer_id ~ '^[+-]?[0-9]+$' then 'out_of_range'
                            else 'invalid'
                        end) is null)
                        and (bare.status is null or (case when bare.status = any(array['new', 'paid']::text[]) then null when ingest.input_is_valid(bare.status, 'sales.order_status') then null else 'unknown' end) is null)
                        and (bare.total is not null and (case
                            when ingest.input_is_valid(bare.total, 'numeric') then
                                case
                                    when ((bare.total collate "C" >= 'A' or bare.total collate "C" between '0A' and '0z' or bare.total like '%\_%' or bare.total collate "C" < '.' and (substr(bare.total, 2) collate "C" >= 'A' or substr(bare.total, 2) collate "C" between '0A' and '0z')) or bare.total like '%e%' or bare.total like '%E%') and not bare.total ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$' then 'invalid'
                                    when bare.total::numeric <> round(bare.total::numeric, 2) then 'too_precise'
                                    when abs(bare.total::numeric) >= 1e8::numeric then 'out_of_range'
                                end
                            when bare.total ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$' then 'out_of_range'
                            else 'invalid'
                        end) is null)
                        and (bare.placed_at is null or (case
                            when not ingest.input_is_valid(bare.placed_at, 'timestamp') then 'invalid'
                            when bare.placed_at like '____-__-__ __:__:__' and bare.placed_at::timestamp::text = bare.placed_at then null
                            when case
                                when bare.placed_at like '____-__-__ __:__:__.%' or bare.placed_at like '____-__-__T__:__:__.%' then
                                    bare.placed_at::timestamp::text = rtrim(rtrim(replace(case
                                    when bare.placed_at like '%Z' then left(bare.placed_at, -1)
                                    when left(right(bare.placed_at, 6), 1) in ('+', '-') and right(bare.placed_at, 6) like '___:__' and translate(right(bare.placed_at, 6), '0123456789', '') in ('+:', '-:') then left(bare.placed_at, -6)
                                    else bare.placed_at
                                end, 'T', ' '), '0'), '.') and bare.placed_at !~ '\.($|[^0-9])'
                                when bare.placed_at like '____-__-__ __:__:__%' or bare.placed_at like '____-__-__T__:__:__%' then bare.placed_at::timestamp::text = replace(case
                                    when bare.placed_at like '%Z' then left(bare.placed_at, -1)
                                    when left(right(bare.placed_at, 6), 1) in ('+', '-') and right(bare.placed_at, 6) like '___:__' and translate(right(bare.placed_at, 6), '0123456789', '') in ('+:', '-:') then left(bare.placed_at, -6)
                                    else bare.placed_at
                                end, 'T', ' ')
                            end or bare.placed_at ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?( ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2}|:[0-9]{2}:[0-9]{2})?))?)?$' then case
                                when (bare.placed_at collate "C" < '0001-01-02' or bare.placed_at collate "C" > '9999-12-31')
                                        and (bare.placed_at::timestamptz < '0001-01-01' or bare.placed_at::timestamptz >= '10000-01-01') then 'invalid'
                                when octet_length(bare.placed_at) > 26 and bare.placed_at ~ '\.[0-9]{6}[0-9]*[1-9]' then 'too_precise'
                            end
                            else 'invalid'
                        end) is null)
                end
            then not (facts).asks_conditions or (
                select
                    ((total >= (0)::numeric)) is not false
                    and (orders.customer_id is null or exists (select from sales.customers as sluice_parent where sluice_parent.id = orders.customer_id)) is not false
                from (select bare.order_id::bigint as order_id, bare.customer_id::bigint as customer_id, coalesce(bare.status::sales.order_status, ('new'::sales.order_status)::sales.order_status) as status, bare.total::numeric(10,2) as total, bare.placed_at::timestamp with time zone as placed_at) as orders
            )
            else false
        end as is_valid
    from (
        select
            staging.chunk_id, staging.record_no, staging.plain_second, staging.problem,
            ingest.bare(staging.order_id, scan.has_padded and chunks.is_padded) as order_id,
            ingest.bare(staging.customer_id, scan.has_padded and chunks.is_padded) as customer_id,
            ingest.bare(staging.status, scan.has_padded and chunks.is_padded) as status,
            ingest.bare(staging.total, scan.has_padded and chunks.is_padded) as total,
            ingest.bare(staging.placed_at, scan.has_padded and chunks.is_padded) as placed_at,
            case
                -- A record that could not be split has no values, and this stands before the verdict.
                when
                    scan.wants_extras
                    and (staging.extras is not null or chunks.extra_columns is not null)
                    and staging.problem is null
                then ingest.extras_of(staging.extras, chunks.extra_columns, ingest_orders.extra_values(staging))
            end as extras
        from ingest_orders.staging
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
create or replace function ingest_orders.valid_records(scan ingest_orders.merge_scan, facts ingest_orders.facts)
returns table (
    chunk_id bigint, record_no bigint,
    order_id bigint, customer_id bigint, status sales.order_status, total numeric(10,2),
    placed_at timestamp with time zone,
    extras jsonb
)
language sql
stable
as $$
    select
        staged.chunk_id, staged.record_no,
        staged.order_id::bigint as order_id, staged.customer_id::bigint as customer_id,
        staged.status::sales.order_status as status, staged.total::numeric(10,2) as total,
        case when staged.plain_second > 0 then to_timestamp(staged.plain_second) else staged.placed_at::timestamp with time zone end as placed_at,
        staged.extras
    from ingest_orders.staged_values(scan, facts) as staged
    where staged.is_valid
$$;

-- Keeps the keys of what the rules reject, without an insert: for a reject budget.
create or replace function ingest_orders.validate_records()
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
as $$
declare
    scan constant ingest_orders.merge_scan := ingest_orders.plan_scan();
    facts constant ingest_orders.facts := ingest_orders.facts();
begin
    insert into rejected_records (chunk_id, record_no, reasons)
    select staged.chunk_id, staged.record_no,
    case
        when
            (staged.order_id is not null and (case
                when ingest.input_is_valid(staged.order_id, 'bigint') then case when (staged.order_id collate "C" >= 'A' or staged.order_id collate "C" between '0A' and '0z' or staged.order_id like '%\_%' or staged.order_id collate "C" < '.' and (substr(staged.order_id, 2) collate "C" >= 'A' or substr(staged.order_id, 2) collate "C" between '0A' and '0z')) and staged.order_id !~ '^[+-]?[0-9]+$' then 'invalid' end
                when staged.order_id ~ '^[+-]?[0-9]+$' then 'out_of_range'
                else 'invalid'
            end) is null)
            and (staged.customer_id is not null and (case
                when ingest.input_is_valid(staged.customer_id, 'bigint') then case when (staged.customer_id collate "C" >= 'A' or staged.customer_id collate "C" between '0A' and '0z' or staged.customer_id like '%\_%' or staged.customer_id collate "C" < '.' and (substr(staged.customer_id, 2) collate "C" >= 'A' or substr(staged.customer_id, 2) collate "C" between '0A' and '0z')) and staged.customer_id !~ '^[+-]?[0-9]+$' then 'invalid' end
                when staged.customer_id ~ '^[+-]?[0-9]+$' then 'out_of_range'
                else 'invalid'
            end) is null)
            and (staged.status is null or (case when staged.status = any(array['new', 'paid']::text[]) then null when ingest.input_is_valid(staged.status, 'sales.order_status') then null else 'unknown' end) is null)
            and (staged.total is not null and (case
                when ingest.input_is_valid(staged.total, 'numeric') then
                    case
                        when ((staged.total collate "C" >= 'A' or staged.total collate "C" between '0A' and '0z' or staged.total like '%\_%' or staged.total collate "C" < '.' and (substr(staged.total, 2) collate "C" >= 'A' or substr(staged.total, 2) collate "C" between '0A' and '0z')) or staged.total like '%e%' or staged.total like '%E%') and not staged.total ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$' then 'invalid'
                        when staged.total::numeric <> round(staged.total::numeric, 2) then 'too_precise'
                        when abs(staged.total::numeric) >= 1e8::numeric then 'out_of_range'
                    end
                when staged.total ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$' then 'out_of_range'
                else 'invalid'
            end) is null)
            and (staged.placed_at is null or (case
                when not ingest.input_is_valid(staged.placed_at, 'timestamp') then 'invalid'
                when staged.placed_at like '____-__-__ __:__:__' and staged.placed_at::timestamp::text = staged.placed_at then null
                when case
                    when staged.placed_at like '____-__-__ __:__:__.%' or staged.placed_at like '____-__-__T__:__:__.%' then
                        staged.placed_at::timestamp::text = rtrim(rtrim(replace(case
                        when staged.placed_at like '%Z' then left(staged.placed_at, -1)
                        when left(right(staged.placed_at, 6), 1) in ('+', '-') and right(staged.placed_at, 6) like '___:__' and translate(right(staged.placed_at, 6), '0123456789', '') in ('+:', '-:') then left(staged.placed_at, -6)
                        else staged.placed_at
                    end, 'T', ' '), '0'), '.') and staged.placed_at !~ '\.($|[^0-9])'
                    when staged.placed_at like '____-__-__ __:__:__%' or staged.placed_at like '____-__-__T__:__:__%' then staged.placed_at::timestamp::text = replace(case
                        when staged.placed_at like '%Z' then left(staged.placed_at, -1)
                        when left(right(staged.placed_at, 6), 1) in ('+', '-') and right(staged.placed_at, 6) like '___:__' and translate(right(staged.placed_at, 6), '0123456789', '') in ('+:', '-:') then left(staged.placed_at, -6)
                        else staged.placed_at
                    end, 'T', ' ')
                end or staged.placed_at ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?( ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2}|:[0-9]{2}:[0-9]{2})?))?)?$' then case
                    when (staged.placed_at collate "C" < '0001-01-02' or staged.placed_at collate "C" > '9999-12-31')
                            and (staged.placed_at::timestamptz < '0001-01-01' or staged.placed_at::timestamptz >= '10000-01-01') then 'invalid'
                    when octet_length(staged.placed_at) > 26 and staged.placed_at ~ '\.[0-9]{6}[0-9]*[1-9]' then 'too_precise'
                end
                else 'invalid'
            end) is null)
        -- Of a record that could not be split no value is there, and none need be missing: reject_records names its problem.
        then nullif((
            select
                array_remove(
                    array[
                        case when ((total >= (0)::numeric)) is false then 'total_positive' end,
                        case when (orders.customer_id is null or exists (select from sales.customers as sluice_parent where sluice_parent.id = orders.customer_id)) is false then 'customer_id_unknown' end
                    ],
                    null
                )
            from (select staged.order_id::bigint as order_id, staged.customer_id::bigint as customer_id, coalesce(staged.status::sales.order_status, ('new'::sales.order_status)::sales.order_status) as status, staged.total::numeric(10,2) as total, staged.placed_at::timestamp with time zone as placed_at) as orders
        ), '{}')
    end
    from ingest_orders.staged_values(scan, facts) as staged
    where not staged.is_valid;
end
$$;

-- Keys go as an array of these: a key may be an array itself, and each value keeps its collation.
drop type if exists ingest_orders.record_key cascade;
create type ingest_orders.record_key as (
    order_id bigint
);

-- Which of these keys the table has. A look-up in the index for each: without the settings a table that is known to be empty or
-- tiny would be read whole, while the same statement fills it.
create or replace function ingest_orders.known_keys(ingest_orders.record_key[])
returns setof ingest_orders.record_key
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
    select wanted.order_id
    from unnest($1) as wanted
    inner join public.orders on orders.order_id = wanted.order_id;
end
$$;

drop type if exists ingest_orders.stored_row cascade;
create type ingest_orders.stored_row as (
    order_id bigint, customer_id bigint, status sales.order_status, total numeric(10,2),
    placed_at timestamp with time zone
);

-- The rows that have these keys.
create or replace function ingest_orders.stored_rows(ingest_orders.record_key[])
returns setof ingest_orders.stored_row
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
    select orders.order_id, orders.customer_id, orders.status, orders.total, orders.placed_at
    from (select distinct wanted.* from unnest($1) as wanted) as wanted
    inner join public.orders on orders.order_id = wanted.order_id;
end
$$;

-- Inserts the valid records of the batch as if each had a key of its own that is not there yet: nothing is looked up, kept apart
-- or returned, which takes a third off the insert. Returns false, and has done nothing, when that is not so (the unique index
-- says it), or when what was inserted and what the rules reject are not all that was read.
--
-- In key order: it keeps merges and other writers from waiting for each other in a circle, and costs nothing, because rows are
-- read and cast apart from being inserted.
create or replace function ingest_orders.insert_at_once(scan ingest_orders.merge_scan, facts ingest_orders.facts, expected bigint)
returns boolean
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
as $$
declare
    inserted_rows bigint;
begin
    insert into public.orders (
        order_id, customer_id, status, total, placed_at
    )
    select
        order_id, customer_id, coalesce(status, ('new'::sales.order_status)::sales.order_status), total,
        placed_at
    from ingest_orders.valid_records(scan, facts)
    order by order_id;
    get diagnostics inserted_rows = row_count;
    -- A key may be declared to be checked at the end.
    set constraints all immediate;
    update batch_chunks
    set inserted = batch_chunks.read;
    if inserted_rows <> expected then
        perform ingest_orders.validate_records();
        update batch_chunks
        set inserted = batch_chunks.read - rejected_counts.rejected
        from (
            select rejected_records.chunk_id, count(*) as rejected
            from rejected_records
            group by rejected_records.chunk_id
        ) as rejected_counts
        where batch_chunks.chunk_id = rejected_counts.chunk_id;
        if inserted_rows <> (select sum(batch_chunks.inserted) from batch_chunks) then
            raise exception 'conservation: read is not inserted + rejected' using errcode = 'SL002';
        end if;
    end if;
    return true;
exception
    when unique_violation or sqlstate 'SL002' then
        return false;
end
$$;

create or replace function ingest_orders.insert_distributed_records()
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
set enable_seqscan = off
as $$
declare
    scan constant ingest_orders.merge_scan := ingest_orders.plan_scan();
    facts constant ingest_orders.facts := ingest_orders.facts();
    is_watched constant boolean := ingest_orders.triggers_on_table() is not null;
    expected constant bigint := (select sum(batch_chunks.read) from batch_chunks) - (select count(*) from rejected_records);
begin
    with first_records as materialized (
        select distinct on (order_id) valid_records.*
        from (
            select
                staged.chunk_id, staged.record_no,
                staged.order_id::bigint as order_id, staged.customer_id::bigint as customer_id,
                staged.status::sales.order_status as status, staged.total::numeric(10,2) as total,
                case when staged.plain_second > 0 then to_timestamp(staged.plain_second) else staged.placed_at::timestamp with time zone end as placed_at,
                staged.extras
            from (
                select
                    bare.chunk_id, bare.record_no, bare.plain_second,
                    bare.order_id, bare.customer_id, bare.status, bare.total, bare.placed_at,
                    bare.extras,
                    case
                        when
                            case
                                
                                when bare.plain_second is not null
                                and bare.order_id is not null
                                and bare.customer_id is not null
                                and (bare.status is null or (case when bare.status = any(array['new', 'paid']::text[]) then null when ingest.input_is_valid(bare.status, 'sales.order_status') then null else 'unknown' end) is null)
                                and bare.total is not null then true
                                else
                                    bare.problem is null
                                    and (bare.order_id is not null and (case
                                        when ingest.input_is_valid(bare.order_id, 'bigint') then case when (bare.order_id collate "C" >= 'A' or bare.order_id collate "C" between '0A' and '0z' or bare.order_id like '%\_%' or bare.order_id collate "C" < '.' and (substr(bare.order_id, 2) collate "C" >= 'A' or substr(bare.order_id, 2) collate "C" between '0A' and '0z')) and bare.order_id !~ '^[+-]?[0-9]+$' then 'invalid' end
                                        when bare.order_id ~ '^[+-]?[0-9]+$' then 'out_of_range'
                                        else 'invalid'
                                    end) is null)
                                    and (bare.customer_id is not null and (case
                                        when ingest.input_is_valid(bare.customer_id, 'bigint') then case when (bare.customer_id collate "C" >= 'A' or bare.customer_id collate "C" between '0A' and '0z' or bare.customer_id like '%\_%' or bare.customer_id collate "C" < '.' and (substr(bare.customer_id, 2) collate "C" >= 'A' or substr(bare.customer_id, 2) collate "C" between '0A' and '0z')) and bare.customer_id !~ '^[+-]?[0-9]+$' then 'invalid' end
                                        when bare.customer_id ~ '^[+-]?[0-9]+$' then 'out_of_range'
                                        else 'invalid'
                                    end) is null)
                                    and (bare.status is null or (case when bare.status = any(array['new', 'paid']::text[]) then null when ingest.input_is_valid(bare.status, 'sales.order_status') then null else 'unknown' end) is null)
                                    and (bare.total is not null and (case
                                        when ingest.input_is_valid(bare.total, 'numeric') then
                                            case
                                                when ((bare.total collate "C" >= 'A' or bare.total collate "C" between '0A' and '0z' or bare.total like '%\_%' or bare.total collate "C" < '.' and (substr(bare.total, 2) collate "C" >= 'A' or substr(bare.total, 2) collate "C" between '0A' and '0z')) or bare.total like '%e%' or bare.total like '%E%') and not bare.total ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$' then 'invalid'
                                                when bare.total::numeric <> round(bare.total::numeric, 2) then 'too_precise'
                                                when abs(bare.total::numeric) >= 1e8::numeric then 'out_of_range'
                                            end
                                        when bare.total ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$' then 'out_of_range'
                                        else 'invalid'
                                    end) is null)
                                    and (bare.placed_at is null or (case
                                        when not ingest.input_is_valid(bare.placed_at, 'timestamp') then 'invalid'
                                        when bare.placed_at like '____-__-__ __:__:__' and bare.placed_at::timestamp::text = bare.placed_at then null
                                        when case
                                            when bare.placed_at like '____-__-__ __:__:__.%' or bare.placed_at like '____-__-__T__:__:__.%' then
                                                bare.placed_at::timestamp::text = rtrim(rtrim(replace(case
                                                when bare.placed_at like '%Z' then left(bare.placed_at, -1)
                                                when left(right(bare.placed_at, 6), 1) in ('+', '-') and right(bare.placed_at, 6) like '___:__' and translate(right(bare.placed_at, 6), '0123456789', '') in ('+:', '-:') then left(bare.placed_at, -6)
                                                else bare.placed_at
                                            end, 'T', ' '), '0'), '.') and bare.placed_at !~ '\.($|[^0-9])'
                                            when bare.placed_at like '____-__-__ __:__:__%' or bare.placed_at like '____-__-__T__:__:__%' then bare.placed_at::timestamp::text = replace(case
                                                when bare.placed_at like '%Z' then left(bare.placed_at, -1)
                                                when left(right(bare.placed_at, 6), 1) in ('+', '-') and right(bare.placed_at, 6) like '___:__' and translate(right(bare.placed_at, 6), '0123456789', '') in ('+:', '-:') then left(bare.placed_at, -6)
                                                else bare.placed_at
                                            end, 'T', ' ')
                                        end or bare.placed_at ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?( ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2}|:[0-9]{2}:[0-9]{2})?))?)?$' then case
                                            when (bare.placed_at collate "C" < '0001-01-02' or bare.placed_at collate "C" > '9999-12-31')
                                                    and (bare.placed_at::timestamptz < '0001-01-01' or bare.placed_at::timestamptz >= '10000-01-01') then 'invalid'
                                            when octet_length(bare.placed_at) > 26 and bare.placed_at ~ '\.[0-9]{6}[0-9]*[1-9]' then 'too_precise'
                                        end
                                        else 'invalid'
                                    end) is null)
                            end
                        then not (facts).asks_conditions or (
                            select
                                ((total >= (0)::numeric)) is not false
                                and (orders.customer_id is null or exists (select from sales.customers as sluice_parent where sluice_parent.id = orders.customer_id)) is not false
                            from (select bare.order_id::bigint as order_id, bare.customer_id::bigint as customer_id, coalesce(bare.status::sales.order_status, ('new'::sales.order_status)::sales.order_status) as status, bare.total::numeric(10,2) as total, bare.placed_at::timestamp with time zone as placed_at) as orders
                        )
                        else false
                    end as is_valid
                from (
                    select
                        staging.chunk_id, staging.record_no, staging.plain_second, staging.problem,
                        ingest.bare(staging.order_id, scan.has_padded and chunks.is_padded) as order_id,
                        ingest.bare(staging.customer_id, scan.has_padded and chunks.is_padded) as customer_id,
                        ingest.bare(staging.status, scan.has_padded and chunks.is_padded) as status,
                        ingest.bare(staging.total, scan.has_padded and chunks.is_padded) as total,
                        ingest.bare(staging.placed_at, scan.has_padded and chunks.is_padded) as placed_at,
                        case
                            -- A record that could not be split has no values, and this stands before the verdict.
                            when
                                scan.wants_extras
                                and (staging.extras is not null or chunks.extra_columns is not null)
                                and staging.problem is null
                            then ingest.extras_of(staging.extras, chunks.extra_columns, ingest_orders.extra_values(staging))
                        end as extras
                    from ingest_orders.staging
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
        order by order_id, chunk_id, record_no
    ),
    known_keys as materialized (
        select known_keys.*
        from ingest_orders.known_keys(
            array(select row(first_records.order_id)::ingest_orders.record_key from first_records)
        ) as known_keys
    ),
    new_records as materialized (
        select first_records.*
        from first_records
        where not exists (select from known_keys where known_keys.order_id = first_records.order_id)
    ),
    stored_keys as (
        insert into public.orders (
            order_id, customer_id, status, total, placed_at
        )
        select
            order_id, customer_id, coalesce(status, ('new'::sales.order_status)::sales.order_status), total,
            placed_at
        from new_records
        returning
            orders.order_id as order_id
    ),
    inserted_rows as materialized (
        select new_records.chunk_id, new_records.record_no
        from new_records
        where
            not is_watched
            and (select count(*) from stored_keys) = (select count(*) from new_records)
        union all
        select new_records.chunk_id, new_records.record_no
        from stored_keys
        inner join new_records
            on new_records.order_id = stored_keys.order_id
        where
            is_watched
            or (select count(*) from stored_keys) <> (select count(*) from new_records)
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
                bare.order_id, bare.customer_id, bare.status, bare.total, bare.placed_at,
                bare.extras,
                case
                    when
                        case
                            
                            when bare.plain_second is not null
                            and bare.order_id is not null
                            and bare.customer_id is not null
                            and (bare.status is null or (case when bare.status = any(array['new', 'paid']::text[]) then null when ingest.input_is_valid(bare.status, 'sales.order_status') then null else 'unknown' end) is null)
                            and bare.total is not null then true
                            else
                                bare.problem is null
                                and (bare.order_id is not null and (case
                                    when ingest.input_is_valid(bare.order_id, 'bigint') then case when (bare.order_id collate "C" >= 'A' or bare.order_id collate "C" between '0A' and '0z' or bare.order_id like '%\_%' or bare.order_id collate "C" < '.' and (substr(bare.order_id, 2) collate "C" >= 'A' or substr(bare.order_id, 2) collate "C" between '0A' and '0z')) and bare.order_id !~ '^[+-]?[0-9]+$' then 'invalid' end
                                    when bare.order_id ~ '^[+-]?[0-9]+$' then 'out_of_range'
                                    else 'invalid'
                                end) is null)
                                and (bare.customer_id is not null and (case
                                    when ingest.input_is_valid(bare.customer_id, 'bigint') then case when (bare.customer_id collate "C" >= 'A' or bare.customer_id collate "C" between '0A' and '0z' or bare.customer_id like '%\_%' or bare.customer_id collate "C" < '.' and (substr(bare.customer_id, 2) collate "C" >= 'A' or substr(bare.customer_id, 2) collate "C" between '0A' and '0z')) and bare.customer_id !~ '^[+-]?[0-9]+$' then 'invalid' end
                                    when bare.customer_id ~ '^[+-]?[0-9]+$' then 'out_of_range'
                                    else 'invalid'
                                end) is null)
                                and (bare.status is null or (case when bare.status = any(array['new', 'paid']::text[]) then null when ingest.input_is_valid(bare.status, 'sales.order_status') then null else 'unknown' end) is null)
                                and (bare.total is not null and (case
                                    when ingest.input_is_valid(bare.total, 'numeric') then
                                        case
                                            when ((bare.total collate "C" >= 'A' or bare.total collate "C" between '0A' and '0z' or bare.total like '%\_%' or bare.total collate "C" < '.' and (substr(bare.total, 2) collate "C" >= 'A' or substr(bare.total, 2) collate "C" between '0A' and '0z')) or bare.total like '%e%' or bare.total like '%E%') and not bare.total ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$' then 'invalid'
                                            when bare.total::numeric <> round(bare.total::numeric, 2) then 'too_precise'
                                            when abs(bare.total::numeric) >= 1e8::numeric then 'out_of_range'
                                        end
                                    when bare.total ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$' then 'out_of_range'
                                    else 'invalid'
                                end) is null)
                                and (bare.placed_at is null or (case
                                    when not ingest.input_is_valid(bare.placed_at, 'timestamp') then 'invalid'
                                    when bare.placed_at like '____-__-__ __:__:__' and bare.placed_at::timestamp::text = bare.placed_at then null
                                    when case
                                        when bare.placed_at like '____-__-__ __:__:__.%' or bare.placed_at like '____-__-__T__:__:__.%' then
                                            bare.placed_at::timestamp::text = rtrim(rtrim(replace(case
                                            when bare.placed_at like '%Z' then left(bare.placed_at, -1)
                                            when left(right(bare.placed_at, 6), 1) in ('+', '-') and right(bare.placed_at, 6) like '___:__' and translate(right(bare.placed_at, 6), '0123456789', '') in ('+:', '-:') then left(bare.placed_at, -6)
                                            else bare.placed_at
                                        end, 'T', ' '), '0'), '.') and bare.placed_at !~ '\.($|[^0-9])'
                                        when bare.placed_at like '____-__-__ __:__:__%' or bare.placed_at like '____-__-__T__:__:__%' then bare.placed_at::timestamp::text = replace(case
                                            when bare.placed_at like '%Z' then left(bare.placed_at, -1)
                                            when left(right(bare.placed_at, 6), 1) in ('+', '-') and right(bare.placed_at, 6) like '___:__' and translate(right(bare.placed_at, 6), '0123456789', '') in ('+:', '-:') then left(bare.placed_at, -6)
                                            else bare.placed_at
                                        end, 'T', ' ')
                                    end or bare.placed_at ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?( ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2}|:[0-9]{2}:[0-9]{2})?))?)?$' then case
                                        when (bare.placed_at collate "C" < '0001-01-02' or bare.placed_at collate "C" > '9999-12-31')
                                                and (bare.placed_at::timestamptz < '0001-01-01' or bare.placed_at::timestamptz >= '10000-01-01') then 'invalid'
                                        when octet_length(bare.placed_at) > 26 and bare.placed_at ~ '\.[0-9]{6}[0-9]*[1-9]' then 'too_precise'
                                    end
                                    else 'invalid'
                                end) is null)
                        end
                    then not (facts).asks_conditions or (
                        select
                            ((total >= (0)::numeric)) is not false
                            and (orders.customer_id is null or exists (select from sales.customers as sluice_parent where sluice_parent.id = orders.customer_id)) is not false
                        from (select bare.order_id::bigint as order_id, bare.customer_id::bigint as customer_id, coalesce(bare.status::sales.order_status, ('new'::sales.order_status)::sales.order_status) as status, bare.total::numeric(10,2) as total, bare.placed_at::timestamp with time zone as placed_at) as orders
                    )
                    else false
                end as is_valid
            from (
                select
                    staging.chunk_id, staging.record_no, staging.plain_second, staging.problem,
                    ingest.bare(staging.order_id, scan.has_padded and chunks.is_padded) as order_id,
                    ingest.bare(staging.customer_id, scan.has_padded and chunks.is_padded) as customer_id,
                    ingest.bare(staging.status, scan.has_padded and chunks.is_padded) as status,
                    ingest.bare(staging.total, scan.has_padded and chunks.is_padded) as total,
                    ingest.bare(staging.placed_at, scan.has_padded and chunks.is_padded) as placed_at,
                    case
                        -- A record that could not be split has no values, and this stands before the verdict.
                        when
                            scan.wants_extras
                            and (staging.extras is not null or chunks.extra_columns is not null)
                            and staging.problem is null
                        then ingest.extras_of(staging.extras, chunks.extra_columns, ingest_orders.extra_values(staging))
                    end as extras
                from ingest_orders.staging
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
        insert into rejected_records (chunk_id, record_no, reasons)
        select chunk_id, record_no,
        case
            when
                (missing_records.order_id is not null and (case
                    when ingest.input_is_valid(missing_records.order_id, 'bigint') then case when (missing_records.order_id collate "C" >= 'A' or missing_records.order_id collate "C" between '0A' and '0z' or missing_records.order_id like '%\_%' or missing_records.order_id collate "C" < '.' and (substr(missing_records.order_id, 2) collate "C" >= 'A' or substr(missing_records.order_id, 2) collate "C" between '0A' and '0z')) and missing_records.order_id !~ '^[+-]?[0-9]+$' then 'invalid' end
                    when missing_records.order_id ~ '^[+-]?[0-9]+$' then 'out_of_range'
                    else 'invalid'
                end) is null)
                and (missing_records.customer_id is not null and (case
                    when ingest.input_is_valid(missing_records.customer_id, 'bigint') then case when (missing_records.customer_id collate "C" >= 'A' or missing_records.customer_id collate "C" between '0A' and '0z' or missing_records.customer_id like '%\_%' or missing_records.customer_id collate "C" < '.' and (substr(missing_records.customer_id, 2) collate "C" >= 'A' or substr(missing_records.customer_id, 2) collate "C" between '0A' and '0z')) and missing_records.customer_id !~ '^[+-]?[0-9]+$' then 'invalid' end
                    when missing_records.customer_id ~ '^[+-]?[0-9]+$' then 'out_of_range'
                    else 'invalid'
                end) is null)
                and (missing_records.status is null or (case when missing_records.status = any(array['new', 'paid']::text[]) then null when ingest.input_is_valid(missing_records.status, 'sales.order_status') then null else 'unknown' end) is null)
                and (missing_records.total is not null and (case
                    when ingest.input_is_valid(missing_records.total, 'numeric') then
                        case
                            when ((missing_records.total collate "C" >= 'A' or missing_records.total collate "C" between '0A' and '0z' or missing_records.total like '%\_%' or missing_records.total collate "C" < '.' and (substr(missing_records.total, 2) collate "C" >= 'A' or substr(missing_records.total, 2) collate "C" between '0A' and '0z')) or missing_records.total like '%e%' or missing_records.total like '%E%') and not missing_records.total ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$' then 'invalid'
                            when missing_records.total::numeric <> round(missing_records.total::numeric, 2) then 'too_precise'
                            when abs(missing_records.total::numeric) >= 1e8::numeric then 'out_of_range'
                        end
                    when missing_records.total ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$' then 'out_of_range'
                    else 'invalid'
                end) is null)
                and (missing_records.placed_at is null or (case
                    when not ingest.input_is_valid(missing_records.placed_at, 'timestamp') then 'invalid'
                    when missing_records.placed_at like '____-__-__ __:__:__' and missing_records.placed_at::timestamp::text = missing_records.placed_at then null
                    when case
                        when missing_records.placed_at like '____-__-__ __:__:__.%' or missing_records.placed_at like '____-__-__T__:__:__.%' then
                            missing_records.placed_at::timestamp::text = rtrim(rtrim(replace(case
                            when missing_records.placed_at like '%Z' then left(missing_records.placed_at, -1)
                            when left(right(missing_records.placed_at, 6), 1) in ('+', '-') and right(missing_records.placed_at, 6) like '___:__' and translate(right(missing_records.placed_at, 6), '0123456789', '') in ('+:', '-:') then left(missing_records.placed_at, -6)
                            else missing_records.placed_at
                        end, 'T', ' '), '0'), '.') and missing_records.placed_at !~ '\.($|[^0-9])'
                        when missing_records.placed_at like '____-__-__ __:__:__%' or missing_records.placed_at like '____-__-__T__:__:__%' then missing_records.placed_at::timestamp::text = replace(case
                            when missing_records.placed_at like '%Z' then left(missing_records.placed_at, -1)
                            when left(right(missing_records.placed_at, 6), 1) in ('+', '-') and right(missing_records.placed_at, 6) like '___:__' and translate(right(missing_records.placed_at, 6), '0123456789', '') in ('+:', '-:') then left(missing_records.placed_at, -6)
                            else missing_records.placed_at
                        end, 'T', ' ')
                    end or missing_records.placed_at ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?( ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2}|:[0-9]{2}:[0-9]{2})?))?)?$' then case
                        when (missing_records.placed_at collate "C" < '0001-01-02' or missing_records.placed_at collate "C" > '9999-12-31')
                                and (missing_records.placed_at::timestamptz < '0001-01-01' or missing_records.placed_at::timestamptz >= '10000-01-01') then 'invalid'
                        when octet_length(missing_records.placed_at) > 26 and missing_records.placed_at ~ '\.[0-9]{6}[0-9]*[1-9]' then 'too_precise'
                    end
                    else 'invalid'
                end) is null)
            -- Of a record that could not be split no value is there, and none need be missing: reject_records names its problem.
            then nullif((
                select
                    array_remove(
                        array[
                            case when ((total >= (0)::numeric)) is false then 'total_positive' end,
                            case when (orders.customer_id is null or exists (select from sales.customers as sluice_parent where sluice_parent.id = orders.customer_id)) is false then 'customer_id_unknown' end
                        ],
                        null
                    )
                from (select missing_records.order_id::bigint as order_id, missing_records.customer_id::bigint as customer_id, coalesce(missing_records.status::sales.order_status, ('new'::sales.order_status)::sales.order_status) as status, missing_records.total::numeric(10,2) as total, missing_records.placed_at::timestamp with time zone as placed_at) as orders
            ), '{}')
        end
        from missing_records
        where not is_valid
    )
    insert into losing_records
    select
        chunk_id, record_no,
        order_id::bigint, customer_id::bigint, status::sales.order_status, total::numeric(10,2),
        placed_at::timestamp with time zone,
        extras
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
create or replace function ingest_orders.insert_records()
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
set enable_seqscan = off
as $$
declare
    scan constant ingest_orders.merge_scan := ingest_orders.plan_scan();
    facts constant ingest_orders.facts := ingest_orders.facts();
    is_watched constant boolean := ingest_orders.triggers_on_table() is not null;
    expected constant bigint := (select sum(batch_chunks.read) from batch_chunks) - (select count(*) from rejected_records);
begin
    if ingest.is_distributed('public.orders') then
        perform ingest_orders.insert_distributed_records();
        return;
    end if;
    if
        not is_watched
        and not scan.has_refused
        and ingest.expects_new_keys(1::smallint)
        and ingest_orders.insert_at_once(scan, facts, expected)
    then
        return;
    end if;
    with first_records as (
        select distinct on (order_id) valid_records.*
        from ingest_orders.valid_records(scan, facts) as valid_records
        order by order_id, chunk_id, record_no
    ),
    new_records as materialized (
        select first_records.*
        from first_records
        where (
            (
                first_records.order_id
                <= (select orders.order_id from public.orders where orders.order_id is not null order by orders.order_id desc limit 1)
            ) is not true
            or (select true from public.orders where orders.order_id = first_records.order_id) is null
        )
    ),
    stored_keys as (
        insert into public.orders (
            order_id, customer_id, status, total, placed_at
        )
        select
            order_id, customer_id, coalesce(status, ('new'::sales.order_status)::sales.order_status), total,
            placed_at
        from new_records
        returning
            orders.order_id as order_id
    ),
    inserted_rows as materialized (
        select new_records.chunk_id, new_records.record_no
        from new_records
        where
            not is_watched
            and (select count(*) from stored_keys) = (select count(*) from new_records)
        union all
        select new_records.chunk_id, new_records.record_no
        from stored_keys
        inner join new_records
            on new_records.order_id = stored_keys.order_id
        where
            is_watched
            or (select count(*) from stored_keys) <> (select count(*) from new_records)
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
        from ingest_orders.staged_values(scan, facts) as staged
        left join inserted_rows
            on inserted_rows.chunk_id = staged.chunk_id and inserted_rows.record_no = staged.record_no
        where
            coalesce((select sum(inserted_counts.inserted) from inserted_counts), 0) < expected
            and inserted_rows.chunk_id is null
    ),
    kept_invalid as (
        insert into rejected_records (chunk_id, record_no, reasons)
        select chunk_id, record_no,
        case
            when
                (missing_records.order_id is not null and (case
                    when ingest.input_is_valid(missing_records.order_id, 'bigint') then case when (missing_records.order_id collate "C" >= 'A' or missing_records.order_id collate "C" between '0A' and '0z' or missing_records.order_id like '%\_%' or missing_records.order_id collate "C" < '.' and (substr(missing_records.order_id, 2) collate "C" >= 'A' or substr(missing_records.order_id, 2) collate "C" between '0A' and '0z')) and missing_records.order_id !~ '^[+-]?[0-9]+$' then 'invalid' end
                    when missing_records.order_id ~ '^[+-]?[0-9]+$' then 'out_of_range'
                    else 'invalid'
                end) is null)
                and (missing_records.customer_id is not null and (case
                    when ingest.input_is_valid(missing_records.customer_id, 'bigint') then case when (missing_records.customer_id collate "C" >= 'A' or missing_records.customer_id collate "C" between '0A' and '0z' or missing_records.customer_id like '%\_%' or missing_records.customer_id collate "C" < '.' and (substr(missing_records.customer_id, 2) collate "C" >= 'A' or substr(missing_records.customer_id, 2) collate "C" between '0A' and '0z')) and missing_records.customer_id !~ '^[+-]?[0-9]+$' then 'invalid' end
                    when missing_records.customer_id ~ '^[+-]?[0-9]+$' then 'out_of_range'
                    else 'invalid'
                end) is null)
                and (missing_records.status is null or (case when missing_records.status = any(array['new', 'paid']::text[]) then null when ingest.input_is_valid(missing_records.status, 'sales.order_status') then null else 'unknown' end) is null)
                and (missing_records.total is not null and (case
                    when ingest.input_is_valid(missing_records.total, 'numeric') then
                        case
                            when ((missing_records.total collate "C" >= 'A' or missing_records.total collate "C" between '0A' and '0z' or missing_records.total like '%\_%' or missing_records.total collate "C" < '.' and (substr(missing_records.total, 2) collate "C" >= 'A' or substr(missing_records.total, 2) collate "C" between '0A' and '0z')) or missing_records.total like '%e%' or missing_records.total like '%E%') and not missing_records.total ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$' then 'invalid'
                            when missing_records.total::numeric <> round(missing_records.total::numeric, 2) then 'too_precise'
                            when abs(missing_records.total::numeric) >= 1e8::numeric then 'out_of_range'
                        end
                    when missing_records.total ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$' then 'out_of_range'
                    else 'invalid'
                end) is null)
                and (missing_records.placed_at is null or (case
                    when not ingest.input_is_valid(missing_records.placed_at, 'timestamp') then 'invalid'
                    when missing_records.placed_at like '____-__-__ __:__:__' and missing_records.placed_at::timestamp::text = missing_records.placed_at then null
                    when case
                        when missing_records.placed_at like '____-__-__ __:__:__.%' or missing_records.placed_at like '____-__-__T__:__:__.%' then
                            missing_records.placed_at::timestamp::text = rtrim(rtrim(replace(case
                            when missing_records.placed_at like '%Z' then left(missing_records.placed_at, -1)
                            when left(right(missing_records.placed_at, 6), 1) in ('+', '-') and right(missing_records.placed_at, 6) like '___:__' and translate(right(missing_records.placed_at, 6), '0123456789', '') in ('+:', '-:') then left(missing_records.placed_at, -6)
                            else missing_records.placed_at
                        end, 'T', ' '), '0'), '.') and missing_records.placed_at !~ '\.($|[^0-9])'
                        when missing_records.placed_at like '____-__-__ __:__:__%' or missing_records.placed_at like '____-__-__T__:__:__%' then missing_records.placed_at::timestamp::text = replace(case
                            when missing_records.placed_at like '%Z' then left(missing_records.placed_at, -1)
                            when left(right(missing_records.placed_at, 6), 1) in ('+', '-') and right(missing_records.placed_at, 6) like '___:__' and translate(right(missing_records.placed_at, 6), '0123456789', '') in ('+:', '-:') then left(missing_records.placed_at, -6)
                            else missing_records.placed_at
                        end, 'T', ' ')
                    end or missing_records.placed_at ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?( ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2}|:[0-9]{2}:[0-9]{2})?))?)?$' then case
                        when (missing_records.placed_at collate "C" < '0001-01-02' or missing_records.placed_at collate "C" > '9999-12-31')
                                and (missing_records.placed_at::timestamptz < '0001-01-01' or missing_records.placed_at::timestamptz >= '10000-01-01') then 'invalid'
                        when octet_length(missing_records.placed_at) > 26 and missing_records.placed_at ~ '\.[0-9]{6}[0-9]*[1-9]' then 'too_precise'
                    end
                    else 'invalid'
                end) is null)
            -- Of a record that could not be split no value is there, and none need be missing: reject_records names its problem.
            then nullif((
                select
                    array_remove(
                        array[
                            case when ((total >= (0)::numeric)) is false then 'total_positive' end,
                            case when (orders.customer_id is null or exists (select from sales.customers as sluice_parent where sluice_parent.id = orders.customer_id)) is false then 'customer_id_unknown' end
                        ],
                        null
                    )
                from (select missing_records.order_id::bigint as order_id, missing_records.customer_id::bigint as customer_id, coalesce(missing_records.status::sales.order_status, ('new'::sales.order_status)::sales.order_status) as status, missing_records.total::numeric(10,2) as total, missing_records.placed_at::timestamp with time zone as placed_at) as orders
            ), '{}')
        end
        from missing_records
        where not is_valid
    )
    insert into losing_records
    select
        chunk_id, record_no,
        order_id::bigint, customer_id::bigint, status::sales.order_status, total::numeric(10,2),
        placed_at::timestamp with time zone,
        extras
    from missing_records
    where is_valid;
end
$$;

-- A later statement, and so with the inserted rows in sight: a valid record whose key was taken is a duplicate when all it
-- says is what is stored, else a conflict. One whose row is not there at all was left out by a trigger, without an error.
create or replace function ingest_orders.classify_losers()
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
as $$
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
            losers.chunk_id,
            losers.record_no,
            stored.order_id is null as is_left_out,
            (
                losers.customer_id, losers.total, losers.placed_at
            ) is distinct from (
                stored.customer_id, stored.total, stored.placed_at
            )
            or losers.status is not null and losers.status is distinct from stored.status as is_conflict
        from losers
        left join ingest_orders.stored_rows(
            array(select row(losers.order_id)::ingest_orders.record_key from losers)
        ) as stored on stored.order_id = losers.order_id
    ),
    kept_losers as (
        insert into rejected_records (chunk_id, record_no, kind, refusal)
        select
            compared_records.chunk_id,
            compared_records.record_no,
            case when compared_records.is_left_out then 'rejected' else 'conflict' end,
            case when compared_records.is_left_out then ingest_orders.silent_refusal() end
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
create or replace function ingest_orders.refuse_redirection()
returns void
language plpgsql
as $$
declare
    triggers constant text := ingest_orders.triggers_on_table();
begin
    if triggers is not null and exists (
        select from losing_records
        inner join ingest_orders.stored_rows(
            array(select row(losing_records.order_id)::ingest_orders.record_key from losing_records)
        ) as stored on stored.order_id = losing_records.order_id
        where stored.chunk_id = losing_records.chunk_id and stored.record_no = losing_records.record_no
    ) then
        raise exception 'the trigger % puts the rows of % into another table: drop it, or let that table not inherit',
            triggers, 'orders'
        using errcode = 'SL010';
    end if;
end
$$;

-- Writes rejects: what the rules reject, with every reason, what the table refuses, and conflicts.
create or replace function ingest_orders.reject_records(this_batch_id bigint)
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
as $$
declare
    idle_lanes constant smallint[] := ingest.idle_lanes();
    facts constant ingest_orders.facts := ingest_orders.facts();
    has_padded constant boolean := exists (select from batch_chunks where batch_chunks.is_padded);
begin
    if not exists (select from rejected_records) then
        return;
    end if;

    with written_rejects as (
        insert into ingest.rejects (
            chunk_id, record_no, batch_id, kind, reasons, record, raw_text, line_no, byte_offset, refusal, stream_id
        )
        select
            staging.chunk_id,
            staging.record_no,
            this_batch_id,
            rejected_records.kind,
            case
                when rejected_records.kind = 'conflict' then array['order_id_conflict']
                when rejected_records.refusal is not null then array[ingest_orders.refusal_reason(rejected_records.refusal)]
                when rejected_records.reasons is not null and staging.problem is null then rejected_records.reasons
                else ingest_orders.reject_reasons(staging, has_padded and batch_chunks.is_padded, facts)
            end,
            ingest_orders.raw_record(staging, batch_chunks.extra_columns),
            staging.problem::jsonb ->> 'raw',
            (staging.problem::jsonb ->> 'line')::bigint,
            (staging.problem::jsonb ->> 'byte')::bigint,
            rejected_records.refusal, 1
        from ingest_orders.staging
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
    -- Replayed by itself once the parent is there.
    update ingest.rejects
    set retry_when = 'parent'
    where rejects.batch_id = this_batch_id and rejects.reasons && array['customer_id_unknown'];
end
$$;

-- The reason of a record that passed the rules and that the table refused.
create or replace function ingest_orders.refusal_reason(refusal jsonb)
returns text
language sql
immutable
return case refusal ->> 'constraint'
    when 'total_positive' then 'total_positive'
    when 'orders_customer_id_fkey' then 'customer_id_unknown'
    when 'orders_pkey' then 'orders_pkey_taken'
    else 'refused_by_table'
end;

-- As ingest_orders.insert_records; what the table refuses is then among rejected_records.
create or replace function ingest_orders.insert_or_refuse()
returns void
language plpgsql
as $$
declare
    moved_before bigint := ingest_orders.moved_rows();
    said_context text;
begin
    begin
        perform ingest_orders.insert_records();
        perform ingest_orders.end_writing(moved_before);
        return;
    exception
        when others or assert_failure then
            get stacked diagnostics said_context = pg_exception_context;
            if not ingest_orders.may_be_of_record(sqlstate, said_context) then
                raise;
            end if;
    end;
    begin
        perform ingest_orders.find_refused_records();
    exception
        when others or assert_failure then
            get stacked diagnostics said_context = pg_exception_context;
            if not ingest_orders.may_be_of_record(sqlstate, said_context) then
                raise;
            end if;
            perform set_config('sluice.conditions', 'off', true);
            perform ingest_orders.find_refused_records();
            perform set_config('sluice.conditions', 'on', true);
    end;
    moved_before := ingest_orders.moved_rows();
    perform ingest_orders.insert_records();
    perform ingest_orders.end_writing(moved_before);
end
$$;

-- Whether a record can be why this was raised. Deadlocks, full disks, lost rights to go on and the like are nobody's, unless a
-- trigger says RAISE and takes such a code for itself.
create or replace function ingest_orders.may_be_of_record(sql_state text, said_context text)
returns boolean
language sql
immutable
return left(sql_state, 2) <> all(array['08', '25', '40', '53', '55', '57', '58', 'SL', 'XX'])
or said_context ~ '^(?!PL/pgSQL function ingest\w*\.)[^\n]* RAISE(\n|$)';


-- Call this behind what writes rows: raises what is deferred (at the commit no record could be told from another).
create or replace function ingest_orders.end_writing(moved_before bigint, is_exchange boolean default false)
returns void
language plpgsql
as $$
begin
    set constraints all immediate;
    if ingest_orders.moved_rows() > moved_before then
        raise exception 'The trigger % removed a row again.', ingest_orders.triggers_on_table()
        using errcode = 'triggered_action_exception';
    end if;
end
$$;

-- Returns how many rows this transaction has removed from the table, including those that were undone: a merge removes none.
create or replace function ingest_orders.moved_rows()
returns bigint
language sql
volatile
as $$
select coalesce(sum(pg_stat_get_xact_tuples_deleted(pg_class.oid)), 0)::bigint
from pg_class
where
    pg_class.oid = to_regclass('public.orders')
    or pg_class.oid in (select pg_partition_tree.relid from pg_partition_tree(to_regclass('public.orders')))
$$;

-- The triggers that are not Sluice's and see what is written; null when there are none.
create or replace function ingest_orders.triggers_on_table()
returns text
language sql
stable
as $$
select string_agg(distinct quote_ident(pg_trigger.tgname), ' or ')
from pg_trigger
where
    (
        pg_trigger.tgrelid = to_regclass('public.orders')
        -- A partition may have triggers of its own.
        or exists (
            select from pg_partition_tree(to_regclass('public.orders')) as parts
            where parts.relid = pg_trigger.tgrelid
        )
    )
    and not pg_trigger.tgisinternal
    and pg_trigger.tgenabled in ('O', 'A')
    -- insert, update
    and pg_trigger.tgtype & 20 <> 0
$$;

-- Finds, by trial, what the table refuses, and keeps it in rejected_records; all else is undone. With `is_exchange` those of
-- losing_records whose values may not take the place of their row's, else the batch's valid records that may not be inserted.
create or replace function ingest_orders.find_refused_records(is_exchange boolean default false)
returns void
language plpgsql
as $$
declare
    refused jsonb[];
begin
    begin
        create temporary table replaced_rows (chunk_id bigint, record_no bigint, record jsonb);
        perform ingest_orders.choose_candidates(is_exchange);
        perform ingest_orders.try_candidates(0, 0, is_exchange);
        refused := ingest_orders.search_candidates(is_exchange);
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
create or replace function ingest_orders.choose_candidates(is_exchange boolean)
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
as $$
declare
    scan constant ingest_orders.merge_scan := ingest_orders.plan_scan();
    facts constant ingest_orders.facts := ingest_orders.facts();
begin
    create temporary table candidate_records (like losing_records);
    alter table candidate_records add column position bigint;
    create unique index on candidate_records (position);
    if is_exchange then
        -- The last record of each key.
        insert into candidate_records
        select last_records.*, row_number() over (order by chunk_id, record_no)
        from (
            select distinct on (order_id) losing_records.*
            from losing_records
            order by order_id, chunk_id desc, record_no desc
        ) as last_records;
    else
        insert into candidate_records
        select
            valid_records.*,
            row_number() over (order by chunk_id, record_no)
        from ingest_orders.valid_records(scan, facts);
    end if;
end
$$;

-- Returns a refusal for each candidate that the table refuses. They are written in their order, in subtransactions of as many as
-- pass: twice as many after each that does, a quarter after one that raises, down to the record that raises alone. So one
-- among 160,000 costs some twenty trials.
create or replace function ingest_orders.search_candidates(is_exchange boolean)
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
        refusal := ingest_orders.try_candidates(
            next_position, least(next_position + tried - 1, last_position), is_exchange
        );
        if refusal is not null and tried > 1 then
            tried := tried / 4 + 1;
            continue;
        end if;
        -- Somebody else's insert of the same key in this very moment: seen by now, it is taken.
        if refusal ->> 'sqlState' = '23505' and refusal ->> 'constraint' = 'orders_pkey' then
            refusal := ingest_orders.try_candidates(next_position, next_position, is_exchange);
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
create or replace function ingest_orders.insert_candidates(first_position bigint, last_position bigint)
returns bigint
language plpgsql
set enable_seqscan = off
as $$
declare
    left_out bigint;
begin
    with tried_records as materialized (
        select distinct on (candidate_records.order_id) candidate_records.*
        from candidate_records
        left join ingest_orders.known_keys(
            array(select row(candidate_records.order_id)::ingest_orders.record_key from candidate_records where candidate_records.position between first_position and last_position)
        ) as known_keys on known_keys.order_id = candidate_records.order_id
        where
            candidate_records.position between first_position and last_position
            and known_keys.order_id is null
        order by candidate_records.order_id, candidate_records.position
    ),
    inserted_rows as (
        insert into public.orders (
            order_id, customer_id, status, total, placed_at
        )
        select
            tried_records.order_id, tried_records.customer_id,
            coalesce(tried_records.status, ('new'::sales.order_status)::sales.order_status), tried_records.total,
            tried_records.placed_at
        from tried_records
        returning
            orders.order_id
    )
    select (select count(*) from tried_records) - (select count(*) from inserted_rows)
    into left_out;
    return left_out;
end
$$;

-- Writes, or tries to, the candidates of these positions. Null, or what the table said: then none of them.
-- Raises what is no record's fault: what makes even a statement of no row fail (positions 0 to 0), a column that must be filled
-- and is not Sluice's or that has become too narrow, row security. The ingest says so and waits until somebody has undone it.
create or replace function ingest_orders.try_candidates(first_position bigint, last_position bigint, is_exchange boolean)
returns jsonb
language plpgsql
as $$
declare
    moved_before constant bigint := ingest_orders.moved_rows();
    left_out bigint;
    said_message text;
    said_detail text;
    said_constraint text;
    said_table text;
    said_column text;
    said_context text;
begin
    left_out := case
        when is_exchange then ingest_orders.exchange_rows(first_position, last_position)
        else ingest_orders.insert_candidates(first_position, last_position)
    end;
    if left_out > 0 then
        raise exception '%', ingest_orders.silent_refusal() ->> 'message' using errcode = 'triggered_action_exception';
    end if;
    perform ingest_orders.end_writing(moved_before, is_exchange);
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
        
        if
            not ingest_orders.may_be_of_record(sqlstate, said_context)
            or (first_position = 0 and said_context = '' and sqlstate like '42%')
            or (sqlstate = '23502' and said_column <> all(ingest_orders.filled_columns()))
            or row_security_active('public.orders')
        then
            raise;
        end if;
        if first_position = 0 then
            raise exception 'the table % takes no row: % (%)', 'orders', said_message, concat_ws(' ', sqlstate, said_context)
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
                -- The part before our own statement: the trigger, and what it called.
                'raisedIn', case when sqlstate <> '09000' then nullif(left(said_context, 1000), '') end
            ))
            from candidate_records
            where candidate_records.position = first_position
        );
end
$$;

-- The columns of the table that the merge fills, or Postgres for it.
create or replace function ingest_orders.filled_columns()
returns text[]
language sql
immutable
return array[
    'order_id', 'customer_id', 'status', 'total', 'placed_at'
];

-- Raises SL010 unless some index keeps the key unique: without one a record could become two rows.
create or replace function ingest_orders.require_key()
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
                pg_attribute.attrelid = to_regclass('public.orders')
                and pg_attribute.attname = any(ingest_orders.filled_columns())
        ) = cardinality(ingest_orders.filled_columns())
        and not exists (
            select from pg_index
            where
                pg_index.indrelid = to_regclass('public.orders')
                and pg_index.indisunique
                and pg_index.indisvalid
                and pg_index.indnkeyatts = 1
                and pg_index.indpred is null
                and pg_index.indexprs is null
                and not exists (
                    select from unnest(array['order_id']) as wanted_keys (name)
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
        raise exception 'the table orders has no primary key (order_id): alter table orders add primary key (order_id)'
        using errcode = 'SL010';
    end if;
end
$$;

-- Stands beside a reject when the table did not say why.
create or replace function ingest_orders.silent_refusal()
returns jsonb
language sql
immutable
return jsonb_build_object(
    'message', 'A trigger on orders left the record out without an error (or its row was deleted in that moment).'
);

-- A row as the raw values that would make it. It takes any row: an argument of the table's own type would keep its owner from
-- dropping the table.
create or replace function ingest_orders.record_of(stored record)
returns jsonb
language plpgsql
stable
as $$
begin
    return jsonb_object(
        array['order_id', 'customer_id', 'status', 'total', 'placed_at'],
        array[
            stored."order_id"::text,
            stored."customer_id"::text,
            stored."status"::text,
            stored."total"::text,
            stored."placed_at"::text
        ]
    );
end
$$;

-- The row that a record's key names, in the shape of a reject's record; null when there is none.
create or replace function ingest_orders.stored_record(record jsonb)
returns jsonb
language plpgsql
stable
as $$
declare
    named_key constant text := ingest.trimmed(record ->> 'order_id');
    stored public.orders;
begin
    if ((named_key is not null and (case
        when ingest.input_is_valid(named_key, 'bigint') then case when (named_key collate "C" >= 'A' or named_key collate "C" between '0A' and '0z' or named_key like '%\_%' or named_key collate "C" < '.' and (substr(named_key, 2) collate "C" >= 'A' or substr(named_key, 2) collate "C" between '0A' and '0z')) and named_key !~ '^[+-]?[0-9]+$' then 'invalid' end
        when named_key ~ '^[+-]?[0-9]+$' then 'out_of_range'
        else 'invalid'
    end) is null)) is not true then
        return null;
    end if;
    select orders.* into stored
    from public.orders
    where orders.order_id = named_key::bigint;
    if not found then
        return null;
    end if;
    return ingest_orders.record_of(stored);
end
$$;

-- A record beside the row that its key names: `stored` is the row in the shape of a record; `differs` names the columns in which
-- the record says something else, as a merge compares them. Null where there is no such row.
create or replace function ingest_orders.compare_record(record jsonb)
returns jsonb
language plpgsql
stable
as $$
declare
    facts constant ingest_orders.facts := ingest_orders.facts();
    named_key constant text := ingest.trimmed(record ->> 'order_id');
    stored public.orders;
    given_value text;
    differing text[] := '{}';
begin
    if ((named_key is not null and (case
        when ingest.input_is_valid(named_key, 'bigint') then case when (named_key collate "C" >= 'A' or named_key collate "C" between '0A' and '0z' or named_key like '%\_%' or named_key collate "C" < '.' and (substr(named_key, 2) collate "C" >= 'A' or substr(named_key, 2) collate "C" between '0A' and '0z')) and named_key !~ '^[+-]?[0-9]+$' then 'invalid' end
        when named_key ~ '^[+-]?[0-9]+$' then 'out_of_range'
        else 'invalid'
    end) is null)) is not true then
        return null;
    end if;
    select orders.* into stored
    from public.orders
    where orders.order_id = named_key::bigint;
    if not found then
        return null;
    end if;
    given_value := ingest.trimmed(record ->> 'customer_id');
    if (
        case
            when ((given_value is not null and (case
                when ingest.input_is_valid(given_value, 'bigint') then case when (given_value collate "C" >= 'A' or given_value collate "C" between '0A' and '0z' or given_value like '%\_%' or given_value collate "C" < '.' and (substr(given_value, 2) collate "C" >= 'A' or substr(given_value, 2) collate "C" between '0A' and '0z')) and given_value !~ '^[+-]?[0-9]+$' then 'invalid' end
                when given_value ~ '^[+-]?[0-9]+$' then 'out_of_range'
                else 'invalid'
            end) is null)) is not true then true
            else given_value::bigint is distinct from stored."customer_id"
        end
    ) then
        differing := differing || 'customer_id'::text;
    end if;
    given_value := ingest.trimmed(record ->> 'status');
    if (
        case
            when given_value is null then false
            when ((given_value is null or (case when given_value = any(array['new', 'paid']::text[]) then null when ingest.input_is_valid(given_value, 'sales.order_status') then null else 'unknown' end) is null)) is not true then true
            else given_value::sales.order_status is distinct from stored."status"
        end
    ) then
        differing := differing || 'status'::text;
    end if;
    given_value := ingest.trimmed(record ->> 'total');
    if (
        case
            when ((given_value is not null and (case
                when ingest.input_is_valid(given_value, 'numeric') then
                    case
                        when ((given_value collate "C" >= 'A' or given_value collate "C" between '0A' and '0z' or given_value like '%\_%' or given_value collate "C" < '.' and (substr(given_value, 2) collate "C" >= 'A' or substr(given_value, 2) collate "C" between '0A' and '0z')) or given_value like '%e%' or given_value like '%E%') and not given_value ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$' then 'invalid'
                        when given_value::numeric <> round(given_value::numeric, 2) then 'too_precise'
                        when abs(given_value::numeric) >= 1e8::numeric then 'out_of_range'
                    end
                when given_value ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$' then 'out_of_range'
                else 'invalid'
            end) is null)) is not true then true
            else given_value::numeric(10,2) is distinct from stored."total"
        end
    ) then
        differing := differing || 'total'::text;
    end if;
    given_value := ingest.trimmed(record ->> 'placed_at');
    if (
        case
            when ((given_value is null or (case
                when not ingest.input_is_valid(given_value, 'timestamp') then 'invalid'
                when given_value like '____-__-__ __:__:__' and given_value::timestamp::text = given_value then null
                when case
                    when given_value like '____-__-__ __:__:__.%' or given_value like '____-__-__T__:__:__.%' then
                        given_value::timestamp::text = rtrim(rtrim(replace(case
                        when given_value like '%Z' then left(given_value, -1)
                        when left(right(given_value, 6), 1) in ('+', '-') and right(given_value, 6) like '___:__' and translate(right(given_value, 6), '0123456789', '') in ('+:', '-:') then left(given_value, -6)
                        else given_value
                    end, 'T', ' '), '0'), '.') and given_value !~ '\.($|[^0-9])'
                    when given_value like '____-__-__ __:__:__%' or given_value like '____-__-__T__:__:__%' then given_value::timestamp::text = replace(case
                        when given_value like '%Z' then left(given_value, -1)
                        when left(right(given_value, 6), 1) in ('+', '-') and right(given_value, 6) like '___:__' and translate(right(given_value, 6), '0123456789', '') in ('+:', '-:') then left(given_value, -6)
                        else given_value
                    end, 'T', ' ')
                end or given_value ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?( ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2}|:[0-9]{2}:[0-9]{2})?))?)?$' then case
                    when (given_value collate "C" < '0001-01-02' or given_value collate "C" > '9999-12-31')
                            and (given_value::timestamptz < '0001-01-01' or given_value::timestamptz >= '10000-01-01') then 'invalid'
                    when octet_length(given_value) > 26 and given_value ~ '\.[0-9]{6}[0-9]*[1-9]' then 'too_precise'
                end
                else 'invalid'
            end) is null)) is not true then true
            else given_value::timestamp with time zone is distinct from stored."placed_at"
        end
    ) then
        differing := differing || 'placed_at'::text;
    end if;
    return jsonb_build_object(
        'stored', ingest_orders.record_of(stored),
        'differs', to_jsonb(differing)
    );
end
$$;

-- The latest batch that has since put another record in the place of the row that a record's key names; null when none has.
create or replace function ingest_orders.replaced_since(asked_record jsonb, since timestamptz)
returns bigint
language sql
stable
as $$
with stored_rows as materialized (
    select ingest_orders.stored_record(asked_record) as record
)
select max(rejects.resolved_by_batch)
from ingest.rejects
where
    rejects.stream_id = 1
    and left(regexp_replace(btrim(rejects.record ->> 'order_id', E' \t\n\r\f\x0b'), '^(-?)[+]?0*(?=[0-9])', '\1'), 100) = any(array[left(regexp_replace(ingest.trimmed(asked_record ->> 'order_id'), '^(-?)[+]?0*(?=[0-9])', '\1'), 100), left(regexp_replace((select stored_rows.record ->> 'order_id' from stored_rows), '^(-?)[+]?0*(?=[0-9])', '\1'), 100)])
    and regexp_replace(btrim(rejects.record ->> 'order_id', E' \t\n\r\f\x0b'), '^(-?)[+]?0*(?=[0-9])', '\1') = any(array[regexp_replace(ingest.trimmed(asked_record ->> 'order_id'), '^(-?)[+]?0*(?=[0-9])', '\1'), regexp_replace((select stored_rows.record ->> 'order_id' from stored_rows), '^(-?)[+]?0*(?=[0-9])', '\1')])
    and rejects.resolution = 'displaced'
    and rejects.resolved_at > since
$$;

-- Unknown columns are those of parsed records: the text of one JSON object.
create or replace function ingest_orders.stage_rejects(this_load_id bigint)
returns void
language plpgsql
as $$
begin
    insert into ingest_orders.staging (
        load_id, chunk_id, record_no, slice_no,
        order_id, customer_id, status, total, placed_at, extras
    )
    select
        this_load_id,
        replayed_rejects.chunk_id,
        replayed_rejects.record_no,
        0,
        replayed_rejects.record ->> 'order_id',
        replayed_rejects.record ->> 'customer_id',
        replayed_rejects.record ->> 'status',
        replayed_rejects.record ->> 'total',
        replayed_rejects.record ->> 'placed_at',
        null
    from replayed_rejects;
end
$$;


create or replace function ingest_orders.unstage_dropped_rejects(this_load_id bigint)
returns void
language plpgsql
as $$
begin
    delete from ingest_orders.staging
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

create or replace function ingest_orders.unstage_rejects(this_load_id bigint)
returns void
language sql
as $$
    delete from ingest_orders.staging where staging.load_id = this_load_id
$$;

create or replace function ingest_orders.reasons_today(staged ingest_orders.staging, facts ingest_orders.facts)
returns text[]
language plpgsql
stable
as $$
begin
    return ingest_orders.reject_reasons(staged, true, facts);
exception
    when others or assert_failure then
        return null;
end
$$;

-- Leaves only the rejects whose verdict would be another one today: a rejected record that passes or fails for other
-- reasons; a conflict that was edited, or is what is stored by now, or any conflict when they are accepted.
create or replace function ingest_orders.drop_unchanged_rejects(this_load_id bigint, accept_conflicts boolean)
returns void
language plpgsql
as $$
declare
    facts constant ingest_orders.facts := ingest_orders.facts();
begin
    delete from replayed_rejects
    using ingest_orders.staging
    where
        replayed_rejects.kind = 'rejected'
        and staging.load_id = this_load_id
        and staging.chunk_id = replayed_rejects.chunk_id
        and staging.record_no = replayed_rejects.record_no
        and ingest_orders.reasons_today(staging, facts) = replayed_rejects.reasons;

    if not accept_conflicts and exists (select from replayed_rejects where replayed_rejects.kind = 'conflict') then
        perform ingest.add_replayed_chunks(this_load_id);
        insert into losing_records
        select valid_records.*
        from ingest_orders.valid_records(ingest_orders.plan_scan(), row(false)::ingest_orders.facts)
        inner join replayed_rejects using (chunk_id, record_no)
        where replayed_rejects.kind = 'conflict';
        perform ingest_orders.classify_losers();
        delete from replayed_rejects
        using rejected_records
        where
            rejected_records.kind = 'conflict'
            and rejected_records.chunk_id = replayed_rejects.chunk_id
            and rejected_records.record_no = replayed_rejects.record_no;
        perform ingest.empty_batch();
    end if;
    perform ingest_orders.unstage_dropped_rejects(this_load_id);
end
$$;

-- Leaves out the rejects that the table refused before and refuses still.
create or replace function ingest_orders.drop_still_refused(this_load_id bigint, accept_conflicts boolean)
returns void
language plpgsql
as $$
declare
    said_context text;
begin
    if not exists (
        select from replayed_rejects
        inner join ingest.rejects on rejects.reject_id = replayed_rejects.reject_id and rejects.refusal is not null
    ) then
        return;
    end if;
    perform ingest.add_replayed_chunks(this_load_id);
    perform ingest_orders.count_records();
    begin
        perform ingest_orders.find_refused_records();
    exception
        when others or assert_failure then
            get stacked diagnostics said_context = pg_exception_context;
            if not ingest_orders.may_be_of_record(sqlstate, said_context) then
                raise;
            end if;
            perform set_config('sluice.conditions', 'off', true);
            perform ingest_orders.find_refused_records();
            perform set_config('sluice.conditions', 'on', true);
    end;
    if accept_conflicts then
        insert into losing_records
        select valid_records.*
        from ingest_orders.valid_records(ingest_orders.plan_scan(), row(false)::ingest_orders.facts);
        loop
            perform ingest_orders.find_refused_records(is_exchange => true);
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
        and (rejects.kind = 'conflict' or rejects.reasons = array[ingest_orders.refusal_reason(rejects.refusal)]);
    perform ingest_orders.unstage_dropped_rejects(this_load_id);
    perform ingest.empty_batch();
end
$$;


-- As ingest_orders.accept_conflicts; a conflict whose record the table refuses stays one, with what the table said.
create or replace function ingest_orders.accept_or_refuse(this_batch_id bigint)
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
        moved_before := ingest_orders.moved_rows();
        begin
            perform ingest_orders.accept_conflicts(this_batch_id);
            perform ingest_orders.end_writing(moved_before, is_exchange => true);
            return;
        exception
            when others or assert_failure then
                get stacked diagnostics said_context = pg_exception_context;
                if not has_refused or not ingest_orders.may_be_of_record(sqlstate, said_context) then
                    raise;
                end if;
        end;
        -- The last record of an id may be refused and the one before it taken: hence again, until none is refused.
        has_refused := ingest_orders.refuse_conflicts(this_batch_id);
    end loop;
end
$$;

-- Takes the conflicts that the table refuses to accept out of losing_records. False when there are none.
create or replace function ingest_orders.refuse_conflicts(this_batch_id bigint)
returns boolean
language plpgsql
as $$
begin
    delete from rejected_records;
    perform ingest_orders.find_refused_records(is_exchange => true);

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

create or replace function ingest_orders.count_refused_conflicts(this_batch_id bigint)
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
create or replace function ingest_orders.ready_rejects(
    after_reject_id bigint,
    most integer,
    out ready bigint[],
    out last_reject_id bigint
)
language plpgsql
stable
as $$
begin
    with waiting_rejects as materialized (
        select rejects.reject_id, rejects.record
        from ingest.rejects
        where
            rejects.stream_id = 1
            and rejects.retry_when is not null
            and rejects.resolved_by_batch is null
            and rejects.record is not null
            and rejects.reject_id > after_reject_id
        order by rejects.reject_id
        limit most
    )
    select
        array(
            select waiting_rejects.reject_id
            from waiting_rejects
            where (
                select
                    (orders.customer_id is null or exists (select from sales.customers as sluice_parent where sluice_parent.id = orders.customer_id)) is not false
                from (select null::text::bigint as order_id, case when (ingest.trimmed(waiting_rejects.record ->> 'customer_id') is not null and (case
                    when ingest.input_is_valid(ingest.trimmed(waiting_rejects.record ->> 'customer_id'), 'bigint') then case when (ingest.trimmed(waiting_rejects.record ->> 'customer_id') collate "C" >= 'A' or ingest.trimmed(waiting_rejects.record ->> 'customer_id') collate "C" between '0A' and '0z' or ingest.trimmed(waiting_rejects.record ->> 'customer_id') like '%\_%' or ingest.trimmed(waiting_rejects.record ->> 'customer_id') collate "C" < '.' and (substr(ingest.trimmed(waiting_rejects.record ->> 'customer_id'), 2) collate "C" >= 'A' or substr(ingest.trimmed(waiting_rejects.record ->> 'customer_id'), 2) collate "C" between '0A' and '0z')) and ingest.trimmed(waiting_rejects.record ->> 'customer_id') !~ '^[+-]?[0-9]+$' then 'invalid' end
                    when ingest.trimmed(waiting_rejects.record ->> 'customer_id') ~ '^[+-]?[0-9]+$' then 'out_of_range'
                    else 'invalid'
                end) is null) then ingest.trimmed(waiting_rejects.record ->> 'customer_id') end::bigint as customer_id, coalesce(null::text::sales.order_status, ('new'::sales.order_status)::sales.order_status) as status, null::text::numeric(10,2) as total, null::text::timestamp with time zone as placed_at) as orders
            )
            order by waiting_rejects.reject_id
        ),
        (select max(waiting_rejects.reject_id) from waiting_rejects)
    into ready, last_reject_id;
end
$$;

-- Replaces the rows that this batch's conflicts are in conflict with, the last record of a key over all others. The
-- old row, and every conflict that the last one outdid, stays as a reject of this batch, resolved as 'displaced': a
-- further replay leaves it alone, so the two never take turns.
create or replace function ingest_orders.accept_conflicts(this_batch_id bigint)
returns void
language plpgsql
as $$
begin
    create temporary table replaced_rows (chunk_id bigint not null, record_no bigint not null, record jsonb not null);
    perform ingest_orders.choose_candidates(is_exchange => true);
    if ingest_orders.exchange_rows(1, (select count(*) from candidate_records)) > 0 then
        raise exception '%', ingest_orders.silent_refusal() ->> 'message' using errcode = 'triggered_action_exception';
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
        chunk_id, record_no, batch_id, kind, reasons, record, resolved_by_batch, resolved_at, resolution, stream_id
    )
    select
        replaced_rows.chunk_id,
        replaced_rows.record_no,
        this_batch_id,
        'conflict',
        array['order_id_conflict'],
        replaced_rows.record,
        this_batch_id,
        now(),
        'displaced', 1
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
create or replace function ingest_orders.exchange_rows(first_position bigint, last_position bigint, out left_out bigint)
language plpgsql
as $$

begin
    with tried_records as materialized (
        select candidate_records.*
        from candidate_records
        where candidate_records.position between first_position and last_position
    ),
    stored_rows as materialized (
        select tried_records.chunk_id, tried_records.record_no, ingest_orders.record_of(stored) as record
        from tried_records
        inner join ingest_orders.stored_rows(
            array(select row(tried_records.order_id)::ingest_orders.record_key from tried_records)
        ) as stored on stored.order_id = tried_records.order_id
    ),
    kept_rows as (
        insert into replaced_rows (chunk_id, record_no, record)
        select stored_rows.chunk_id, stored_rows.record_no, stored_rows.record
        from stored_rows
    ),
    updated_rows as (
        update public.orders
        set
            customer_id = tried_records.customer_id,
            status = coalesce(tried_records.status, orders.status),
            total = tried_records.total,
            placed_at = tried_records.placed_at
        from tried_records
        where orders.order_id = tried_records.order_id
        returning
            tried_records.order_id
    )
    select (select count(*) from stored_rows) - (select count(*) from updated_rows)
    into left_out;
end
$$;


create or replace function ingest_orders.open_try()
returns void
language plpgsql
as $$
begin
    create temporary table try_staging (like ingest_orders.staging including defaults);
end
$$;

create or replace function ingest_orders.stage_tried(tried_slice integer)
returns void
language plpgsql
as $$
begin
    insert into ingest_orders.staging
    select try_staging.*
    from pg_temp.try_staging
    where tried_slice is null or try_staging.slice_no = tried_slice;
end
$$;

-- The counts of each file, its reject reasons, and of each a few records.
create or replace function ingest_orders.describe_try(no_batch bigint, samples integer)
returns jsonb
language plpgsql
as $$
begin
    return (
        with rejected_records as materialized (
            select
                rejects.*,
                reason_list.reason,
                row_number() over (partition by rejects.chunk_id, reason_list.reason order by rejects.record_no) as position
            from ingest.rejects
            cross join lateral unnest(rejects.reasons) as reason_list (reason)
            where rejects.batch_id = no_batch
        ),
        counted_reasons as (
            select
                rejected_records.chunk_id as "chunkId",
                rejected_records.reason,
                count(*) as records,
                jsonb_agg(
                    ingest.in_camel_case(
                        to_jsonb(rejected_records), array['record_no', 'line_no', 'byte_offset', 'record', 'refusal']
                    ) || jsonb_build_object(
                        'rawText', left(rejected_records.raw_text, 500),
                        'stored', case
                            when rejected_records.kind = 'conflict' then ingest_orders.stored_record(rejected_records.record)
                        end
                    )
                    order by rejected_records.record_no
                ) filter (where rejected_records.position <= samples) as samples
            from rejected_records
            group by rejected_records.chunk_id, rejected_records.reason
        ),
        inserted_samples as (
            select batch_chunks.chunk_id as "chunkId", sampled_records.*
            from batch_chunks
            cross join lateral (
                select
                    staging.record_no as "recordNo",
                    ingest_orders.raw_record(staging, batch_chunks.extra_columns) as record
                from ingest_orders.staging
                where
                    staging.load_id = no_batch
                    and staging.chunk_id = batch_chunks.chunk_id
                    and not exists (
                        select from ingest.rejects
                        where
                            rejects.batch_id = no_batch
                            and rejects.chunk_id = staging.chunk_id
                            and rejects.record_no = staging.record_no
                    )
                    and not exists (
                        select from losing_records
                        where
                            losing_records.chunk_id = staging.chunk_id
                            and losing_records.record_no = staging.record_no
                    )
                    and not exists (
                        select from record_outcomes
                        where
                            record_outcomes.chunk_id = staging.chunk_id
                            and record_outcomes.record_no = staging.record_no
                    )
                order by staging.record_no
                limit samples
            ) as sampled_records
        )
        select jsonb_build_object(
            'files', (
                select jsonb_agg(
                    ingest.in_camel_case(
                        to_jsonb(batch_chunks),
                        array['chunk_id', 'read', 'inserted', 'updated', 'duplicate', 'superseded', 'deleted', 'conflict', 'rejected', 'removed']
                    )
                )
                from batch_chunks
            ),
            'reasons', (select coalesce(jsonb_agg(to_jsonb(counted_reasons)), '[]') from counted_reasons),
            'inserted', (select coalesce(jsonb_agg(to_jsonb(inserted_samples)), '[]') from inserted_samples)
        )
    );
end
$$;


create or replace function ingest_orders.prune_rows(
    older_than timestamptz,
    first_page bigint,
    end_page bigint,
    wanted_slices integer
)
returns table (done_slices integer, row_count bigint, kept_chunks bigint[])
language sql
immutable
return (wanted_slices, 0::bigint, '{}'::bigint[]);

create or replace function ingest_orders.prune_recent_sums()
returns bigint
language sql
immutable
return 0;

-- The verdict of each rule on a record's raw values today.
create or replace function ingest_orders.record_verdicts(record jsonb)
returns jsonb
language sql
stable
as $$
select
    jsonb_agg(
        jsonb_build_object('column', verdicts.column_name, 'value', verdicts.value, 'reason', verdicts.reason)
        order by verdicts.position
    )
from (
    select
        rules.position,
        rules.column_name,
        record ->> rules.column_name as value,
        case rules.column_name
            when 'order_id' then case when trimmed_values.value is null then 'order_id_missing' else 'order_id_' || (case
                when ingest.input_is_valid(trimmed_values.value, 'bigint') then case when (trimmed_values.value collate "C" >= 'A' or trimmed_values.value collate "C" between '0A' and '0z' or trimmed_values.value like '%\_%' or trimmed_values.value collate "C" < '.' and (substr(trimmed_values.value, 2) collate "C" >= 'A' or substr(trimmed_values.value, 2) collate "C" between '0A' and '0z')) and trimmed_values.value !~ '^[+-]?[0-9]+$' then 'invalid' end
                when trimmed_values.value ~ '^[+-]?[0-9]+$' then 'out_of_range'
                else 'invalid'
            end) end
            when 'customer_id' then case when trimmed_values.value is null then 'customer_id_missing' else 'customer_id_' || (case
                when ingest.input_is_valid(trimmed_values.value, 'bigint') then case when (trimmed_values.value collate "C" >= 'A' or trimmed_values.value collate "C" between '0A' and '0z' or trimmed_values.value like '%\_%' or trimmed_values.value collate "C" < '.' and (substr(trimmed_values.value, 2) collate "C" >= 'A' or substr(trimmed_values.value, 2) collate "C" between '0A' and '0z')) and trimmed_values.value !~ '^[+-]?[0-9]+$' then 'invalid' end
                when trimmed_values.value ~ '^[+-]?[0-9]+$' then 'out_of_range'
                else 'invalid'
            end) end
            when 'status' then case when trimmed_values.value is null then null else 'status_' || (case when trimmed_values.value = any(array['new', 'paid']::text[]) then null when ingest.input_is_valid(trimmed_values.value, 'sales.order_status') then null else 'unknown' end) end
            when 'total' then case when trimmed_values.value is null then 'total_missing' else 'total_' || (case
                when ingest.input_is_valid(trimmed_values.value, 'numeric') then
                    case
                        when ((trimmed_values.value collate "C" >= 'A' or trimmed_values.value collate "C" between '0A' and '0z' or trimmed_values.value like '%\_%' or trimmed_values.value collate "C" < '.' and (substr(trimmed_values.value, 2) collate "C" >= 'A' or substr(trimmed_values.value, 2) collate "C" between '0A' and '0z')) or trimmed_values.value like '%e%' or trimmed_values.value like '%E%') and not trimmed_values.value ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$' then 'invalid'
                        when trimmed_values.value::numeric <> round(trimmed_values.value::numeric, 2) then 'too_precise'
                        when abs(trimmed_values.value::numeric) >= 1e8::numeric then 'out_of_range'
                    end
                when trimmed_values.value ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$' then 'out_of_range'
                else 'invalid'
            end) end
            when 'placed_at' then case when trimmed_values.value is null then null else 'placed_at_' || (case
                when not ingest.input_is_valid(trimmed_values.value, 'timestamp') then 'invalid'
                when trimmed_values.value like '____-__-__ __:__:__' and trimmed_values.value::timestamp::text = trimmed_values.value then null
                when case
                    when trimmed_values.value like '____-__-__ __:__:__.%' or trimmed_values.value like '____-__-__T__:__:__.%' then
                        trimmed_values.value::timestamp::text = rtrim(rtrim(replace(case
                        when trimmed_values.value like '%Z' then left(trimmed_values.value, -1)
                        when left(right(trimmed_values.value, 6), 1) in ('+', '-') and right(trimmed_values.value, 6) like '___:__' and translate(right(trimmed_values.value, 6), '0123456789', '') in ('+:', '-:') then left(trimmed_values.value, -6)
                        else trimmed_values.value
                    end, 'T', ' '), '0'), '.') and trimmed_values.value !~ '\.($|[^0-9])'
                    when trimmed_values.value like '____-__-__ __:__:__%' or trimmed_values.value like '____-__-__T__:__:__%' then trimmed_values.value::timestamp::text = replace(case
                        when trimmed_values.value like '%Z' then left(trimmed_values.value, -1)
                        when left(right(trimmed_values.value, 6), 1) in ('+', '-') and right(trimmed_values.value, 6) like '___:__' and translate(right(trimmed_values.value, 6), '0123456789', '') in ('+:', '-:') then left(trimmed_values.value, -6)
                        else trimmed_values.value
                    end, 'T', ' ')
                end or trimmed_values.value ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?( ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2}|:[0-9]{2}:[0-9]{2})?))?)?$' then case
                    when (trimmed_values.value collate "C" < '0001-01-02' or trimmed_values.value collate "C" > '9999-12-31')
                            and (trimmed_values.value::timestamptz < '0001-01-01' or trimmed_values.value::timestamptz >= '10000-01-01') then 'invalid'
                    when octet_length(trimmed_values.value) > 26 and trimmed_values.value ~ '\.[0-9]{6}[0-9]*[1-9]' then 'too_precise'
                end
                else 'invalid'
            end) end
        end as reason
    from unnest(
        array['order_id', 'customer_id', 'status', 'total', 'placed_at']
    ) with ordinality as rules (column_name, position)
    cross join lateral (select ingest.trimmed(record ->> rules.column_name) as value) as trimmed_values
    cross join (select ingest_orders.facts() as facts) as facts
) as verdicts
$$;

-- One record of one chunk. Without a reject it is a row, or says what one says.
create or replace function ingest_orders.trace_record(traced_chunk_id bigint, traced_record_no bigint)
returns jsonb
language sql
stable
as $$
select
    jsonb_build_object(
        'recordNo', traced_record_no,
        'outcome', case
            when last_reject.reject_id is null and chunks.state = 'merged' and chunks.pruned_at is null then 'merged'
            when last_reject.resolution in ('inserted', 'accepted') then 'inserted'
            -- What it took the place of is kept under its number.
            when last_reject.resolution = 'displaced' and last_reject.batch_id = last_reject.resolved_by_batch then 'inserted'
            else ingest.trace_outcome(traced_chunk_id, traced_record_no)
        end,
        'insertedBy', ingest.trace_batch((
            select max(rejects.resolved_by_batch)
            from ingest.rejects
            where
                rejects.chunk_id = traced_chunk_id
                and rejects.record_no = traced_record_no
                and rejects.resolution in ('inserted', 'accepted')
        )),
        'event', null,
        'rejects', ingest.trace_rejects(traced_chunk_id, traced_record_no),
        'verdicts', case when last_reject.record is not null then ingest_orders.record_verdicts(last_reject.record) end
    ) || ingest.trace_chunk(traced_chunk_id)
from ingest.chunks
left join lateral (
    select rejects.*
    from ingest.rejects
    where rejects.chunk_id = traced_chunk_id and rejects.record_no = traced_record_no
    order by rejects.reject_id desc
    limit 1
) as last_reject on true
where chunks.chunk_id = traced_chunk_id
$$;

-- What is stored under a key, which comes as a record of its columns, and every reject that claims it: as it is given, or as
-- the stored row would be written. 007 and 7 are one number; a uuid is one in capital letters too.
create or replace function ingest_orders.trace_claims(traced_key jsonb)
returns jsonb
language sql
stable
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
with stored_rows as materialized (
    select ingest_orders.stored_record(traced_key) as record
),
claims as (
    select distinct rejects.chunk_id, rejects.record_no
    from ingest.rejects
    where
        rejects.stream_id = 1
        and left(regexp_replace(btrim(rejects.record ->> 'order_id', E' \t\n\r\f\x0b'), '^(-?)[+]?0*(?=[0-9])', '\1'), 100) = any(array[left(regexp_replace(ingest.trimmed(traced_key ->> 'order_id'), '^(-?)[+]?0*(?=[0-9])', '\1'), 100), left(regexp_replace((select stored_rows.record ->> 'order_id' from stored_rows), '^(-?)[+]?0*(?=[0-9])', '\1'), 100)])
        and regexp_replace(btrim(rejects.record ->> 'order_id', E' \t\n\r\f\x0b'), '^(-?)[+]?0*(?=[0-9])', '\1') = any(array[regexp_replace(ingest.trimmed(traced_key ->> 'order_id'), '^(-?)[+]?0*(?=[0-9])', '\1'), regexp_replace((select stored_rows.record ->> 'order_id' from stored_rows), '^(-?)[+]?0*(?=[0-9])', '\1')])
    order by rejects.chunk_id, rejects.record_no
    limit 100
)
select jsonb_build_object(
    'stored', (select stored_rows.record from stored_rows),
    'versions', '[]'::jsonb,
    'absentFrom', null,
    'records', coalesce(
        jsonb_agg(ingest_orders.trace_record(claims.chunk_id, claims.record_no) order by claims.chunk_id, claims.record_no), '[]'
    )
)
from claims
$$;

-- That record of every version of a path, the newest first; of a tail that was read twice, both times.
create or replace function ingest_orders.trace_file_record(traced_path text, traced_record_no bigint)
returns jsonb
language sql
stable
as $$
select coalesce(jsonb_agg(ingest_orders.trace_record(traced_chunks.chunk_id, traced_record_no) order by traced_chunks.version desc, traced_chunks.chunk_id desc), '[]')
from (
    select files.version, chunks.chunk_id
    from ingest.files
    inner join ingest.chunks on chunks.file_id = files.file_id
    where
        files.stream_id = 1
        and files.path = traced_path
        and traced_record_no between chunks.first_record_no and chunks.first_record_no + chunks.records - 1
    order by files.version desc, chunks.chunk_id desc
    limit 20
) as traced_chunks
$$;

-- Asked first: an index that is made waits for everybody who writes, even if it is there.
do $do$
begin
    if to_regclass('ingest.rejects_of_stream_1_da73b71b') is null then
        execute (
            select coalesce(string_agg(format('drop index %s', pg_class.oid::regclass), '; '), 'select')
            from pg_class
            where pg_class.relnamespace = 'ingest'::regnamespace and starts_with(pg_class.relname, 'rejects_of_stream_1_')
        );
        -- For the rivals of a record.
        create index rejects_of_stream_1_da73b71b on ingest.rejects (
            left(regexp_replace(btrim(record ->> 'order_id', E' \t\n\r\f\x0b'), '^(-?)[+]?0*(?=[0-9])', '\1'), 100)
        )
        where stream_id = 1;
    end if;
end
$do$;

-- Its table is not Sluice's: nothing here empties it.
create or replace function ingest_orders.stream_tables()
returns table (table_name text, holds text)
language sql
immutable
return ('public.orders'::text, 'theirs'::text);

create or replace function ingest_orders.count_rows()
returns bigint
language sql
stable
as $$
select count(*) from public.orders
$$;

create or replace function ingest_orders.update_rollups()
returns void
language sql
as $$
select
$$;
