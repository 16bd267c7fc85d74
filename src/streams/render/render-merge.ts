/**
 * The stream's part of a merge: what a record of its table is, from staged text to row. The engine's ingest.merge_batch calls these
 * functions in order and checks that the counts agree.
 */
import { stagedExtraColumns } from "../stream.ts";
import { lines, list, literal, sql } from "./sql-text.ts";
import {
    cast,
    compared,
    keyOf,
    keyType,
    names,
    rowOf,
    rowOfKey,
    type StreamSql,
    watchedColumns,
    written,
} from "./stream-sql.ts";

export function renderMerge(stream: StreamSql): string {
    return [
        opening,
        scratchTables(stream),
        extrasInRecord(stream),
        rawRecord(stream),
        rejectReasons(stream),
        isValidRecord(stream),
        scanType,
        stagedValues(stream),
        judgeRecords(stream),
        insertRecords(stream),
        rejectRecords(stream),
        settleLosers(stream),
        refuseRedirection(stream),
    ].join("\n");
}

const opening = `-- Functions that plan anew in each call: staging has no statistics, and the constants decide what is planned at all. They turn
-- nested loops off: without figures the planner takes a thousandth of the rows for one, and a loop over both sides for cheap.
-- A hash table that does not fit its memory is kept in batches; a million records cost a merge what each of a thousand
-- costs. (\`in\` over a query is a table that has to fit, or is searched once a row.)
`;

const scratchTables = (stream: StreamSql) => sql`
create or replace function ingest.prepare_stream_merge()
returns void
language plpgsql
as $$
begin
    -- Valid records that found their key taken, with the values to compare.
    create temporary table losing_records (
        load_id bigint not null,
        chunk_id bigint not null,
        record_no bigint not null,
        ${lines(stream.columns, ({ name, type }) => `${name} ${type}`)},
        ${stream.extras} jsonb
    ) on commit delete rows;
    -- Records of this batch that the rules or the table refuse.
    create temporary table invalid_records (
        chunk_id bigint not null,
        record_no bigint not null
    ) on commit delete rows;
    -- Valid records that the table refuses, and what it said.
    create temporary table refused_records (
        chunk_id bigint not null,
        record_no bigint not null,
        refusal jsonb not null
    ) on commit delete rows;
    -- Where the table has triggers: what an insert or update said that it wrote, and the key that the record there has.
    create temporary table written_rows (
        told_key ${keyType(stream)},
        record_key ${keyType(stream)},
        chunk_id bigint,
        record_no bigint,
        ${lines(watchedColumns(stream), ({ name, type }) => `${name} ${type}`)}
    ) on commit delete rows;
    perform ingest.prepare_rollups();
end
$$;
`;

const rawRecord = (stream: StreamSql) => sql`
-- White space of unknown columns is theirs: only the empty value, quoted or not, is left out.
create or replace function ingest.extra_values(staged ingest.staging)
returns text[]
language sql
immutable
return array[
    ${list(Array.from({ length: stagedExtraColumns }, (_, index) => `nullif(staged.extra_${index + 1}, '')`))}
];

-- From two arrays, in half the time that jsonb_build_object takes.
create or replace function ingest.known_values(staged ingest.staging)
returns jsonb
language sql
immutable
return jsonb_object(
    array[${list(names(stream), literal)}],
    array[
        ${list(names(stream), (name) => `staged.${name}`)}
    ]
);

-- The raw values of a staged record by column, as a reject keeps them. To add nothing takes as long as to build them.
create or replace function ingest.raw_record(staged ingest.staging, extra_columns text[])
returns jsonb
language sql
stable
return case
    when staged.problem is not null then null
    when staged.${stream.extras} is null and extra_columns is null then ingest.known_values(staged)
    else
        ingest.known_values(staged)
        || coalesce(
            ingest.attributes_in_record(
                ingest.attributes_of(staged.${stream.extras}, extra_columns, ingest.extra_values(staged))
            ),
            '{}'::jsonb
        )
end;
`;

/** Attributes that are called as columns of ours are: aliases can make them. */
const extrasInRecord = (stream: StreamSql) => {
    const prefix = `${stream.extras}.`;
    const ours = `((${stream.extras}\\.)*(${names(stream).join("|")}))`;
    return sql`
-- Attributes as a reject's record keeps them, beside our columns: one that has the name of one of ours (aliases can make it) gets
-- "${prefix}" before it, or a replay would read it as the column. So does one that is called so already.
create or replace function ingest.attributes_in_record(attributes jsonb)
returns jsonb
language sql
immutable
parallel safe
return case
    when
        attributes ?| array[
            ${list([...names(stream), ...names(stream).map((name) => prefix + name)], literal)}
        ]
    then
        (
            select
                jsonb_object_agg(
                    regexp_replace(kept.key, ${literal(`^${ours}$`)}, ${literal(`${prefix}\\1`)}),
                    kept.value
                )
            from jsonb_each(attributes) as kept
        )
    else attributes
end;

-- The other way round: the text of the attributes of a reject's record.
create or replace function ingest.attributes_of_record(record jsonb)
returns text
language sql
immutable
parallel safe
return (
    select
        jsonb_object_agg(
            regexp_replace(kept.key, ${literal(`^${stream.extras}\\.${ours}$`)}, '\\1'),
            nullif(kept.value, '')
        )::text
    from jsonb_each_text(record - array[${list(names(stream), literal)}]) as kept
);
`;
};

const rejectReasons = (stream: StreamSql) => sql`
-- Every reason why a record is refused, in the order of the columns; empty when it is not. Where nothing may need it, nothing
-- is trimmed: a rule asks for its value again and again, and the trims would cost more than the rules.
create or replace function ingest.reject_reasons(staged ingest.staging, is_padded boolean, facts ${stream.facts})
returns text[]
language sql
stable
return case
    when staged.problem is not null then array[staged.problem::jsonb ->> 'reason']
    else array_remove(
        array[
            ${lines(stream.columns, ({ name, reason }) => reason(`ingest.bare(staged.${name}, is_padded)`, "facts"))}
        ],
        null
    )
end;
`;

const isValidRecord = (stream: StreamSql) => sql`
-- The merge's verdict on a record, of values that are trimmed. One expression, so that it is inlined where it is used.
create or replace function ingest.is_valid_record(
    problem text, plain_second bigint,
    ${list(names(stream), (name) => `${name} text`)},
    facts ${stream.facts}
)
returns boolean
language sql
stable
return case
    when ${stream.knownToPass("facts")} then true
    else
        problem is null
        ${lines(stream.columns, ({ name, reason }) => `and ${reason(name, "facts")} is null`, "")}
end;
`;

const scanType = `
-- What a merge knows of its batch before it reads staging. The fields are constants by the time a plan is made, so that
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
    -- The batch is every chunk of the stream between its first and its last, the same slices of each, and nothing is to be
    -- known of them
    -- (nearly always). Then a staged row is chosen by its ids alone, without a join. Not where rows were lost: only the
    -- pair of ids tells what a chunk left in an earlier load from what was staged again.
    is_range boolean,
    first_chunk bigint,
    last_chunk bigint,
    load_ids bigint[]
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
        array_agg(distinct batch_chunks.load_id)
    into scan
    from batch_chunks;
    scan.is_range := scan.is_range and ingest.is_chunk_range();
    return scan;
end
$$;
`;

const bare = (name: string) => `ingest.bare(staging.${name}, scan.has_padded and chunks.is_padded) as ${name}`;

const stagedValues = (stream: StreamSql) => sql`
-- The staged records of the batch: their values trimmed, and the verdict. Inlined where it is used.
set local check_function_bodies = off;
create or replace function ingest.staged_values(scan ingest.merge_scan, facts ${stream.facts})
returns table (
    load_id bigint, chunk_id bigint, record_no bigint, plain_second bigint,
    ${list(names(stream), (name) => `${name} text`)},
    ${stream.extras} jsonb, is_valid boolean
)
language sql
stable
as $$
    select
        bare.load_id, bare.chunk_id, bare.record_no, bare.plain_second,
        ${list(names(stream), (name) => `bare.${name}`)},
        bare.${stream.extras},
        ingest.is_valid_record(
            bare.problem, bare.plain_second,
            ${list(names(stream), (name) => `bare.${name}`)},
            facts
        )
    from (
        select
            staging.load_id, staging.chunk_id, staging.record_no, staging.plain_second, staging.problem,
            ${lines(names(stream), bare)},
            case
                -- A record that could not be split has no values, and this stands before the verdict.
                when
                    scan.wants_extras
                    and (staging.${stream.extras} is not null or chunks.extra_columns is not null)
                    and staging.problem is null
                then ingest.attributes_of(staging.${stream.extras}, chunks.extra_columns, ingest.extra_values(staging))
            end as ${stream.extras}
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
        -- A fence: without it the planner repeats the trims in every place that uses them.
        offset 0
    ) as bare
$$;
set local check_function_bodies = on;
`;

const judgeRecords = (stream: StreamSql) => sql`
-- Keeps the keys of what the rules refuse, without an insert: for a reject budget.
create or replace function ingest.judge_records()
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
as $$
declare
    scan constant ingest.merge_scan := ingest.plan_scan();
    facts constant ${stream.facts} := ${stream.facts}();
begin
    insert into invalid_records (chunk_id, record_no)
    select staged.chunk_id, staged.record_no
    from ingest.staged_values(scan, facts) as staged
    where not staged.is_valid;
end
$$;
`;

const insertRecords = (stream: StreamSql) => sql`
-- Inserts, in key order, the first valid record of every key that is not yet there; keeps what the rollups gain, the
-- keys of what the rules refuse for reject_records, and the valid records that were not inserted for settle_losers.
--
-- \`is_trial\`: nothing is inserted, so that every valid record is kept as one that was not.
create or replace function ingest.insert_records(is_trial boolean default false)
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
-- A table that is known to be empty or tiny would be read whole for each key: while this very statement fills it.
set enable_seqscan = off
as $$
declare
    scan constant ingest.merge_scan := ingest.plan_scan();
    facts constant ${stream.facts} := ${stream.facts}();
    gain_facts constant ${stream.rollups.facts} := ${stream.rollups.facts}();
    has_refused constant boolean := exists (select from refused_records);
    is_watched constant boolean := ingest.triggers_on_table() is not null;
    expected constant bigint := (select sum(batch_chunks.read) from batch_chunks) - (select count(*) from refused_records);
begin
    insert into invalid_records (chunk_id, record_no)
    select refused_records.chunk_id, refused_records.record_no
    from refused_records;

    with staged_records as not materialized (
        select staged.*
        from ingest.staged_values(scan, facts) as staged
        where
            not has_refused
            or not exists (
                select from refused_records
                where refused_records.chunk_id = staged.chunk_id and refused_records.record_no = staged.record_no
            )
    ),
    -- Cast behind the filter: a scan computes what it selects of the rows that pass.
    valid_records as not materialized (
        select
            chunk_id, record_no,
            ${list(stream.columns, (column) => castOf(stream, column))},
            ${stream.extras}
        from staged_records
        where is_valid
    ),
    first_records as (
        select distinct on (${keyOf(stream)}) valid_records.*
        from valid_records
        order by ${keyOf(stream)}, chunk_id, record_no
    ),
    -- Looked up before, not left to ON CONFLICT: that costs a quarter of the whole insert in CPU, a look-up a tenth.
    -- No other merge inserts these keys, since we hold their slices; somebody else's insert in between is a unique
    -- violation, and the merge is called again. As a scalar, so that it is always a look-up in the index, in key order.
    new_records as not materialized (
        select first_records.*
        from first_records
        where not is_trial and (${rowOfKey(stream, "first_records")}) is null
    ),
    inserted_rows as (
        insert into ${stream.table} (
            ${list(written(stream))}
        )
        select
            ${list(written(stream))}
        from new_records
        returning
            case when is_watched then ${rowOf(stream)}.${keyOf(stream)} end as record_key,
            ${list(["chunk_id", "record_no", ...stream.rollups.columns], (name) => `${rowOf(stream)}.${name}`)}
    ),
    watched_rows as (
        insert into written_rows
        select new_records.${keyOf(stream)}, inserted_rows.*
        from inserted_rows
        left join new_records
            on new_records.chunk_id = inserted_rows.chunk_id and new_records.record_no = inserted_rows.record_no
        where is_watched
    ),
    kept_gains as (
        ${stream.rollups.gains("inserted_rows", 1)}
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
    -- What was not inserted: looked for, by one more scan and a hash table of all that was, only when the counts say that
    -- there is some.
    missing_records as materialized (
        select staged_records.*
        from staged_records
        where
            coalesce((select sum(inserted_counts.inserted) from inserted_counts), 0) < expected
            and not exists (
                select from inserted_rows
                where
                    inserted_rows.chunk_id = staged_records.chunk_id
                    and inserted_rows.record_no = staged_records.record_no
            )
    ),
    kept_invalid as (
        insert into invalid_records (chunk_id, record_no)
        select chunk_id, record_no
        from missing_records
        where not is_valid
    )
    -- Valid, and their key was taken: by a record before them, or by a row that was there.
    insert into losing_records
    select
        load_id, chunk_id, record_no,
        ${list(stream.columns, (column) => cast(column.name, column))},
        ${stream.extras}
    from missing_records
    where is_valid;
end
$$;
`;

function castOf({ plainColumn }: StreamSql, column: StreamSql["columns"][number]): string {
    const value = cast(column.name, column);
    if (column.name === plainColumn) {
        return `case when plain_second is null then ${value} else to_timestamp(plain_second) end as ${column.name}`;
    }
    return value === column.name ? value : `${value} as ${column.name}`;
}

const rejectRecords = (stream: StreamSql) => sql`
-- Moves what the rules and the table refuse into rejects, with every reason.
create or replace function ingest.reject_records(this_batch_id bigint)
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
as $$
declare
    idle_lanes constant smallint[] := ingest.idle_lanes();
    facts constant ${stream.facts} := ${stream.facts}();
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
                else ingest.reject_reasons(staging, has_padded and batch_chunks.is_padded, facts)
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
`;

const refuseRedirection = (stream: StreamSql) => sql`
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
        cross join lateral (
            select ${rowOf(stream)}.chunk_id, ${rowOf(stream)}.record_no
            from ${stream.table}
            where ${rowOf(stream)}.${keyOf(stream)} = losing_records.${keyOf(stream)}
            offset 0
        ) as stored
        where stored.chunk_id = losing_records.chunk_id and stored.record_no = losing_records.record_no
    ) then
        raise exception 'the trigger % puts the rows of ${rowOf(stream)} into another table: drop it, or let that table not inherit', triggers
        using errcode = 'SL010';
    end if;
end
$$;
`;

const settleLosers = (stream: StreamSql) => sql`
-- A later statement, and so with the inserted rows in sight: a valid record whose key was taken is a duplicate when all it
-- says is what is stored, else a conflict, which rejects keeps. One whose row is not there at all was left out by a
-- trigger, without an error.
create or replace function ingest.settle_losers(this_batch_id bigint)
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
as $$
declare
    idle_lanes constant smallint[] := ingest.idle_lanes();
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
            losers.load_id,
            losers.chunk_id,
            losers.record_no,
            stored.${keyOf(stream)} is null as is_left_out,
            (
                ${list(compared(stream), (name) => `losers.${name}`)}
            ) is distinct from (
                ${list(compared(stream), (name) => `stored.${name}`)}
            ) as is_conflict
        from losers
        -- Fenced, so that it is a look-up a loser and never a scan of the table.
        left join lateral (
            select ${rowOf(stream)}.*
            from ${stream.table}
            where ${rowOf(stream)}.${keyOf(stream)} = losers.${keyOf(stream)}
            offset 0
        ) as stored on true
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
            array[case when compared_records.is_left_out then 'refused_by_table' else ${literal(stream.conflictCode)} end],
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
`;
