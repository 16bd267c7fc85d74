/** The staged records of a batch: their values trimmed, and the verdict. */
import { lines, list, sql } from "./sql-text.ts";
import { type ColumnSql, idents, type StreamSql, typedColumns } from "./stream-sql.ts";
import { scannedValue } from "./typed-values.ts";
import { brokenConditions, verdict } from "./verdict.ts";

export const scanType = `
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
`;

const bare = (ident: string) => `ingest.bare(staging.${ident}, scan.has_padded and chunks.is_padded) as ${ident}`;

/**
 * The staged records of the batch as a query, and as a function that is inlined where it is used. A statement that touches a stream's table
 * has the query: Citus inlines no function that reads tables.
 */
export const stagedQuery = (stream: StreamSql) => sql`
select
    bare.chunk_id, bare.record_no, bare.plain_second,
    ${list(idents(stream), (ident) => `bare.${ident}`)},
    ${list([...typedColumns(stream).map(({ typed }) => typed), stream.extras], (name) => `bare.${name}`)},
    ${verdict(stream, "bare", "facts")} as is_valid
from (
    select
        staging.chunk_id, staging.record_no, staging.plain_second, staging.problem,
        ${lines([...idents(stream).map(bare), ...typedColumns(stream).map(({ typed }) => `staging.${typed}`)], String)},
        case
            -- A record that could not be split has no values, and this stands before the verdict.
            when
                scan.wants_extras
                and (staging.${stream.extras} is not null or chunks.extra_columns is not null)
                and staging.problem is null
            then ingest.extras_of(staging.${stream.extras}, chunks.extra_columns, ingest.extra_values(staging))
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
        and (
            not scan.has_refused
            or not exists (
                select from rejected_records
                where (rejected_records.chunk_id, rejected_records.record_no) = (staging.chunk_id, staging.record_no)
            )
        )
    -- A fence: without it the planner repeats the trims in every place that uses them.
    offset 0
) as bare`;

export const stagedValues = (stream: StreamSql) => sql`
-- The staged records of the batch: their values trimmed, and the verdict. Inlined where it is used.
set local check_function_bodies = off;
create or replace function ingest.staged_values(scan ingest.merge_scan, facts ${stream.facts})
returns table (
    chunk_id bigint, record_no bigint, plain_second bigint,
    ${list(idents(stream), (ident) => `${ident} text`)},
    ${list([...typedColumns(stream).map(({ typed, type }) => `${typed} ${type}`), `${stream.extras} jsonb`, "is_valid boolean"])}
)
language sql
stable
as $$
    ${stagedQuery(stream)}
$$;
set local check_function_bodies = on;
`;

/** Those of `staged` that the rules pass, cast. */
const validOf = (stream: StreamSql, staged: string) => sql`
select
    staged.chunk_id, staged.record_no,
    ${list(stream.columns, (column) => `${castOf(stream, column)} as ${column.ident}`)},
    staged.${stream.extras}
from ${staged} as staged
where staged.is_valid`;

export const validQuery = (stream: StreamSql) =>
    validOf(
        stream,
        sql`
(
    ${stagedQuery(stream)}
)`,
    );

export const validRecords = (stream: StreamSql) => sql`
-- Those of them that the rules pass, cast. A scan computes what it selects of the rows that pass, so no cast sees others.
create or replace function ingest.valid_records(scan ingest.merge_scan, facts ${stream.facts})
returns table (
    chunk_id bigint, record_no bigint,
    ${list(stream.columns, ({ ident, type }) => `${ident} ${type}`)},
    ${stream.extras} jsonb
)
language sql
stable
as $$
    ${validOf(stream, "ingest.staged_values(scan, facts)")}
$$;
`;

/** From the number a time costs a fifth of what it costs from its text. */
function castOf({ timed }: StreamSql, column: ColumnSql): string {
    const value = scannedValue(column, "staged");
    // What COPY has made typed is taken as it is.
    if (column.name !== timed || column.typed !== null) return value;
    const moment = "to_timestamp(staged.plain_second)";
    const isLocal = column.type.endsWith("without time zone");
    return `case when staged.plain_second > 0 then ${isLocal ? `${moment} at time zone 'UTC'` : moment} else ${value} end`;
}

export const validateRecords = (stream: StreamSql) => sql`
-- Keeps the keys of what the rules reject, without an insert: for a reject budget.
create or replace function ingest.validate_records()
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
as $$
declare
    scan constant ingest.merge_scan := ingest.plan_scan();
    facts constant ${stream.facts} := ${stream.facts}();
begin
    insert into rejected_records (chunk_id, record_no${stream.conditions === null ? "" : ", reasons"})
    select staged.chunk_id, staged.record_no${brokenConditions(stream, "staged")}
    from ingest.staged_values(scan, facts) as staged
    where not staged.is_valid;
end
$$;
`;

export const countRecords = `
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
`;
