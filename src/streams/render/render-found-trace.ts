/** The life of a record in a stream whose table does not tell where a row came from: by its key, or through its rejects. */
import { createHash } from "node:crypto";
import { isAppend } from "./append-records.ts";
import { claimsKeyOf, indexedCharacters, keyText } from "./key-text.ts";
import { recordVerdicts } from "./record-verdicts.ts";
import { list, sql } from "./sql-text.ts";
import { rowOf, type StreamSql } from "./stream-sql.ts";
import { keyTextOf } from "./upsert-follow.ts";
import { keepsHistory } from "./upsert-records.ts";

export const renderFoundTrace = (stream: StreamSql): string =>
    sql`
${recordVerdicts(stream)}
-- One record of one chunk. Without a reject it is a row, or says what one says.
create or replace function ingest.trace_record(traced_chunk_id bigint, traced_record_no bigint)
returns jsonb
language sql
stable
as $$
select
    jsonb_build_object(
        'recordNo', traced_record_no,
        'outcome', case
            when last_reject.reject_id is null and chunks.state = 'merged' and chunks.pruned_at is null then 'merged'
            when last_reject.resolution in ('inserted', 'accepted') then 'inserted'
            -- What it took the place of is kept under its number.
            when last_reject.resolution = 'displaced' and last_reject.batch_id = last_reject.resolved_by_batch then 'inserted'
            else ingest.trace_outcome(traced_chunk_id, traced_record_no)
        end,
        'insertedBy', ingest.trace_batch((
            select max(rejects.resolved_by_batch)
            from ingest.rejects
            where
                rejects.chunk_id = traced_chunk_id
                and rejects.record_no = traced_record_no
                and rejects.resolution in ('inserted', 'accepted')
        )),
        'event', null,
        'rejects', ingest.trace_rejects(traced_chunk_id, traced_record_no),
        'verdicts', case when last_reject.record is not null then ingest.record_verdicts(last_reject.record) end
    ) || ingest.trace_chunk(traced_chunk_id)
from ingest.chunks
left join lateral (
    select rejects.*
    from ingest.rejects
    where rejects.chunk_id = traced_chunk_id and rejects.record_no = traced_record_no
    order by rejects.reject_id desc
    limit 1
) as last_reject on true
where chunks.chunk_id = traced_chunk_id
$$;

${isAppend(stream) ? "" : traceClaims(stream)}
-- That record of every version of a path, the newest first; of a tail that was read twice, both times.
create or replace function ingest.trace_file_record(traced_path text, traced_record_no bigint)
returns jsonb
language sql
stable
as $$
select coalesce(jsonb_agg(ingest.trace_record(traced_chunks.chunk_id, traced_record_no) order by traced_chunks.version desc, traced_chunks.chunk_id desc), '[]')
from (
    select files.version, chunks.chunk_id
    from ingest.files
    inner join ingest.chunks on chunks.file_id = files.file_id
    where
        files.stream_id = ${stream.streamId}
        and files.path = traced_path
        and traced_record_no between chunks.first_record_no and chunks.first_record_no + chunks.records - 1
    order by files.version desc, chunks.chunk_id desc
    limit 20
) as traced_chunks
$$;

${isAppend(stream) ? "" : claimsIndex(stream)}`.replaceAll("/* row */", rowOf(stream));

const traceClaims = (stream: StreamSql) => sql`
${keepsHistory(stream) ? keyTextOf(stream) : ""}
-- What is stored under a key, which comes as a record of its columns, and every reject that claims it: as it is given, or as
-- the stored row would be written. 007 and 7 are one number; a uuid is one in capital letters too.
create or replace function ingest.trace_claims(traced_key jsonb)
returns jsonb
language sql
stable
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
with stored_rows as materialized (
    select ingest.stored_record(traced_key) as record
),
claims as (
    select distinct rejects.chunk_id, rejects.record_no
    from ingest.rejects
    where
        rejects.stream_id = ${stream.streamId}
        and ${claimsKeyOf(stream, "traced_key")}
    order by rejects.chunk_id, rejects.record_no
    limit 100
)
select jsonb_build_object(
    'stored', (select stored_rows.record from stored_rows),
    'versions', ${keepsHistory(stream) ? tracedVersions(stream) : "'[]'::jsonb"},
    'absentFrom', ${stream.mode.name === "snapshot" ? absentFrom(stream) : "null"},
    'records', coalesce(
        jsonb_agg(ingest.trace_record(claims.chunk_id, claims.record_no) order by claims.chunk_id, claims.record_no), '[]'
    )
)
from claims
$$;
`;

/** What the key's rows were before, and which records came too late, in that order. A key that breaks a rule has none. */
const tracedVersions = (stream: StreamSql) => sql`
(
    select
        coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'historyId', versions.history_id,
                    'what', versions.what,
                    'record', versions.record,
                    'path', files.path,
                    'recordNo', versions.record_no,
                    'keptAt', versions.kept_at,
                    'batch', ingest.trace_batch(versions.batch_id)
                )
                order by versions.history_id
            ),
            '[]'
        )
    from (
        select history.*
        from ingest.history
        where
            history.stream_id = ${stream.streamId}
            and left(history.key, 100) = left(ingest.key_text(traced_key), 100)
            and history.key = ingest.key_text(traced_key)
        order by history.history_id desc
        limit 100
    ) as versions
    left join ingest.chunks on chunks.chunk_id = versions.chunk_id
    left join ingest.files on files.file_id = chunks.file_id
)`;

/** The snapshot that stands for the table, where it has no row of the key. */
const absentFrom = (stream: StreamSql) => sql`
(
    select jsonb_build_object(
        'path', files.path,
        'version', files.version,
        'batch', ingest.trace_batch((
            select max(batches.batch_id)
            from ingest.batches
            where batches.stream_id = ${stream.streamId} and batches.rows_after is not null
        ))
    )
    from ingest.files
    where
        files.file_id = ingest.applied_snapshot(${stream.streamId}::smallint)
        and (select stored_rows.record from stored_rows) is null
)`;

/** Named for what it holds: a stream's key may change. */
function claimsIndex({ streamId, keys }: StreamSql): string {
    const columns = keys.map((key) =>
        `left(${keyText(key)}, ${indexedCharacters})`.replaceAll("rejects.record", "record"),
    );
    const prefix = `rejects_of_stream_${streamId}_`;
    const name = prefix + createHash("sha256").update(columns.join()).digest("hex").slice(0, 8);
    return sql`
-- Asked first: an index that is made waits for everybody who writes, even if it is there.
do $do$
begin
    if to_regclass('ingest.${name}') is null then
        execute (
            select coalesce(string_agg(format('drop index %s', pg_class.oid::regclass), '; '), 'select')
            from pg_class
            where pg_class.relnamespace = 'ingest'::regnamespace and starts_with(pg_class.relname, '${prefix}')
        );
        -- For the rivals of a record.
        create index ${name} on ingest.rejects (
            ${list(columns)}
        )
        where stream_id = ${streamId};
    end if;
end
$do$;
`;
}
