/**
 * The merge of a snapshot: a file that is the whole table, or all of it that has the file's values in the columns `by`. One statement
 * inserts what is new, updates what differs and deletes what the file no longer has: readers see the table before or after it.
 */
import { allOf, lines, list, literal, sql } from "./sql-text.ts";
import {
    type ColumnSql,
    given,
    hasKeyOf,
    idents,
    keyOrder,
    rowOf,
    type StreamSql,
    saysOther,
    written,
} from "./stream-sql.ts";
import { typedValue } from "./typed-values.ts";
import { brokenConditions } from "./verdict.ts";

/** Only of a stream in that mode, and beside the insert of the other modes: a replay must never remove a row. */
export const snapshotRecords = (stream: StreamSql): string => [joinRecords(stream), applyRecords(stream)].join("\n");

/** The columns whose values say which rows a file is about; none: it is the whole table. */
export const sliceColumns = ({ mode, columns }: StreamSql): ColumnSql[] =>
    mode.name === "snapshot" ? mode.by.map((name) => columns.find((column) => column.name === name)!) : [];

const isWhole = (stream: StreamSql) => sliceColumns(stream).length === 0;

const applyRecords = (stream: StreamSql) => sql`
-- Makes the table, or the file's slices of it, what the batch's valid records say; of each key the first. Order matters to what
-- must be unique: rows go first, then others change, then new ones come. Returns {rowsBefore, rows, missing, removed, examples}: the
-- rows that it is about before and after, those that the file lacks, how many of these were removed, and the keys of a few.
--
-- Unchanged rows are counted and not written. Records that were not taken are looked for by further scans.
create or replace function ingest.apply_records()
returns jsonb
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
as $$
declare
    scan constant ingest.merge_scan := ingest.plan_scan();
    facts constant ${stream.facts} := ${stream.facts}();
    expected constant bigint := (select sum(batch_chunks.read) from batch_chunks) - (select count(*) from rejected_records);
    answer jsonb;
begin
    with joined_records as materialized (
        ${joinedRecords}
    ),
    fates as materialized (
        select joined_records.chunk_id, joined_records.fate, sum(joined_records.records) as records
        from joined_records
        group by joined_records.chunk_id, joined_records.fate
    ),
    differences as materialized (
        ${differences}
    ),
    removed_rows as (
        delete from ${stream.table}
        using differences
        where ${isPlaceOf(stream, "m")}
        returning
            ${list(stream.keys, ({ column, ident }) => `${rowOf(stream)}.${column} as ${ident}`)}
    ),
    updated_rows as (
        update ${stream.table}
        set
            ${lines(updates(stream), String)}
        from differences
        where
            (select count(*) from removed_rows) >= 0
            and ${isPlaceOf(stream, "c")}
        returning differences.chunk_id, differences.record_no
    ),
    new_records as materialized (
        select differences.*
        from differences
        where differences.fate = 'n' and (select count(*) from updated_rows) >= 0
        order by ${keyOrder(stream, "differences.")}
    ),
    stored_keys as (
        insert into ${stream.table} (
            ${list(written(stream))}
        )
        select
            ${list(given(stream))}
        from new_records
        returning
            ${list(stream.keys, ({ column, ident }) => `${rowOf(stream)}.${column} as ${ident}`)}
    ),
    inserted_rows as materialized (
        select new_records.chunk_id, new_records.record_no
        from stored_keys
        inner join new_records
            on ${allOf(stream.keys.map(({ ident }) => `new_records.${ident} = stored_keys.${ident}`))}
    ),
    outcomes as materialized (
        select taken_records.chunk_id, sum(same) as same, sum(updated) as updated, sum(inserted) as inserted
        from (
            select fates.chunk_id, fates.records as same, 0 as updated, 0 as inserted from fates where fates.fate = 's'
            union all
            select updated_rows.chunk_id, 0, 1, 0 from updated_rows
            union all
            select inserted_rows.chunk_id, 0, 0, 1 from inserted_rows
        ) as taken_records
        group by taken_records.chunk_id
    ),
    counted_chunks as (
        update batch_chunks
        set inserted = outcomes.inserted, updated = outcomes.updated, duplicate = outcomes.same
        from outcomes
        where batch_chunks.chunk_id = outcomes.chunk_id
    ),
    unwritten_records as materialized (
        select differences.chunk_id, differences.record_no
        from differences
        where
            differences.fate <> 'm'
            and not exists (
                select from updated_rows
                where (updated_rows.chunk_id, updated_rows.record_no) = (differences.chunk_id, differences.record_no)
            )
            and not exists (
                select from inserted_rows
                where (inserted_rows.chunk_id, inserted_rows.record_no) = (differences.chunk_id, differences.record_no)
            )
    ),
    taken as materialized (
        select coalesce(sum(outcomes.same + outcomes.updated + outcomes.inserted), 0) as records
        from outcomes
    ),
    taken_records as materialized (
        select first_records.chunk_id, first_records.record_no
        from (
            ${firstRecords(stream)}
        ) as first_records
        where
            (select taken.records from taken) < expected
            and not exists (
                select from unwritten_records
                where (unwritten_records.chunk_id, unwritten_records.record_no) = (first_records.chunk_id, first_records.record_no)
            )
    ),
    missing_records as materialized (
        select staged.*
        from ingest.staged_values(scan, facts) as staged
        where
            (select taken.records from taken) < expected
            and not exists (
                select from taken_records
                where (taken_records.chunk_id, taken_records.record_no) = (staged.chunk_id, staged.record_no)
            )
    ),
    kept_invalid as (
        insert into rejected_records (chunk_id, record_no${stream.conditions === null ? "" : ", reasons"})
        select chunk_id, record_no${brokenConditions(stream, "missing_records")}
        from missing_records
        where not is_valid
    ),
    kept_losers as (
        insert into losing_records
        select
            chunk_id, record_no,
            ${list(stream.columns, (column) => typedValue(column, "missing_records"))},
            ${stream.extras}
        from missing_records
        where is_valid
    )
    select jsonb_build_object(
        'rowsBefore', coalesce((select sum(fates.records) from fates where fates.fate <> 'n'), 0),
        'rows', coalesce((select sum(fates.records) from fates where fates.fate in ('s', 'c')), 0)
        + (select count(*) from inserted_rows),
        'missing', coalesce((select sum(fates.records) from fates where fates.fate = 'm'), 0),
        'removed', (select count(*) from removed_rows),
        'examples', (
            select coalesce(jsonb_agg(examples.key), '[]')
            from (
                select ${keyText(stream, "removed_rows")} as key
                from removed_rows
                order by ${keyOrder(stream, "removed_rows.")}
                limit 3
            ) as examples
        )
    )
    into answer;
    return answer;
end
$$;
`;

/** For a `with`: of each chunk how many records say what their rows say, and one by one what differs. */
export const joinedRecords = "select joined.* from ingest.joined_records(scan, facts) as joined";

/** Of joined_records what is to be written or removed, with its values. */
export const differences = sql`
select
    joined_records.chunk_id, joined_records.record_no, joined_records.part, joined_records.place, joined_records.fate,
    (joined_records.record).*
from joined_records
where joined_records.fate <> 's'`;

/** New, changed, the same; a row that the file is missing. */
type Fate = "n" | "c" | "s" | "m";

const joinRecords = (stream: StreamSql) => sql`
drop type if exists ingest.changed_values cascade;
create type ingest.changed_values as (
    ${list(stream.columns, ({ ident, type }) => `${ident} ${type}`)}
);

-- Compares the first record of each key with the row of that key. Returns a row for each record that is new (fate n) or changed (c), and
-- for each row that the file lacks (m); those that are the same (s) are counted by chunk. Counted here, because to copy a million rows
-- from step to step costs more than to join them. Stable: it sees what the statement that calls it sees.
create or replace function ingest.joined_records(scan ingest.merge_scan, facts ${stream.facts})
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

const firstRecords = (stream: StreamSql) => sql`
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
    return query
    with first_records as (
        ${firstRecords(stream)}
    )
    ${summedUp(sql`
select
    first_records.chunk_id, first_records.record_no, stored.tableoid as part, stored.ctid as place,
    ${changedValues(stream)} as record
from first_records
full join ${stream.table} as stored
    on ${allOf(stream.keys.map(({ column, ident }) => `stored.${column} = first_records.${ident}`))}
-- A fence: without it the values are compared again in every place that uses the result.
offset 0`)};
end`;

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

const differs = "joined.chunk_id is null or not (joined.record is null)";

/** Where nothing differs only the chunk is told: what is hashed for each of a million records is a good part of their cost. */
const summedUp = (joined: string) => sql`
select
    summed.chunk_id, summed.record_no, summed.part, summed.place,
    case
        when summed.chunk_id is null then 'm'::"char"
        when summed.record_no is null then 's'::"char"
        when summed.place is null then 'n'::"char"
        else 'c'::"char"
    end,
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

/** A row keeps what the table took where its record says nothing. */
function updates(stream: StreamSql): string[] {
    const { columns, keys } = stream;
    const sets = columns
        .filter((column) => !keys.includes(column))
        .map(({ column, ident, fallback }) =>
            fallback === null
                ? `${column} = differences.${ident}`
                : `${column} = coalesce(differences.${ident}, ${rowOf(stream)}.${column})`,
        );
    const key = keys[0]!.column;
    // A table of nothing but its key has no changed rows; the statement is made all the same.
    return sets.length > 0 ? sets : [`${key} = ${rowOf(stream)}.${key}`];
}

/** `order_id 7, line 2` */
const keyText = ({ keys }: StreamSql, records: string) =>
    `concat(${keys.map(({ name, ident, text }, index) => `${literal(`${index === 0 ? "" : ", "}${name} `)}, ${text(`${records}.${ident}`)}`).join(", ")})`;
