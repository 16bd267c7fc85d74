/** The checks that every stream has: queries on its table, which return what breaks the sentence above them. */
import { sql } from "./sql-text.ts";
import { keyName, rowOf, type StreamSql } from "./stream-sql.ts";

/** File name without its ending → text. */
export function renderChecks(stream: StreamSql): Record<string, string> {
    const rows = rowOf(stream);
    return {
        [`count_inserted_${rows}`]: countInserted(stream),
        [`find_conflicts_without_${stream.rowName}`]: findUnfoundedConflicts(stream),
        [`find_repeated_${keyName(stream)}s`]: findRepeatedKeys(stream),
        [`trace_${rows}`]: traceRows(stream),
        trace_singly: traceSingly(stream),
    };
}

const countInserted = (stream: StreamSql) => sql`
-- Each chunk has as many ${rowOf(stream)} as its merges and replays inserted, minus those that a replay displaced. A pruned
-- chunk has at most as many as it has records.
with
    counted_rows as (
        select ${rowOf(stream)}.chunk_id, count(*) as ${rowOf(stream)}
        from ${stream.table}
        group by ${rowOf(stream)}.chunk_id
    ),

    summed_merges as (
        select
            chunk_merges.chunk_id,
            sum(chunk_merges.inserted - chunk_merges.displaced) as inserted
        from ingest.chunk_merges
        inner join ingest.chunks on chunk_merges.chunk_id = chunks.chunk_id
        where chunks.stream_id = ${stream.streamId}
        group by chunk_merges.chunk_id
    )

select
    chunk_id,
    coalesce(summed_merges.inserted, 0) as inserted,
    coalesce(counted_rows.${rowOf(stream)}, 0) as ${rowOf(stream)}
from summed_merges
full outer join counted_rows using (chunk_id)
left join ingest.chunks using (chunk_id)
where
    case
        when chunks.pruned_at is not null then coalesce(counted_rows.${rowOf(stream)}, 0) > chunks.records
        else coalesce(summed_merges.inserted, 0) <> coalesce(counted_rows.${rowOf(stream)}, 0)
    end;
`;

const findUnfoundedConflicts = (stream: StreamSql) => sql`
-- For every conflict there is the ${stream.rowName} that it conflicts with, or conflicted with before an edit.
with
    conflicting_keys as (
        select
            rejects.reject_id,
            rejects.chunk_id,
            rejects.record_no,
            lower(btrim(coalesce(rejects.original_record, rejects.record) ->> '${keyName(stream)}', E' \\t\\n\\r\\f\\x0b'))
                as key_text
        from ingest.rejects
        where rejects.kind = 'conflict' and rejects.stream_id = ${stream.streamId}
    ),

    -- The text decides before the cast runs: a record that was tampered with is a row here, not an error.
    cast_keys as (
        select
            conflicting_keys.*,
            case
                when ingest.input_is_valid(conflicting_keys.key_text, '${stream.keys[0]!.type}')
                    then conflicting_keys.key_text::${stream.keys[0]!.type}
            end as key
        from conflicting_keys
    )

select
    cast_keys.reject_id,
    cast_keys.chunk_id,
    cast_keys.record_no,
    cast_keys.key_text as ${keyName(stream)}
from cast_keys
left join ${stream.table} on cast_keys.key = ${rowOf(stream)}.${keyName(stream)}
where ${rowOf(stream)}.${keyName(stream)} is null;
`;

const findRepeatedKeys = (stream: StreamSql) => sql`
-- Each ${keyName(stream)} occurs once. The primary key ensures it too; this counts the rows themselves.
with
    repeated_keys as (
        select ${rowOf(stream)}.${keyName(stream)}, count(*) as ${rowOf(stream)}
        from ${stream.table}
        group by ${rowOf(stream)}.${keyName(stream)}
        having count(*) > 1
    )

select
    repeated_keys.${keyName(stream)},
    repeated_keys.${rowOf(stream)},
    ${rowOf(stream)}.chunk_id,
    ${rowOf(stream)}.record_no
from repeated_keys
inner join ${stream.table} on repeated_keys.${keyName(stream)} = ${rowOf(stream)}.${keyName(stream)};
`;

const traceRows = (stream: StreamSql) => sql`
-- Every ${stream.rowName} comes from a record of a chunk that a merge has read. (The merges of a pruned chunk may be gone.)
with
    merged_chunks as (
        select
            chunks.chunk_id,
            chunks.first_record_no,
            chunks.first_record_no + chunks.records - 1 as last_record_no
        from ingest.chunks
        where
            chunks.pruned_at is not null
            or exists (select from ingest.chunk_merges where chunk_merges.chunk_id = chunks.chunk_id)
    )

select
    ${rowOf(stream)}.${keyName(stream)},
    ${rowOf(stream)}.chunk_id,
    ${rowOf(stream)}.record_no,
    merged_chunks.first_record_no,
    merged_chunks.last_record_no
from ${stream.table}
left join merged_chunks on ${rowOf(stream)}.chunk_id = merged_chunks.chunk_id
where
    merged_chunks.chunk_id is null
    or ${rowOf(stream)}.record_no not between merged_chunks.first_record_no and merged_chunks.last_record_no;
`;

const traceSingly = (stream: StreamSql) => sql`
-- A record is an ${stream.rowName} or a reject, never both, and no two ${rowOf(stream)} come from one record. A reject that a
-- replay resolved does not count, except a displaced one, whose record is nowhere else.
with
    placed_records as (
        select ${rowOf(stream)}.chunk_id, ${rowOf(stream)}.record_no
        from ${stream.table}
        union all
        select rejects.chunk_id, rejects.record_no
        from ingest.rejects
        where rejects.resolved_by_batch is null or rejects.resolution = 'displaced'
    )

select
    placed_records.chunk_id,
    placed_records.record_no,
    count(*) as places
from placed_records
group by placed_records.chunk_id, placed_records.record_no
having count(*) > 1;
`;
