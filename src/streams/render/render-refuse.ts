/**
 * A record that passes the rules and that the table refuses all the same: by a constraint, a unique index, a foreign key, a domain or a
 * trigger that somebody added to it. The merge inserts as ever; when that raises, the records at fault are found by trial, and
 * the merge goes on without them: each becomes a reject (refused_by_table) with what the table said of it.
 */
import { appendCandidates, isAppend } from "./append-records.ts";
import { refuseSnapshot } from "./refuse-snapshot.ts";
import { list, literal, sql } from "./sql-text.ts";
import { names, rowOf, type StreamSql } from "./stream-sql.ts";
import { findRefusedRecords, insertCandidates, searchCandidates, tryCandidates } from "./try-candidates.ts";
import { mergePieces, upsertOrRefuse } from "./upsert-pieces.ts";
import { countOwnDeletes, isUpsert } from "./upsert-records.ts";
import { sparedConditions } from "./verdict.ts";
import { brokenColumns, endWriting, movedRows, triggersOnTable } from "./watch-writes.ts";

export function renderRefuse(stream: StreamSql): string {
    return [
        isUpsert(stream) ? upsertOrRefuse(stream) : insertOrRefuse(stream),
        mayBeOfRecord,
        ...(stream.deletes === null ? [] : [countOwnDeletes]),
        endWriting(stream),
        movedRows(stream),
        triggersOnTable(stream),
        ...(stream.made === null ? [] : [brokenColumns(stream, stream.made)]),
        findRefusedRecords(stream),
        searchCandidates(stream),
        candidatesOfMode(stream),
        tryCandidates(stream),
        filledColumns(stream),
        isAppend(stream) ? requireNoKey : requireKey(stream),
        silentRefusal(stream),
        ...(stream.mode.name === "snapshot" ? [refuseSnapshot(stream)] : []),
    ].join("\n");
}

function candidatesOfMode(stream: StreamSql): string {
    if (isAppend(stream)) return appendCandidates(stream);
    return isUpsert(stream) ? mergePieces(stream) : insertCandidates(stream);
}

const insertOrRefuse = (stream: StreamSql) => sql`
-- As ingest.insert_records; what the table refuses is then among rejected_records.
create or replace function ingest.insert_or_refuse()
returns void
language plpgsql
as $$
declare
    moved_before bigint := ingest.moved_rows();
    said_context text;
begin
    begin
        perform ingest.insert_records();
        perform ingest.end_writing(moved_before);
        return;
    exception
        when others or assert_failure then
            get stacked diagnostics said_context = pg_exception_context;
            if not ingest.may_be_of_record(sqlstate, said_context) then
                raise;
            end if;
    end;
    ${findRefused(stream)}
    moved_before := ingest.moved_rows();
    perform ingest.insert_records();
    perform ingest.end_writing(moved_before);
end
$$;
`;

const mayBeOfRecord = sql`
-- Whether a record can be why this was raised. Deadlocks, full disks, lost rights to go on and the like are nobody's, unless a
-- trigger says RAISE and takes such a code for itself.
create or replace function ingest.may_be_of_record(sql_state text, said_context text)
returns boolean
language sql
immutable
return left(sql_state, 2) <> all(array['08', '25', '40', '53', '55', '57', '58', 'SL', 'XX'])
or said_context ~ '^(?!PL/pgSQL function ingest\\w*\\.)[^\\n]* RAISE(\\n|$)';
`;

const filledColumns = (stream: StreamSql) => {
    const { made } = stream;
    const filled = [
        ...names(stream),
        ...(made === null ? [] : [stream.extras, "chunk_id", "record_no", ...made.stamped]),
    ];
    return sql`
-- The columns of the table that the merge fills, or Postgres for it.
create or replace function ingest.filled_columns()
returns text[]
language sql
immutable
return array[
    ${list(filled, literal)}
];
`;
};

const requireNoKey = `
create or replace function ingest.require_key()
returns void
language sql
as $$
select
$$;
`;

const requireKey = (stream: StreamSql) => {
    const keys = stream.keys.map(({ name }) => name);
    return sql`
-- Raises SL010 unless some index keeps the key unique: without one a record could become two rows.
create or replace function ingest.require_key()
returns void
language plpgsql
as $$
begin
    if
        -- A table of other columns is left to the insert, which says what is missing.
        (
            select count(*)
            from pg_attribute
            where
                pg_attribute.attrelid = to_regclass(${literal(stream.table)})
                and pg_attribute.attname = any(ingest.filled_columns())
        ) = cardinality(ingest.filled_columns())
        and not exists (
            select from pg_index
            where
                pg_index.indrelid = to_regclass(${literal(stream.table)})
                and pg_index.indisunique
                and pg_index.indisvalid
                and pg_index.indnkeyatts = ${keys.length}
                and pg_index.indpred is null
                and pg_index.indexprs is null
                and not exists (
                    select from unnest(array[${list(keys, literal)}]) as wanted_keys (name)
                    where not exists (
                        select from pg_attribute
                        where
                            pg_attribute.attrelid = pg_index.indrelid
                            and pg_attribute.attname = wanted_keys.name
                            and pg_attribute.attnum = any((pg_index.indkey::smallint[])[0:pg_index.indnkeyatts - 1])
                    )
                )
        )
    then
        raise exception ${literal(`the table ${rowOf(stream)} has no primary key (${keyColumns(stream)}): alter table ${rowOf(stream)} add primary key (${keyColumns(stream)})`.replaceAll("%", "%%"))}
        using errcode = 'SL010';
    end if;
end
$$;
`;
};

export const findRefused = (stream: StreamSql) => sparedConditions(stream, "perform ingest.find_refused_records();");

const keyColumns = ({ keys }: StreamSql) => keys.map(({ column }) => column).join(", ");

const silentRefusal = (stream: StreamSql) => sql`
-- Stands beside a reject when the table did not say why.
create or replace function ingest.silent_refusal()
returns jsonb
language sql
immutable
return jsonb_build_object(
    'message', ${literal(`A trigger on ${rowOf(stream)} left the record out without an error (or its ${stream.rowName} was deleted in that moment).`)}
);
`;
