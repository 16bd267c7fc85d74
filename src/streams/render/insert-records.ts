/** The insert of a merge. */
import { list, sql } from "./sql-text.ts";
import { cast, keyOf, rowOf, rowOfKey, type StreamSql, written } from "./stream-sql.ts";

export const insertRecords = (stream: StreamSql) => sql`
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
