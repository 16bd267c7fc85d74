/**
 * The merge of a snapshot: a file that is the whole table, or all of it that has the file's values in the columns `by`. One statement
 * inserts what is new, updates what differs and deletes what the file no longer has: readers see the table before or after it.
 */
import { differences, firstRecords, isPlaceOf, isWhole, joinedRecords, joinRecords } from "./join-snapshot.ts";
import { allOf, lines, list, literal, sql } from "./sql-text.ts";
import { given, keyOrder, rowOf, type StreamSql, written } from "./stream-sql.ts";
import { typedValue } from "./typed-values.ts";
import { brokenConditions } from "./verdict.ts";

/** Only of a stream in that mode, and beside the insert of the other modes: a replay must never remove a row. */
export const snapshotRecords = (stream: StreamSql): string => [joinRecords(stream), applyRecords(stream)].join("\n");

const applyRecords = (stream: StreamSql) => sql`
-- Makes the table, or the file's slices of it, what the batch's valid records say; of each key the first. Order matters to what
-- must be unique: rows go first, then others change, then new ones come. Returns {rowsBefore, rows, missing, removed, examples}: the
-- rows that it is about before and after, those that the file lacks, how many of these were removed, and the keys of a few.
--
-- Unchanged rows are counted and not written. Records that were not taken are looked for by further scans.
--
-- Unless \`is_counted\` every record that is read is taken for valid and the only one of its key, so that those which don't differ need not be
-- told apart. It raises where that is not so: the rows that the table held then, counted by themselves, tell of an invalid record and of
-- one that repeats the key of a row (SL002), the table itself of two new ones with one key.
create or replace function ingest.apply_records(is_counted boolean)
returns jsonb
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
-- To count the table: see verify_rows.
set enable_indexonlyscan = off
as $$
declare
    scan constant ingest.merge_scan := ingest.plan_scan();
    facts constant ${stream.facts} := ${stream.facts}();
    expected constant bigint := (select sum(batch_chunks.read) from batch_chunks) - (select count(*) from rejected_records);
    answer jsonb;
begin
    with joined_records as materialized (
        ${joinedRecords("is_counted")}
    ),
    fates as materialized (
        select joined_records.chunk_id, joined_records.fate, sum(joined_records.records) as records
        from joined_records
        group by joined_records.chunk_id, joined_records.fate
        union all
        select batch_chunks.chunk_id, 's'::"char", batch_chunks.read - coalesce(differing.records, 0)
        from batch_chunks
        left join (
            select joined_records.chunk_id, count(*) as records
            from joined_records
            group by joined_records.chunk_id
        ) as differing on differing.chunk_id = batch_chunks.chunk_id
        where not is_counted
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
        'rowsBefore', ${isWhole(stream) ? "case when is_counted then fated.kept + fated.missing else ingest.count_rows() end" : "fated.kept + fated.missing"},
        'rows', fated.kept + (select count(*) from inserted_rows),
        'missing', fated.missing,
        'kept', fated.kept,
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
    into answer
    from (
        select
            coalesce(sum(fates.records) filter (where fates.fate in ('s', 'c')), 0) as kept,
            coalesce(sum(fates.records) filter (where fates.fate = 'm'), 0) as missing
        from fates
    ) as fated;
    if (answer ->> 'rowsBefore')::bigint <> (answer ->> 'kept')::bigint + (answer ->> 'missing')::bigint then
        raise exception 'some records are not valid, or repeat a key' using errcode = 'SL002';
    end if;
    return answer;
end
$$;
`;

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
