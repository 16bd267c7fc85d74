/**
 * The checks of a stream whose table Sluice found: what can be known where rows do not tell where they came from. Of the table
 * itself nothing is read but rows by their key.
 */
import { list, literal, sql } from "./sql-text.ts";

export interface CheckedStream {
    streamId: number;
    home: string;
    /** As SQL writes it. */
    table: string;
    key: readonly string[];
    mode: string;
    /** As it was declared; of any version, so nothing is sure. */
    declaration: unknown;
    /** Whether an ingest works on it, or would: a table may be gone when nobody does. */
    isActive: boolean;
    /** Whether its mode deletes rows, so that the one of a conflict may be gone. */
    removesRows: boolean;
    /** Whether its staging and functions are there. */
    hasHome: boolean;
}

/** Name → text, of those that can be asked now. */
export function renderFoundChecks(stream: CheckedStream): Record<string, string> {
    const isAtWork = stream.isActive && stream.hasHome;
    const hasKey = stream.mode !== "append";
    return {
        ...(isAtWork &&
            hasKey &&
            !stream.removesRows && { find_conflicts_without_row: findUnfoundedConflicts(stream) }),
        ...(stream.isActive && hasKey && { find_missing_key: findMissingKey(stream) }),
        ...(stream.isActive && replacesAll(stream) && { count_snapshot_rows: countSnapshotRows(stream) }),
        ...(stream.hasHome && { find_orphan_staged_rows: findOrphanStagedRows(stream) }),
        find_unknown_reasons: findUnknownReasons(stream),
    };
}

/** Whether each file is all of the table. */
function replacesAll({ mode, declaration }: CheckedStream): boolean {
    const { by } = (declaration as { mode?: { by?: unknown[] } } | null)?.mode ?? {};
    return mode === "snapshot" && by?.length === 0;
}

const countSnapshotRows = ({ streamId, table }: CheckedStream) => sql`
-- ${table} has the rows that the latest snapshot left, and those that replays of its rejects have inserted since. (What somebody
-- else has inserted or deleted since is reported here.)
select
    counted.batch_id,
    counted.table_rows,
    counted.expected_rows
from (
    select
        snapshots.batch_id,
        (select count(*) from ${table}) as table_rows,
        snapshots.rows_after + (
            select coalesce(sum(replays.inserted - replays.displaced), 0)
            from ingest.batches as replays
            where replays.stream_id = ${streamId} and replays.batch_id > snapshots.batch_id
        ) as expected_rows
    from ingest.batches as snapshots
    where snapshots.stream_id = ${streamId} and snapshots.rows_after is not null
    order by snapshots.batch_id desc
    limit 1
) as counted
where counted.table_rows <> counted.expected_rows;
`;

const findUnfoundedConflicts = ({ streamId, home, table }: CheckedStream) => sql`
-- For every conflict there is the row of ${table} that it conflicts with, or conflicted with before an edit. (A row that
-- somebody else has deleted since is reported here. Conflicts of a snapshot that was replaced are of the past.)
select
    rejects.reject_id,
    rejects.chunk_id,
    rejects.record_no,
    coalesce(rejects.original_record, rejects.record) as record
from ingest.rejects
where
    rejects.stream_id = ${streamId}
    and rejects.kind = 'conflict'
    and ingest.is_of_current_rows(rejects.chunk_id, ingest.applied_snapshot(${streamId}::smallint))
    and ${home}.stored_record(coalesce(rejects.original_record, rejects.record)) is null
order by rejects.reject_id;
`;

/** The rows are not counted: that would be a scan of somebody's table, to say what its index says. */
const findMissingKey = ({ table, key }: CheckedStream) => sql`
-- ${table} exists, and a unique index keeps its key unique.
select
    ${literal(table)} as table_name,
    array[${list(key, literal)}] as key
where not exists (
    select from pg_index
    where
        pg_index.indrelid = to_regclass(${literal(table)})
        and pg_index.indisunique
        and pg_index.indisvalid
        and pg_index.indpred is null
        and pg_index.indexprs is null
        and array(
            select pg_attribute.attname::text
            from pg_attribute
            where
                pg_attribute.attrelid = pg_index.indrelid
                and pg_attribute.attnum = any(
                    (array(select unnest(pg_index.indkey)))[1:pg_index.indnkeyatts]
                )
            order by 1
        ) = array(select key_columns.name from unnest(array[${list(key, literal)}]) as key_columns (name) order by 1)
);
`;

const findOrphanStagedRows = ({ streamId, home }: CheckedStream) => sql`
-- No staged row belongs to a load that the ledger does not know for this stream or has already swept. One row per such
-- load.
with
    staged_loads as (
        select
            staging.load_id,
            count(*) as staged_rows
        from ${home}.staging
        group by staging.load_id
    )

select
    staged_loads.load_id,
    staged_loads.staged_rows,
    loads.state,
    loads.stream_id
from staged_loads
left join ingest.loads on staged_loads.load_id = loads.load_id
where loads.load_id is null or loads.state = 'swept' or loads.stream_id <> ${streamId};
`;

const findUnknownReasons = ({ streamId }: CheckedStream) => sql`
-- A reject has only reasons that its stream has or had: the codes of its table's columns and constraints, and the general
-- ones.
with
    known_codes as materialized (
        select array(select jsonb_array_elements_text(streams.shape -> 'codes')) as codes
        from ingest.streams
        where streams.stream_id = ${streamId}
    )

select
    rejects.reject_id,
    rejects.chunk_id,
    rejects.record_no,
    rejects.reasons
from ingest.rejects
where
    rejects.stream_id = ${streamId}
    and not (rejects.reasons <@ (select known_codes.codes from known_codes));
`;
