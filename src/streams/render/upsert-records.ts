/**
 * The merge of a stream of the mode `upsert`. The records of a key count as if they came one after the other, in the order of
 * (chunk, record number), each met by what those before it left: a row, nothing, or the tombstone of a row. So what a table holds
 * in the end, and what is a duplicate or a conflict, does not depend on how records are divided into batches.
 */
import { hasStoredKey, insertedRows, storedKeys, watchDeclarations } from "./insert-records.ts";
import { lines, list, sql } from "./sql-text.ts";
import { type ColumnSql, exchanged, hasKeyOf, keyOrder, rowOf, type StreamSql, saysOther } from "./stream-sql.ts";
import { keptTombstones, keyText, tombstoneSets, upsertFollow } from "./upsert-follow.ts";
import { brokenConditions } from "./verdict.ts";

export const isUpsert = ({ mode }: StreamSql): boolean => mode.name === "upsert";
export const keepsHistory = ({ mode }: StreamSql): boolean => "keepsHistory" in mode && mode.keepsHistory;

/** The column that tells which record is newer; null: the order of records does. */
export const versionColumn = ({ mode, columns }: StreamSql): ColumnSql | null =>
    (mode.name === "upsert" && columns.find(({ name }) => name === mode.version)) || null;

/** What an upsert keeps of its records beside their values. */
export function upsertColumns(stream: StreamSql): string {
    const version = versionColumn(stream);
    return sql`
,
        -- before the batch
        has_row boolean,
        says_other boolean,
        stored_version ${version?.type ?? "text"},
        -- the tombstone of its key
        gone_version text,
        gone_chunk bigint,
        gone_record bigint,
        is_deletion boolean,
        -- others of the batch have its key
        is_repeated boolean,
        outcome text`;
}

export const upsertTables = (stream: StreamSql) => sql`
-- The records of a batch that is merged in pieces, those of the piece.
create temporary table piece_records (
    chunk_id bigint not null,
    record_no bigint not null,
    ${lines(stream.columns, ({ ident, type }) => `${ident} ${type}`)},
    ${stream.extras} jsonb
) on commit delete rows;${keepsHistory(stream) ? keptVersions : ""}`;

const keptVersions = `
-- For ingest.history. Without a record: that of the staged row.
drop table if exists pg_temp.kept_versions;
create temporary table kept_versions (
    what text not null,
    chunk_id bigint not null,
    record_no bigint not null,
    key text not null,
    record jsonb
) on commit delete rows;`;

export const renderUpsert = (stream: StreamSql): string =>
    [mergeRecords(stream), upsertFollow(stream), writeChangedRecords(stream), insertFollowed(stream)].join("\n");

const mergeRecords = (stream: StreamSql) => sql`
-- Merges the valid records of the batch, or of piece_records. Of a key with one record all is decided in one statement, and new
-- rows are inserted by it; the others are followed one by one. Returns how many rows a trigger left as they were.
create or replace function ingest.merge_records(is_piece boolean)
returns bigint
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
set enable_seqscan = off
as $$
declare
    scan constant ingest.merge_scan := ingest.plan_scan();
    facts constant ${stream.facts} := ${stream.facts}();
    ${watchDeclarations(stream)}
    is_late constant boolean := ${versionColumn(stream) === null ? "(select bool_or(batch_chunks.is_late) from batch_chunks)" : "false"};
    is_restaged constant boolean := (select bool_or(batch_chunks.is_restaged) from batch_chunks);
    ${stream.deletes === null ? "" : `has_tombstones constant boolean := exists (select from ingest.tombstones where tombstones.stream_id = ${stream.streamId});`}
    expected constant bigint := (select sum(batch_chunks.read) from batch_chunks) - (select count(*) from rejected_records);
    left_out bigint;
begin
    -- Of the piece before. A replay may yet accept conflicts.
    delete from losing_records where losing_records.outcome is distinct from 'conflict' or not is_restaged;
    update losing_records set is_repeated = false, outcome = 'kept conflict';

    with merged_records as (
        select valid_records.*
        from ingest.valid_records(scan, facts)
        where not is_piece
        union all
        select piece_records.*
        from piece_records
        where is_piece
    ),
    keyed_records as (
        select
            merged_records.*,
            row_number() over same_key > 1 or lead(merged_records.chunk_id) over same_key is not null as is_repeated
        from merged_records
        window same_key as (partition by ${keyOrder(stream)} order by chunk_id, record_no)
    ),
    met_records as (
        select
            keyed_records.*,
            coalesce(stored.has_row, false) as has_row,
            stored.says_other,
            stored.stored_version,
            ${stream.deletes === null ? noTombstone : tombstoneOfKey}
            ${stream.deletes === null ? "false" : stream.deletes("keyed_records")} as is_deletion
        from keyed_records
        -- Fenced, so that it is a look-up in the index, in key order.
        left join lateral (
            ${storedState(stream, "keyed_records")}
            offset 0
        ) as stored on true
        ${stream.deletes === null ? "" : joinTombstones(stream)}
        offset 0
    ),
    decided_records as materialized (
        select
            met_records.*,
            case
                when met_records.is_repeated then null
                ${decision(stream)}
            end as outcome
        from met_records
    ),
    new_records as not materialized (
        select decided_records.*
        from decided_records
        where decided_records.outcome = 'inserted'
    ),
    ${storedKeys(stream)},
    kept_records as (
        insert into losing_records
        select
            chunk_id, record_no,
            ${list(stream.columns, ({ ident }) => ident)},
            ${stream.extras}, has_row, says_other, stored_version, gone_version, gone_chunk, gone_record,
            is_deletion, is_repeated, outcome
        from decided_records
        where
            decided_records.is_repeated
            or decided_records.outcome in ('updated', 'deleted', 'conflict')
    ),
    decided_counts as (
        select
            decided_records.chunk_id,
            count(*) as records,
            count(*) filter (where decided_records.outcome = 'inserted') as inserted,
            count(*) filter (where decided_records.outcome = 'duplicate') as duplicate,
            count(*) filter (where decided_records.outcome = 'superseded') as superseded
        from decided_records
        group by decided_records.chunk_id
    ),
    kept_invalid as (
        insert into rejected_records (chunk_id, record_no${stream.conditions === null ? "" : ", reasons"})
        select staged.chunk_id, staged.record_no${brokenConditions(stream, "staged")}
        from ingest.staged_values(scan, facts) as staged
        where
            not is_piece
            and coalesce((select sum(decided_counts.records) from decided_counts), 0) < expected
            and not staged.is_valid
    ),
    kept_outcomes as (
        insert into record_outcomes
        select decided_records.chunk_id, decided_records.record_no, decided_records.outcome
        from decided_records
        where is_restaged and decided_records.outcome in ('updated', 'duplicate', 'superseded', 'deleted')
    )${stream.deletes === null ? "" : keptTombstones(stream)}${keepsHistory(stream) ? supersededVersions(stream) : ""},
    -- Where nobody could have changed or taken away a row on its way, and as many arrived as set out, all did.
    arrival as materialized (
        select
            not is_watched
            and (select count(*) from stored_keys) = coalesce((select sum(decided_counts.inserted) from decided_counts), 0) as is_whole
    ),
    inserted_counts as materialized (
        select decided_counts.chunk_id, decided_counts.inserted
        from decided_counts
        where (select arrival.is_whole from arrival)
        union all
        select new_records.chunk_id, count(*)
        from stored_keys
        inner join new_records on ${hasStoredKey(stream)}
        where not (select arrival.is_whole from arrival)
        group by new_records.chunk_id
    ),
    counted_chunks as (
        update batch_chunks
        set
            inserted = batch_chunks.inserted + counted.inserted,
            duplicate = batch_chunks.duplicate + counted.duplicate,
            superseded = batch_chunks.superseded + counted.superseded
        from (
            select
                decided_counts.chunk_id, decided_counts.duplicate, decided_counts.superseded,
                coalesce(inserted_counts.inserted, 0) as inserted
            from decided_counts
            left join inserted_counts using (chunk_id)
        ) as counted
        where batch_chunks.chunk_id = counted.chunk_id
    )
    select
        coalesce((select sum(decided_counts.inserted) from decided_counts), 0)
        - coalesce((select sum(inserted_counts.inserted) from inserted_counts), 0)
    into left_out;

    perform ingest.follow_repeated(is_late, is_restaged);
    return left_out + ingest.write_changed_records() + ingest.insert_followed();
end
$$;
`;

const tombstoneOfKey = `tombstone.version as gone_version,
tombstone.chunk_id as gone_chunk,
tombstone.record_no as gone_record,`;

/** A stream that deletes no rows has none. */
const noTombstone = `null::text as gone_version,
null::bigint as gone_chunk,
null::bigint as gone_record,`;

const joinTombstones = (stream: StreamSql) => sql`
left join lateral (
    select tombstones.version, tombstones.chunk_id, tombstones.record_no
    from ingest.tombstones
    where
        has_tombstones
        and tombstones.stream_id = ${stream.streamId}
        and tombstones.key = ${keyText(stream, "keyed_records")}
    offset 0
) as tombstone on has_tombstones`;

/** The row of a record's key, and how the record compares with it. */
export function storedState(stream: StreamSql, records: string): string {
    const version = versionColumn(stream);
    const other = saysOther(stream, records, rowOf(stream));
    const stored = version === null ? "null::text" : `${rowOf(stream)}.${version.column}`;
    // Only at the same version does it matter what they say.
    const compared =
        version === null ? `(${other})` : `case when ${records}.${version.ident} = ${stored} then (${other}) end`;
    return sql`
select true as has_row, ${stored} as stored_version, ${compared} as says_other
from ${stream.table}
where ${hasKeyOf(stream, records)}`;
}

/** What becomes of the only record of a key in the batch. */
function decision(stream: StreamSql): string {
    const version = versionColumn(stream);
    const withoutRow = "case when is_deletion then 'duplicate' else 'inserted' end";
    if (version === null) {
        return sql`
when has_row and is_late then case when is_deletion or says_other then 'conflict' else 'duplicate' end
when has_row then case when is_deletion then 'deleted' when says_other then 'updated' else 'duplicate' end
when (gone_chunk, gone_record) > (met_records.chunk_id, met_records.record_no) then 'superseded'
else ${withoutRow}`;
    }
    const gone = `gone_version::${version.type}`;
    return sql`
when not has_row and ${version.ident} < ${gone} then 'superseded'
when not has_row and ${version.ident} = ${gone} then case when is_deletion then 'duplicate' else 'superseded' end
when not has_row then ${withoutRow}
when ${version.ident} < stored_version then 'superseded'
-- At the same version a deletion is the newer.
when is_deletion then 'deleted'
when ${version.ident} = stored_version then case when says_other then 'conflict' else 'duplicate' end
else 'updated'`;
}

const supersededVersions = (stream: StreamSql) => sql`
,
kept_superseded as (
    insert into kept_versions (what, chunk_id, record_no, key)
    select 'superseded', decided_records.chunk_id, decided_records.record_no, ${keyText(stream, "decided_records")}
    from decided_records
    where decided_records.outcome = 'superseded'
)`;

const writeChangedRecords = (stream: StreamSql) => sql`
-- Updates and deletes the rows of losing_records whose outcome says so. Returns how many a trigger left as they were.
--
-- A row is looked up by its key, one by one: without figures the planner might read the whole table for a few of them.
create or replace function ingest.write_changed_records()
returns bigint
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_hashjoin = off
set enable_seqscan = off
as $$
declare
    left_out bigint;
begin
    if not exists (select from losing_records where losing_records.outcome in ('updated', 'deleted')) then
        return 0;
    end if;
    with ${keepsHistory(stream) ? replacedVersions(stream) : ""}updated_rows as (
        ${exchanged(stream, "losing_records", {
            only: "losing_records.outcome = 'updated'",
            told: ["losing_records.chunk_id", "losing_records.record_no"],
        })}
    ),
    deleted_rows as (
        delete from ${stream.table}
        using losing_records
        where ${hasKeyOf(stream, "losing_records")} and losing_records.outcome = 'deleted'
        returning losing_records.chunk_id, losing_records.record_no
    ),
    written_counts as (
        select written.chunk_id, sum(written.updated) as updated, sum(written.deleted) as deleted
        from (
            select updated_rows.chunk_id, 1 as updated, 0 as deleted
            from updated_rows
            union all
            select deleted_rows.chunk_id, 0, 1
            from deleted_rows
        ) as written
        group by written.chunk_id
    ),
    counted_chunks as (
        update batch_chunks
        set
            updated = batch_chunks.updated + written_counts.updated,
            deleted = batch_chunks.deleted + written_counts.deleted
        from written_counts
        where batch_chunks.chunk_id = written_counts.chunk_id
    )
    select
        (select count(*) from losing_records where losing_records.outcome in ('updated', 'deleted'))
        - (select count(*) from updated_rows) - (select count(*) from deleted_rows)
    into left_out;
    ${stream.deletes === null ? "" : buriedRows(stream)}
    return left_out;
end
$$;
`;

/** Those of repeated keys were buried as they were followed. */
const buriedRows = (stream: StreamSql) => sql`
perform ingest.count_own_deletes((select count(*) from losing_records where losing_records.outcome = 'deleted'));
insert into ingest.tombstones (stream_id, key, version, chunk_id, record_no)
select
    ${stream.streamId}, ${keyText(stream, "losing_records")}, ${versionText(stream, "losing_records")},
    losing_records.chunk_id, losing_records.record_no
from losing_records
where losing_records.outcome = 'deleted' and not losing_records.is_repeated
on conflict (stream_id, key) do update
set ${tombstoneSets};`;

export function versionText(stream: StreamSql, records: string): string {
    const version = versionColumn(stream);
    return version === null ? "null" : `${records}.${version.ident}::text`;
}

const replacedVersions = (stream: StreamSql) => sql`
kept_rows as (
    insert into kept_versions (what, chunk_id, record_no, key, record)
    select
        case losing_records.outcome when 'updated' then 'replaced' else 'deleted' end,
        losing_records.chunk_id, losing_records.record_no, ${keyText(stream, "losing_records")},
        ingest.record_of(${rowOf(stream)}.*)
    from losing_records
    inner join ${stream.table} on ${hasKeyOf(stream, "losing_records")}
    where losing_records.outcome in ('updated', 'deleted')
),
`;

const insertFollowed = (stream: StreamSql) => sql`
-- Inserts the rows of repeated keys. Returns how many a trigger left out.
create or replace function ingest.insert_followed()
returns bigint
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
set enable_seqscan = off
as $$
declare
    ${watchDeclarations(stream)}
    left_out bigint;
begin
    if not exists (select from losing_records where losing_records.outcome = 'inserted') then
        return 0;
    end if;
    with new_records as materialized (
        select losing_records.*
        from losing_records
        where losing_records.outcome = 'inserted'
        order by ${keyOrder(stream, "losing_records.")}
    ),
    ${insertedRows(stream)},
    inserted_counts as (
        select inserted_rows.chunk_id, count(*) as inserted
        from inserted_rows
        group by inserted_rows.chunk_id
    ),
    counted_chunks as (
        update batch_chunks
        set inserted = batch_chunks.inserted + inserted_counts.inserted
        from inserted_counts
        where batch_chunks.chunk_id = inserted_counts.chunk_id
    )
    select (select count(*) from new_records) - (select count(*) from inserted_rows)
    into left_out;
    return left_out;
end
$$;
`;

export const classifyUpserts = (stream: StreamSql) => sql`
-- Those of losing_records that nothing was decided of yet, and that contradict the stored row as it is now: conflicts.
create or replace function ingest.classify_losers()
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
as $$
begin
    insert into rejected_records (chunk_id, record_no, kind)
    select undecided_records.chunk_id, undecided_records.record_no, 'conflict'
    from (
        select losing_records.*, ${stream.deletes === null ? "false" : stream.deletes("losing_records")} as deletes_row
        from losing_records
        where losing_records.outcome is null
    ) as undecided_records
    cross join lateral (
        ${storedState(stream, "undecided_records")}
        offset 0
    ) as stored
    where ${versionColumn(stream) === null ? "stored.says_other or undecided_records.deletes_row" : "stored.says_other and not undecided_records.deletes_row"};
end
$$;
`;

export const exchangeOrDelete = (stream: StreamSql) => sql`
-- Gives rows the values of the candidates of these positions, and keeps what they were, or deletes them where such a candidate
-- does. Returns how many a trigger left as they were.
create or replace function ingest.exchange_rows(first_position bigint, last_position bigint, out left_out bigint)
language plpgsql
as $$
declare
    deleted bigint;
begin
    with tried_records as materialized (
        select candidate_records.*
        from candidate_records
        where candidate_records.position between first_position and last_position
    ),
    stored_rows as materialized (
        select
            tried_records.chunk_id, tried_records.record_no, tried_records.is_deletion,
            ingest.record_of(${rowOf(stream)}.*) as record
        from tried_records
        inner join ${stream.table} on ${hasKeyOf(stream, "tried_records")}
    ),
    kept_rows as (
        insert into replaced_rows (chunk_id, record_no, record)
        select stored_rows.chunk_id, stored_rows.record_no, stored_rows.record
        from stored_rows
        where not stored_rows.is_deletion
    ),
    updated_rows as (
        ${exchanged(stream, "tried_records", { only: "not tried_records.is_deletion" })}
    ),
    deleted_rows as (
        delete from ${stream.table}
        using tried_records
        where ${hasKeyOf(stream, "tried_records")} and tried_records.is_deletion
        returning tried_records.*
    ),
    kept_tombstones as (
        insert into ingest.tombstones (stream_id, key, version, chunk_id, record_no)
        select
            ${stream.streamId}, ${keyText(stream, "deleted_rows")}, ${versionText(stream, "deleted_rows")},
            deleted_rows.chunk_id, deleted_rows.record_no
        from deleted_rows
        on conflict (stream_id, key) do update
        set ${tombstoneSets}
    )
    select
        (select count(*) from stored_rows) - (select count(*) from updated_rows) - (select count(*) from deleted_rows),
        (select count(*) from deleted_rows)
    into left_out, deleted;
    perform ingest.count_own_deletes(deleted);
end
$$;
`;

/** For the streams that delete: how many rows this transaction has deleted itself, in the subtransaction that stands. */
export const countOwnDeletes = sql`
create or replace function ingest.count_own_deletes(more bigint)
returns void
language plpgsql
as $$
declare
    own constant bigint := coalesce(nullif(current_setting('sluice.own_deletes', true), ''), '0')::bigint;
begin
    perform set_config('sluice.own_deletes', (own + more)::text, true);
end
$$;
`;

export const keepVersions = ({ streamId }: StreamSql) => `
    insert into ingest.history (stream_id, what, chunk_id, record_no, batch_id, key, record)
    select
        ${streamId}, versions.what, versions.chunk_id, versions.record_no, this_batch_id, versions.key, versions.record
    from (
        select kept_versions.*
        from kept_versions
        where kept_versions.what <> 'superseded'
        union all
        select
            kept_versions.what, kept_versions.chunk_id, kept_versions.record_no, kept_versions.key,
            ingest.raw_record(staging, batch_chunks.extra_columns)
        from ingest.staging
        inner join batch_chunks
            on batch_chunks.load_id = staging.load_id and batch_chunks.chunk_id = staging.chunk_id
        inner join kept_versions
            on kept_versions.chunk_id = staging.chunk_id and kept_versions.record_no = staging.record_no
        where kept_versions.what = 'superseded' and staging.lane <> all(idle_lanes)
    ) as versions
    order by versions.chunk_id, versions.record_no;`;
