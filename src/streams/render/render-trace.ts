/** The life of a record: where its bytes came from, what each rule says of it, and what became of its rivals. */
import { recordVerdicts } from "./record-verdicts.ts";
import { literal, sql } from "./sql-text.ts";
import { keyName, type MadeTable, rowOf, type StreamSql } from "./stream-sql.ts";

export const renderTrace = (stream: StreamSql, made: MadeTable): string => sql`
-- The life of a record, as one JSON value: where its bytes came from, what each rule says of it, which batch decided, and
-- what became of the other records that claim its key. All on the caller's snapshot; nothing is written.
--
-- Exact duplicates are counted, not kept: a record that is neither a row nor a reject of a merged chunk was one. Of a chunk
-- that was pruned for its age nobody can tell.

${recordVerdicts(stream)}
-- One record of one chunk. \`stored\` is the row that came from it, or null.
create or replace function ingest.trace_record(traced_chunk_id bigint, traced_record_no bigint, stored ${stream.table})
returns jsonb
language sql
stable
as $$
select
    jsonb_build_object(
        'recordNo', traced_record_no,
        'outcome', case
            when (stored).${stream.keys[0]!.column} is not null then 'inserted'
            else ingest.trace_outcome(traced_chunk_id, traced_record_no)
        end,
        'insertedBy', case
            -- The merge that had the row's slice, unless a replay let it in.
            when (stored).${stream.keys[0]!.column} is not null then ingest.trace_batch(coalesce(
                (
                    select max(rejects.resolved_by_batch)
                    from ingest.rejects
                    where
                        rejects.chunk_id = traced_chunk_id
                        and rejects.record_no = traced_record_no
                        and rejects.resolution in ('inserted', 'accepted')
                ),
                (
                    select min(chunk_merges.batch_id)
                    from ingest.chunk_merges
                    where
                        chunk_merges.chunk_id = traced_chunk_id
                        and chunk_merges.slices & ingest.slice_of((stored).${stream.keys[0]!.column}) <> 0
                )
            ))
        end,
        'event', case
            when (stored).${stream.keys[0]!.column} is not null then
                ingest.record_of(stored) || jsonb_build_object(${literal(made.stamped[0]!)}, (stored).${made.stamped[0]!}::text)
        end,
        'rejects', ingest.trace_rejects(traced_chunk_id, traced_record_no),
        'verdicts', case
            when (stored).${stream.keys[0]!.column} is not null then ingest.record_verdicts(ingest.record_of(stored))
            else (
                select ingest.record_verdicts(last_reject.record)
                from (
                    select rejects.record
                    from ingest.rejects
                    where rejects.chunk_id = traced_chunk_id and rejects.record_no = traced_record_no
                    order by rejects.reject_id desc
                    limit 1
                ) as last_reject
                where last_reject.record is not null
            )
        end
    ) || ingest.trace_chunk(traced_chunk_id)
$$;

-- Every record that is kept and claims this key: the row's own first, then its rivals in the order of the files.
create or replace function ingest.trace_key(traced_key ${stream.keys[0]!.type})
returns jsonb
language sql
stable
as $$
with stored_row as materialized (
    select stored, stored.chunk_id, stored.record_no
    from ingest.stored_rows(array[row(traced_key)::ingest.record_key]) as stored
),
claims as (
    select stored_row.chunk_id, stored_row.record_no
    from stored_row
    union
    select rejects.chunk_id, rejects.record_no
    from ingest.rejects
    where
        left(lower(btrim(rejects.record ->> ${literal(keyName(stream))})), 36) = traced_key::text
        and rejects.stream_id = ${stream.streamId}
),
first_claims as (
    select claims.chunk_id, claims.record_no, stored_row.stored
    from claims
    left join stored_row
        on stored_row.chunk_id = claims.chunk_id and stored_row.record_no = claims.record_no
    order by stored_row.chunk_id is null, claims.chunk_id, claims.record_no
    limit 100
)
select
    jsonb_agg(
        ingest.trace_record(first_claims.chunk_id, first_claims.record_no, first_claims.stored)
        order by (first_claims.stored).${stream.keys[0]!.column} is null, first_claims.chunk_id, first_claims.record_no
    )
from first_claims
$$;

-- That record of every version of a path, the newest first; of a tail that was read twice, both times. A row is found
-- by where it came from, which no index helps with: a scan of the table, when nothing tells its key.
create or replace function ingest.trace_file_record(traced_path text, traced_record_no bigint)
returns jsonb
language plpgsql
stable
as $$
declare
    traced record;
    stored ${stream.table};
    records jsonb := '[]';
begin
    for traced in
        select chunks.chunk_id, resolved_rejects.key, chunks.has_rows and not standing.is_reject as may_be_row
        from (
            select
                chunks.*,
                files.version,
                exists (
                    select from ingest.chunk_merges
                    where chunk_merges.chunk_id = chunks.chunk_id and chunk_merges.inserted > 0
                ) as has_rows
            from ingest.files
            inner join ingest.chunks on chunks.file_id = files.file_id
            where
                files.stream_id = ${stream.streamId}
                and files.path = traced_path
                and traced_record_no between chunks.first_record_no and chunks.first_record_no + chunks.records - 1
        ) as chunks
        cross join lateral (
            select
                exists (
                    select from ingest.rejects
                    where
                        rejects.chunk_id = chunks.chunk_id
                        and rejects.record_no = traced_record_no
                        and (rejects.resolved_by_batch is null or rejects.resolution in ('displaced', 'duplicate'))
                ) as is_reject
        ) as standing
        left join lateral (
            select ingest.trimmed(rejects.record ->> ${literal(keyName(stream))}) as key
            from ingest.rejects
            where
                rejects.chunk_id = chunks.chunk_id
                and rejects.record_no = traced_record_no
                and rejects.resolution in ('inserted', 'accepted')
            order by rejects.reject_id desc
            limit 1
        ) as resolved_rejects on true
        order by chunks.version desc, chunks.chunk_id desc
        limit 20
    loop
        stored := null;
        if traced.key is not null then
            select ${rowOf(stream)}.* into stored
            from ${stream.table}
            where
                ${rowOf(stream)}.${stream.keys[0]!.column} = ${stream.keys[0]!.cast("traced.key")}
                and ${rowOf(stream)}.chunk_id = traced.chunk_id
                and ${rowOf(stream)}.record_no = traced_record_no;
        elsif traced.may_be_row then
            select ${rowOf(stream)}.* into stored
            from ${stream.table}
            where ${rowOf(stream)}.chunk_id = traced.chunk_id and ${rowOf(stream)}.record_no = traced_record_no;
        end if;
        records := records || jsonb_build_array(ingest.trace_record(traced.chunk_id, traced_record_no, stored));
    end loop;
    return records;
end
$$;
`;
