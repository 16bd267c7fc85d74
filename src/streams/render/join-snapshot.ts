/** What a snapshot and its table have in common, and in what they differ: the join of its records with the rows. */
import { allOf, lines, list, sql } from "./sql-text.ts";
import { type ColumnSql, hasKeyOf, idents, keyOrder, rowOf, type StreamSql, saysOther } from "./stream-sql.ts";

/** The columns whose values say which rows a file is about; none: it is the whole table. */
export const sliceColumns = ({ mode, columns }: StreamSql): ColumnSql[] =>
    mode.name === "snapshot" ? mode.by.map((name) => columns.find((column) => column.name === name)!) : [];

export const isWhole = (stream: StreamSql) => sliceColumns(stream).length === 0;

/** For a `with`: one by one what differs, and if `isCounted` of each chunk how many records say what their rows say. */
export const joinedRecords = (isCounted: string) =>
    `select joined.* from ingest.joined_records(scan, facts, ${isCounted}) as joined`;

/** Of joined_records what is to be written or removed, with its values. */
export const differences = sql`
select
    joined_records.chunk_id, joined_records.record_no, joined_records.part, joined_records.place, joined_records.fate,
    (joined_records.record).*
from joined_records
where joined_records.fate <> 's'`;

/** New, changed, the same; a row that the file is missing. */
type Fate = "n" | "c" | "s" | "m";

export const joinRecords = (stream: StreamSql) => sql`
drop type if exists ingest.changed_values cascade;
create type ingest.changed_values as (
    ${list(stream.columns, ({ ident, type }) => `${ident} ${type}`)}
);

-- Compares the first record of each key with the row of that key. Returns a row for each record that is new (fate n) or changed (c), and
-- for each row that the file lacks (m); if \`is_counted\`, those that are the same (s) are counted by chunk. Counted here, because to copy
-- a million rows from step to step costs more than to join them. Stable: it sees what the statement that calls it sees.
create or replace function ingest.joined_records(scan ingest.merge_scan, facts ${stream.facts}, is_counted boolean)
returns table (
    chunk_id bigint, record_no bigint, part oid, place tid, fate "char", records bigint, record ingest.changed_values
)
language plpgsql
stable
-- As of a large file: otherwise the values of what differs are hashed to be joined with their places, and not the places.
rows 1000000
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
-- To sum up; the first of each key are sorted all the same.
set enable_sort = off
${isWhole(stream) ? joinTable(stream) : joinSlices(stream)}
$$;
`;

export const firstRecords = (stream: StreamSql) => sql`
select distinct on (${keyOrder(stream)}) valid_records.*
from ingest.valid_records(scan, facts) as valid_records
order by ${keyOrder(stream, "valid_records.")}, valid_records.chunk_id, valid_records.record_no`;

const joinTable = (stream: StreamSql) => sql`
set enable_hashjoin = on
set enable_mergejoin = off
as $$
begin
    -- The records are sorted by key already, to find the first of each. Rows in that order are cheaper than a hash table, which no cache
    -- holds. Not where records have to find their chunk, or some are left out: wide text would be sorted for that.
    if scan.is_range and not scan.has_refused then
        perform set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'on', true);
    end if;
    if is_counted then
        return query
        with first_records as (
            ${firstRecords(stream)}
        )
        ${summedUp(joinedTable(stream))};
    else
        perform set_config('enable_sort', 'on', true);
        return query
        with first_records as (
            select valid_records.*
            from ingest.valid_records(scan, facts) as valid_records
        )
        select
            joined.chunk_id, joined.record_no, joined.part, joined.place,
            ${fate("joined")},
            1::bigint,
            joined.record
        from (
            ${joinedTable(stream)}
        ) as joined
        where ${differs};
    end if;
end`;

const joinedTable = (stream: StreamSql) => sql`
select
    first_records.chunk_id, first_records.record_no, stored.tableoid as part, stored.ctid as place,
    ${changedValues(stream)} as record
from first_records
full join ${stream.table} as stored
    on ${allOf(stream.keys.map(({ column, ident }) => `stored.${column} = first_records.${ident}`))}
-- A fence: without it the values are compared again in every place that uses the result.
offset 0`;

/** By look-ups: a table may have a thousand times what a file has. */
const joinSlices = (stream: StreamSql) => sql`
set enable_seqscan = off
as $$
begin
    return query
    with first_records as materialized (
        ${firstRecords(stream)}
    ),
    file_slices as materialized (
        select distinct ${list(sliceColumns(stream), ({ ident }) => `first_records.${ident}`)}
        from first_records
    )
    ${summedUp(sql`
select
    first_records.chunk_id, first_records.record_no, stored.tableoid as part, stored.ctid as place,
    ${changedValues(stream)} as record
from first_records
left join lateral (
    select ${rowOf(stream)}.tableoid, ${rowOf(stream)}.ctid, ${rowOf(stream)}.*
    from ${stream.table}
    where ${hasKeyOf(stream, "first_records")}
    offset 0
) as stored on true
union all
select null, null, missing_rows.tableoid, missing_rows.ctid, null
from ${stream.table} as missing_rows
where
    ${allOf(sliceColumns(stream).map(({ column, ident }) => `missing_rows.${column} = any(array(select file_slices.${ident} from file_slices))`))}
    and exists (
        select from file_slices
        where ${sliceColumns(stream)
            .map(({ column, ident }) => `file_slices.${ident} = missing_rows.${column}`)
            .join(" and ")}
    )
    and not exists (
        select from first_records
        where ${stream.keys.map(({ column, ident }) => `first_records.${ident} = missing_rows.${column}`).join(" and ")}
    )
offset 0`)};
end`;

/** The fate of a joined record. One without a record number stands for all records of its chunk that say what their rows say. */
const fate = (records: string) => sql`
case
    when ${records}.chunk_id is null then 'm'::"char"
    when ${records}.record_no is null then 's'::"char"
    when ${records}.place is null then 'n'::"char"
    else 'c'::"char"
end`;

const differs = "joined.chunk_id is null or not (joined.record is null)";

/** Where nothing differs only the chunk is told: what is hashed for each of a million records is a good part of their cost. */
const summedUp = (joined: string) => sql`
select
    summed.chunk_id, summed.record_no, summed.part, summed.place,
    ${fate("summed")},
    summed.records,
    summed.record
from (
    select
        told.chunk_id, told.record_no, told.part, told.place,
        count(*) as records,
        (array_agg(told.record) filter (where told.record_no is not null))[1] as record
    from (
        select
            joined.chunk_id,
            joined.record,
            ${lines(["record_no", "part", "place"], (name) => `case when ${differs} then joined.${name} end as ${name}`)}
        from (
            ${joined}
        ) as joined
    ) as told
    group by told.chunk_id, told.record_no, told.part, told.place
) as summed`;

/** Of a record that is new, or says other than its row. */
const changedValues = (stream: StreamSql) => sql`
case
    when
        first_records.chunk_id is not null
        and (
            stored.${stream.keys[0]!.column} is null
            or ${saysOther(stream, "first_records", "stored")}
        )
    then row(${list(idents(stream), (ident) => `first_records.${ident}`)})::ingest.changed_values
end`;

/** By its place: a row that somebody else changes in this moment is not taken, and the counts say so. */
export const isPlaceOf = (stream: StreamSql, ofFate: Fate, changes = "differences"): string =>
    allOf([
        `${rowOf(stream)}.ctid = any(array(select places.place from ${changes} as places where places.fate = '${ofFate}'))`,
        `${rowOf(stream)}.ctid = ${changes}.place`,
        `${rowOf(stream)}.tableoid = ${changes}.part`,
        `${changes}.fate = '${ofFate}'`,
    ]);
