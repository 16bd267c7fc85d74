/** The insert of a merge. */
import { allOf, list, literal, sql } from "./sql-text.ts";
import { stagedQuery, validQuery } from "./staged-values.ts";
import { isKnown, keysOf } from "./stored-rows.ts";
import { given, hasKeyOf, keyList, keyOrder, rowOf, type StreamSql, written } from "./stream-sql.ts";
import { brokenConditions } from "./verdict.ts";

export const insertRecords = (stream: StreamSql) =>
    [...(mayInsertAtOnce(stream) ? [insertAtOnce(stream)] : []), insertNew(stream)].join("\n");

/** Where nothing hangs on a row but its count, and a record whose key is taken changes nothing. */
const mayInsertAtOnce = ({ made, mode }: StreamSql) => made === null && mode.name === "insert";

const insertAtOnce = (stream: StreamSql) => sql`
-- Inserts the valid records of the batch as if each had a key of its own that is not there yet: nothing is looked up, kept apart
-- or returned, which takes a third off the insert. Returns false, and has done nothing, when that is not so (the unique index
-- says it), or when what was inserted and what the rules reject are not all that was read.
--
-- In key order: it keeps merges and other writers from waiting for each other in a circle, and costs nothing, because rows are
-- read and cast apart from being inserted.
create or replace function ingest.insert_at_once(scan ingest.merge_scan, facts ${stream.facts}, expected bigint)
returns boolean
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
as $$
declare
    inserted_rows bigint;
begin
    insert into ${stream.table} (
        ${list(written(stream))}
    )
    select
        ${list(given(stream))}
    from ingest.valid_records(scan, facts)
    order by ${keyOrder(stream)};
    get diagnostics inserted_rows = row_count;
    -- A key may be declared to be checked at the end.
    set constraints all immediate;
    update batch_chunks
    set inserted = batch_chunks.read;
    if inserted_rows <> expected then
        perform ingest.validate_records();
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
`;

const insertNew = (stream: StreamSql) => sql`
${insertBy(stream, "insert_distributed_records", allAtOnce(stream))}

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
${insertBy(stream, "insert_records", oneByOne(stream))}`;

/** How the keys of first_records are looked up in the table. */
interface LookUp {
    /** Statements before. */
    before: string;
    /** The staged records of the batch, and those of them that are valid. */
    staged: string;
    valid: string;
    first: string;
    keys: string;
    isNew: string;
}

const oneByOne = (stream: StreamSql): LookUp => ({
    before: sql`
if ingest.is_distributed(${literal(stream.table)}) then
    perform ingest.insert_distributed_records();
    return;
end if;
${mayInsertAtOnce(stream) ? tryAtOnce(stream) : ""}`,
    staged: "ingest.staged_values(scan, facts)",
    valid: "ingest.valid_records(scan, facts)",
    first: "",
    keys: "",
    isNew: isNew(stream),
});

const allAtOnce = (stream: StreamSql): LookUp => ({
    before: "",
    staged: sql`
(
    ${stagedQuery(stream)}
)`,
    valid: sql`
(
    ${validQuery(stream)}
)`,
    first: "materialized ",
    keys: sql`
known_keys as materialized (
    select known_keys.*
    from ingest.known_keys(
        ${keysOf(stream, "first_records")}
    ) as known_keys
),
`,
    isNew: `not exists (select from known_keys where ${isKnown(stream, "first_records")})`,
});

/** Types whose order is that of every index over them: no collation, and next to nobody makes another operator class. */
const orderedType = /^(smallint|integer|bigint|numeric|date|timestamp|uuid)/;

/**
 * Whether no row has the key. One beyond the largest key, as a sequence gives them, need not be looked up: the first load of a
 * million saves a sixth of its insert. A key is unique in the table's only index over it, whose end is read.
 */
function isNew(stream: StreamSql): string {
    const isMissing = `(select true from ${stream.table} where ${hasKeyOf(stream, "first_records")}) is null`;
    const [key] = stream.keys;
    if (stream.made !== null || stream.keys.length > 1 || !orderedType.test(key!.type)) return isMissing;
    const column = `${rowOf(stream)}.${key!.column}`;
    return sql`
(
    (
        first_records.${key!.ident}
        <= (select ${column} from ${stream.table} where ${column} is not null order by ${column} desc limit 1)
    ) is not true
    or ${isMissing}
)`;
}

const insertBy = (stream: StreamSql, name: string, { before, staged, valid, first, keys, isNew }: LookUp) => sql`
create or replace function ingest.${name}()
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
set enable_seqscan = off
as $$
declare
    scan constant ingest.merge_scan := ingest.plan_scan();
    facts constant ${stream.facts} := ${stream.facts}();
    ${watchDeclarations(stream)}
    expected constant bigint := (select sum(batch_chunks.read) from batch_chunks) - (select count(*) from rejected_records);
begin
    ${before}with first_records as ${first}(
        select distinct on (${keyOrder(stream)}) valid_records.*
        from ${valid} as valid_records
        order by ${keyOrder(stream)}, chunk_id, record_no
    ),
    ${keys}new_records as ${stream.made === null ? "" : "not "}materialized (
        select first_records.*
        from first_records
        where ${isNew}
    ),
    ${insertedRows(stream)},
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
        from ${staged} as staged
        left join inserted_rows
            on inserted_rows.chunk_id = staged.chunk_id and inserted_rows.record_no = staged.record_no
        where
            coalesce((select sum(inserted_counts.inserted) from inserted_counts), 0) < expected
            and inserted_rows.chunk_id is null
    ),
    kept_invalid as (
        insert into rejected_records (chunk_id, record_no${stream.conditions === null ? "" : ", reasons"})
        select chunk_id, record_no${brokenConditions(stream, "missing_records")}
        from missing_records
        where not is_valid
    )
    insert into losing_records
    select
        chunk_id, record_no,
        ${list(stream.columns, ({ cast, ident }) => cast(ident))},
        ${stream.extras}
    from missing_records
    where is_valid;
end
$$;
`;

/** Where triggers may change or remove rows, and where records are left out already, only the longer way tells which. */
const tryAtOnce = ({ streamId }: StreamSql) => sql`
if
    not is_watched
    and not scan.has_refused
    and ingest.expects_new_keys(${streamId}::smallint)
    and ingest.insert_at_once(scan, facts, expected)
then
    return;
end if;
`;

export function watchDeclarations({ made }: StreamSql): string {
    const isWatched = "is_watched constant boolean := ingest.triggers_on_table() is not null;";
    if (made === null) return isWatched;
    return sql`
gain_facts constant ${made.rollups.facts} := ${made.rollups.facts}();
${isWatched}`;
}

/** The rows that are inserted, each with the record that it came from; and what hangs on them. */
export function insertedRows(stream: StreamSql): string {
    const { made } = stream;
    if (made === null) {
        // A table that keeps no record of where its rows came from: the key tells. Where nobody could have changed or taken away a
        // row on its way, and as many arrived as set out, all did: a join of all of them would take a tenth of the insert.
        return sql`
${storedKeys(stream)},
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
        on ${hasStoredKey(stream)}
    where
        is_watched
        or (select count(*) from stored_keys) <> (select count(*) from new_records)
)`;
    }
    return sql`
inserted_rows as (
    ${insertedOf(stream)}
    returning
        case when is_watched then ${rowOf(stream)}.${stream.keys[0]!.column} end as record_key,
        ${list(["chunk_id", "record_no", ...made.rollups.columns], (name) => `${rowOf(stream)}.${name}`)}
),
watched_rows as (
    insert into written_rows
    select new_records.${keyList(stream)}, inserted_rows.*
    from inserted_rows
    left join new_records using (chunk_id, record_no)
    where is_watched
),
kept_gains as (
    ${made.rollups.gains("inserted_rows", 1)}
)`;
}

const insertedOf = (stream: StreamSql) => sql`
insert into ${stream.table} (
    ${list(written(stream))}
)
select
    ${list(given(stream))}
from new_records`;

/** Inserts new_records, and keeps the keys that the table has taken. */
export const storedKeys = (stream: StreamSql) => sql`
stored_keys as (
    ${insertedOf(stream)}
    returning
        ${list(stream.keys, ({ column, ident }) => `${rowOf(stream)}.${column} as ${ident}`)}
)`;

export const hasStoredKey = ({ keys }: StreamSql): string =>
    allOf(keys.map(({ ident, equals }) => `new_records.${ident} ${equals} stored_keys.${ident}`));
