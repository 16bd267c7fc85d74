/**
 * The stream's part of a replay (sql/engine/replay_batch.sql): a reject's kept values back into staging, what their verdict
 * is today, and what becomes of a row that a conflicting record replaces.
 */
import { acceptConflicts, keepLastConflicts, refuseConflicts } from "./accept-conflicts.ts";
import { recordOf, storedRecord } from "./record-of.ts";
import { lines, list, literal, sql } from "./sql-text.ts";
import { cast, compared, keyOf, names, type StreamSql } from "./stream-sql.ts";

export function renderReplay(stream: StreamSql): string {
    return [
        recordOf(stream),
        storedRecord(stream),
        stageRejects(stream),
        dropUnchangedRejects(stream),
        resolveRejects(stream),
        keepLastConflicts(stream),
        acceptConflicts(stream),
        dropStillRefused(stream),
        refuseConflicts,
    ].join("\n");
}

const stageRejects = (stream: StreamSql) => sql`
-- Unknown columns are those of parsed records: the text of one JSON object.
create or replace function ingest.stage_rejects(this_load_id bigint)
returns void
language plpgsql
as $$
begin
    insert into ingest.staging (
        load_id, chunk_id, record_no, slice_no,
        ${list([...names(stream), stream.extras])}
    )
    select
        this_load_id,
        replayed_rejects.chunk_id,
        replayed_rejects.record_no,
        0,
        ${lines(names(stream), (name) => `replayed_rejects.record ->> ${literal(name)}`)},
        ingest.extras_of_record(replayed_rejects.record)
    from replayed_rejects;
end
$$;
`;

const dropUnchangedRejects = (stream: StreamSql) => sql`
-- Leaves only the rejects whose verdict would be another one today: a rejected record that passes or fails for other
-- reasons; a conflict that was edited, or is what is stored by now, or any conflict when they are accepted.
create or replace function ingest.drop_unchanged_rejects(this_load_id bigint, accept_conflicts boolean)
returns void
language plpgsql
as $$
declare
    facts constant ${stream.facts} := ${stream.facts}();
begin
    with judged_rejects as materialized (
        select
            replayed_rejects.reject_id,
            replayed_rejects.kind,
            replayed_rejects.reasons as reasons_then,
            ingest.reject_reasons(staging, true, facts) as reasons_now,
            staging.*
        from replayed_rejects
        inner join ingest.staging
            on
                staging.load_id = this_load_id
                and staging.chunk_id = replayed_rejects.chunk_id
                and staging.record_no = replayed_rejects.record_no
    ),
    valid_conflicts as materialized (
        select judged_rejects.*
        from judged_rejects
        where judged_rejects.kind = 'conflict' and judged_rejects.reasons_now = '{}' and not accept_conflicts
    ),
    cast_conflicts as materialized (
        select
            valid_conflicts.reject_id,
            ${lines(stream.columns, (column) => `${cast(`ingest.trimmed(valid_conflicts.${column.name})`, column)} as ${column.name}`)},
            ingest.extras_of(valid_conflicts.${stream.extras}, null, null) as ${stream.extras}
        from valid_conflicts
    ),
    unchanged_rejects as (
        select judged_rejects.reject_id
        from judged_rejects
        where judged_rejects.kind = 'rejected' and judged_rejects.reasons_now = judged_rejects.reasons_then
        union all
        select cast_conflicts.reject_id
        from cast_conflicts
        inner join ${stream.table} as stored on stored.${keyOf(stream)} = cast_conflicts.${keyOf(stream)}
        where
            (
                ${list(compared(stream), (name) => `cast_conflicts.${name}`)}
            ) is distinct from (
                ${list(compared(stream), (name) => `stored.${name}`)}
            )
    )
    delete from replayed_rejects
    using unchanged_rejects
    where replayed_rejects.reject_id = unchanged_rejects.reject_id;

    perform ingest.unstage_dropped_rejects(this_load_id);
end
$$;

create or replace function ingest.unstage_dropped_rejects(this_load_id bigint)
returns void
language plpgsql
as $$
begin
    delete from ingest.staging
    where
        staging.load_id = this_load_id
        and not exists (
            select from replayed_rejects
            where
                replayed_rejects.chunk_id = staging.chunk_id
                and replayed_rejects.record_no = staging.record_no
        );
end
$$;
`;

const resolveRejects = (stream: StreamSql) => sql`
-- Writes beside every replayed reject what it has become: a row, a duplicate, or a reject again (of this batch).
create or replace function ingest.resolve_rejects(this_batch_id bigint, this_load_id bigint)
returns void
language plpgsql
as $$
begin
    with rejects_again as materialized (
        select rejects.chunk_id, rejects.record_no, rejects.kind
        from ingest.rejects
        where rejects.batch_id = this_batch_id
    ),
    passed_records as materialized (
        select staging.chunk_id, staging.record_no, ingest.trimmed(staging.${keyOf(stream)}) as ${keyOf(stream)}
        from ingest.staging
        where
            staging.load_id = this_load_id
            and not exists (
                select from rejects_again
                where
                    rejects_again.chunk_id = staging.chunk_id
                    and rejects_again.record_no = staging.record_no
            )
    ),
    inserted_records as materialized (
        select passed_records.chunk_id, passed_records.record_no
        from passed_records
        inner join ${stream.table} as stored
            on stored.${keyOf(stream)} = ${cast(`passed_records.${keyOf(stream)}`, stream.columns[0]!)}
        where stored.chunk_id = passed_records.chunk_id and stored.record_no = passed_records.record_no
    ),
    resolutions as materialized (
        select
            replayed_rejects.reject_id,
            case
                when rejects_again.kind is not null then rejects_again.kind
                when inserted_records.chunk_id is not null then 'inserted'
                else 'duplicate'
            end as resolution
        from replayed_rejects
        left join rejects_again
            on
                rejects_again.chunk_id = replayed_rejects.chunk_id
                and rejects_again.record_no = replayed_rejects.record_no
        left join inserted_records
            on
                inserted_records.chunk_id = replayed_rejects.chunk_id
                and inserted_records.record_no = replayed_rejects.record_no
    )
    update ingest.rejects
    set resolved_by_batch = this_batch_id, resolved_at = now(), resolution = resolutions.resolution
    from resolutions
    where rejects.reject_id = resolutions.reject_id;
end
$$;
`;

const dropStillRefused = (stream: StreamSql) => sql`
-- Of the rejects that are to be replayed, leaves out those that the table refused before and refuses still.
create or replace function ingest.drop_still_refused(this_load_id bigint, accept_conflicts boolean)
returns void
language plpgsql
as $$
begin
    if not exists (
        select from replayed_rejects
        inner join ingest.rejects on rejects.reject_id = replayed_rejects.reject_id and rejects.refusal is not null
    ) then
        return;
    end if;
    perform ingest.add_replayed_chunks(this_load_id);
    perform ingest.count_records();
    perform ingest.find_refused_records();
    if accept_conflicts then
        insert into losing_records
        select valid_records.*
        from ingest.valid_records(ingest.plan_scan(), ${stream.facts}());
        loop
            perform ingest.find_refused_records(is_exchange => true);
            delete from losing_records
            using rejected_records
            where
                losing_records.chunk_id = rejected_records.chunk_id
                and losing_records.record_no = rejected_records.record_no;
            exit when not found;
        end loop;
        delete from losing_records;
    end if;

    delete from replayed_rejects
    using rejected_records, ingest.rejects
    where
        replayed_rejects.chunk_id = rejected_records.chunk_id
        and replayed_rejects.record_no = rejected_records.record_no
        and rejects.reject_id = replayed_rejects.reject_id
        and rejects.refusal is not null
        and (rejects.kind = 'conflict' or rejects.reasons = array['refused_by_table']);
    perform ingest.unstage_dropped_rejects(this_load_id);
    delete from batch_chunks;
    delete from rejected_records;
end
$$;
`;
