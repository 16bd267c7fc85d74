/** The verdict on records that were not inserted: rejected, a duplicate, or a conflict. */
import { lines, list, literal, sql } from "./sql-text.ts";
import { keysOf } from "./stored-rows.ts";
import { isOfKey, rowOf, type StreamSql, saysOther } from "./stream-sql.ts";
import { keepsHistory, keepVersions } from "./upsert-records.ts";

export const classifyLosers = (stream: StreamSql) => sql`
-- A later statement, and so with the inserted rows in sight: a valid record whose key was taken is a duplicate when all it
-- says is what is stored, else a conflict. One whose row is not there at all was left out by a trigger, without an error.
create or replace function ingest.classify_losers()
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
as $$
begin
    if not exists (select from losing_records) then
        return;
    end if;
    ${stream.made === null ? "" : "perform ingest.refuse_redirection();"}

    with losers as materialized (
        select losing_records.*
        from losing_records
    ),
    compared_records as materialized (
        select
            losers.chunk_id,
            losers.record_no,
            stored.${stream.keys[0]!.column} is null as is_left_out,
            ${saysOther(stream, "losers", "stored")} as is_conflict
        from losers
        left join ingest.stored_rows(
            ${keysOf(stream, "losers")}
        ) as stored on ${isOfKey(stream, "stored", "losers")}
    ),
    kept_losers as (
        insert into rejected_records (chunk_id, record_no, kind, refusal)
        select
            compared_records.chunk_id,
            compared_records.record_no,
            case when compared_records.is_left_out then 'rejected' else 'conflict' end,
            case when compared_records.is_left_out then ingest.silent_refusal() end
        from compared_records
        where compared_records.is_conflict
    ),
    duplicate_counts as (
        select compared_records.chunk_id, count(*) as duplicate
        from compared_records
        where not compared_records.is_conflict
        group by compared_records.chunk_id
    )
    update batch_chunks
    set duplicate = batch_chunks.duplicate + duplicate_counts.duplicate
    from duplicate_counts
    where batch_chunks.chunk_id = duplicate_counts.chunk_id;
end
$$;
`;

export const refuseRedirection = (stream: StreamSql) => sql`
-- Raises SL010 where the row of a record that was not inserted is its own: a trigger has put it into a table that inherits.
create or replace function ingest.refuse_redirection()
returns void
language plpgsql
as $$
declare
    triggers constant text := ingest.triggers_on_table();
begin
    if triggers is not null and exists (
        select from losing_records
        inner join ingest.stored_rows(
            ${keysOf(stream, "losing_records")}
        ) as stored on ${isOfKey(stream, "stored", "losing_records")}
        where stored.chunk_id = losing_records.chunk_id and stored.record_no = losing_records.record_no
    ) then
        raise exception 'the trigger % puts the rows of % into another table: drop it, or let that table not inherit',
            triggers, ${literal(rowOf(stream))}
        using errcode = 'SL010';
    end if;
end
$$;
`;

export const rejectRecords = (stream: StreamSql) => sql`
-- Writes rejects: what the rules reject, with every reason, what the table refuses, and conflicts.
create or replace function ingest.reject_records(this_batch_id bigint)
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
as $$
declare
    idle_lanes constant smallint[] := ingest.idle_lanes();
    facts constant ${stream.facts} := ${stream.facts}();
    has_padded constant boolean := exists (select from batch_chunks where batch_chunks.is_padded);
begin${keepsHistory(stream) ? keepVersions(stream) : ""}
    if not exists (select from rejected_records) then
        return;
    end if;

    with written_rejects as (
        insert into ingest.rejects (
            chunk_id, record_no, batch_id, kind, reasons, record, raw_text, line_no, byte_offset, refusal${ofStream(stream, ", stream_id")}
        )
        select
            staging.chunk_id,
            staging.record_no,
            this_batch_id,
            rejected_records.kind,
            case
                ${stream.conflictCode === null ? "" : `when rejected_records.kind = 'conflict' then array[${literal(stream.conflictCode)}]`}
                when rejected_records.refusal is not null then array[ingest.refusal_reason(rejected_records.refusal)]${keptReasons(stream)}
                else ingest.reject_reasons(staging, has_padded and batch_chunks.is_padded, facts)
            end,
            ingest.raw_record(staging, batch_chunks.extra_columns),
            staging.problem::jsonb ->> 'raw',
            (staging.problem::jsonb ->> 'line')::bigint,
            (staging.problem::jsonb ->> 'byte')::bigint,
            rejected_records.refusal${ofStream(stream, `, ${stream.streamId}`)}
        from ingest.staging
        inner join batch_chunks
            on batch_chunks.load_id = staging.load_id and batch_chunks.chunk_id = staging.chunk_id
        -- Distinct: the rows of an earlier load of a chunk may be there beside those of its own.
        inner join (select distinct rejected_records.* from rejected_records) as rejected_records
            on rejected_records.chunk_id = staging.chunk_id and rejected_records.record_no = staging.record_no
        where staging.lane <> all(idle_lanes)
        order by staging.chunk_id, staging.record_no
        returning rejects.chunk_id, rejects.kind
    ),
    reject_counts as (
        select
            written_rejects.chunk_id,
            count(*) filter (where written_rejects.kind = 'conflict') as conflict,
            count(*) filter (where written_rejects.kind = 'rejected') as rejected
        from written_rejects
        group by written_rejects.chunk_id
    )
    update batch_chunks
    set conflict = reject_counts.conflict, rejected = reject_counts.rejected
    from reject_counts
    where batch_chunks.chunk_id = reject_counts.chunk_id;
    ${stream.waiting.length === 0 ? "" : noteWaiting(stream)}
end
$$;

-- The reason of a record that passed the rules and that the table refused.
create or replace function ingest.refusal_reason(refusal jsonb)
returns text
language sql
immutable
return ${refusalReason(stream)};
`;

const keptReasons = ({ conditions }: StreamSql) =>
    conditions === null
        ? ""
        : "\nwhen rejected_records.reasons is not null and staging.problem is null then rejected_records.reasons";

/** The built-in stream is the ledger's default. */
export const ofStream = ({ made }: StreamSql, text: string) => (made === null ? text : "");

const noteWaiting = ({ waiting }: StreamSql) => sql`
-- Replayed by itself once the parent is there.
update ingest.rejects
set retry_when = 'parent'
where rejects.batch_id = this_batch_id and rejects.reasons && array[${list(waiting, literal)}];`;

function refusalReason({ refusals }: StreamSql): string {
    const otherwise = "'refused_by_table'";
    if (refusals.length === 0) return otherwise;
    return sql`
case refusal ->> 'constraint'
    ${lines(refusals, ({ constraint, code }) => `when ${literal(constraint)} then ${literal(code)}`, "")}
    else ${otherwise}
end`;
}
