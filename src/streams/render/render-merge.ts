/**
 * The stream's part of a merge: what a record of its table is, from staged text to row. The engine's ingest.merge_batch calls these
 * functions in order and checks that the counts agree.
 */
import { appendRecords, isAppend } from "./append-records.ts";
import { classifyLosers, refuseRedirection, rejectRecords } from "./classify-records.ts";
import { insertRecords } from "./insert-records.ts";
import { extrasInRecord, rawRecord } from "./raw-record.ts";
import { snapshotRecords } from "./snapshot-records.ts";
import { lines, sql } from "./sql-text.ts";
import { countRecords, scanType, stagedValues, validateRecords, validRecords } from "./staged-values.ts";
import { storedRows } from "./stored-rows.ts";
import { type StreamSql, watchedColumns } from "./stream-sql.ts";
import { requireText } from "./typed-values.ts";
import { classifyUpserts, isUpsert, renderUpsert, upsertColumns, upsertTables } from "./upsert-records.ts";
import { rejectReasons } from "./verdict.ts";

export function renderMerge(stream: StreamSql): string {
    return [
        opening,
        scratchTables(stream),
        extrasInRecord(stream),
        rawRecord(stream),
        rejectReasons(stream),
        countRecords,
        scanType,
        stagedValues(stream),
        ...requireText(stream),
        validRecords(stream),
        validateRecords(stream),
        ...recordsOfMode(stream),
        rejectRecords(stream),
    ].join("\n");
}

/** What becomes of the records that the rules pass. */
function recordsOfMode(stream: StreamSql): string[] {
    if (isAppend(stream)) return [appendRecords(stream)];
    if (isUpsert(stream)) return [renderUpsert(stream), classifyUpserts(stream)];
    return [
        storedRows(stream),
        insertRecords(stream),
        ...(stream.mode.name === "snapshot" ? [snapshotRecords(stream)] : []),
        classifyLosers(stream),
        refuseRedirection(stream),
    ];
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
        chunk_id bigint not null,
        record_no bigint not null,
        ${lines(stream.columns, ({ ident, type }) => `${ident} ${type}`)},
        ${stream.extras} jsonb${isUpsert(stream) ? upsertColumns(stream) : ""}
    ) on commit delete rows;
    -- Records of this batch that become rejects; with what the table said of those that it refuses.
    create temporary table rejected_records (
        chunk_id bigint not null,
        record_no bigint not null,
        kind text not null default 'rejected',
        refusal jsonb${stream.conditions === null ? "" : keptReasons}
    ) on commit delete rows;
    ${stream.made === null ? (isUpsert(stream) ? upsertTables(stream) : "") : writtenRows(stream)}
end
$$;
`;

/** A condition may hold a moment later, when a parent is there: what it said is kept. */
const keptReasons = `,
        -- of those that break a condition over the whole row
        reasons text[]`;

const writtenRows = (stream: StreamSql) => sql`
-- Where the table has triggers: what an insert or update said that it wrote, and the key that the record there has.
create temporary table written_rows (
    told_key ${stream.keys[0]!.type},
    record_key ${stream.keys[0]!.type},
    chunk_id bigint,
    record_no bigint,
    ${lines(watchedColumns(stream), ({ ident, type }) => `${ident} ${type}`)}
) on commit delete rows;
perform ingest.prepare_rollups();`;
