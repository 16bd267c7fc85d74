/**
 * The stream's part of a replay (sql/engine/replay_batch.sql): a reject's kept values back into staging, what their verdict
 * is today, and what becomes of a row that a conflicting record replaces.
 */

import { acceptConflicts, exchangeRows, refuseConflicts } from "./accept-conflicts.ts";
import { isAppend, keylessAnswers } from "./append-records.ts";
import { readyRejects } from "./ready-rejects.ts";
import { compareRecord, recordOf, storedRecord } from "./record-of.ts";
import { findRefused } from "./render-refuse.ts";
import { lines, list, literal, sql } from "./sql-text.ts";
import { idents, type StreamSql } from "./stream-sql.ts";

export function renderReplay(stream: StreamSql): string {
    return [
        recordOf(stream),
        ...(isAppend(stream) ? [keylessAnswers] : [storedRecord(stream), compareRecord(stream)]),
        stageRejects(stream),
        unstageRejects,
        ...(stream.conditions === null ? [] : [reasonsToday(stream)]),
        dropUnchangedRejects(stream),
        dropStillRefused(stream),
        ...(isAppend(stream) ? [] : [refuseConflicts]),
        readyRejects(stream),
        ...(isAppend(stream) ? [] : [acceptConflicts(stream), exchangeRows(stream)]),
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
        ${list([...idents(stream), stream.extras])}
    )
    select
        this_load_id,
        replayed_rejects.chunk_id,
        replayed_rejects.record_no,
        0,
        ${lines(stream.columns, ({ name }) => `replayed_rejects.record ->> ${literal(name)}`)},
        ${stream.made === null ? "null" : "ingest.extras_of_record(replayed_rejects.record)"}
    from replayed_rejects;
end
$$;
`;

const unstageRejects = `
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

create or replace function ingest.unstage_rejects(this_load_id bigint)
returns void
language sql
as $$
    delete from ingest.staging where staging.load_id = this_load_id
$$;
`;

/** A condition over a whole row may raise: where the answer is only looked at, the table is not asked. */
const unasked = (stream: StreamSql) =>
    stream.conditions === null ? `${stream.facts}()` : `row(false)::${stream.facts}`;

/** The reasons of a record as the rules are today; null where a condition raises, which is for the table to say. */
const reasonsToday = (stream: StreamSql) => sql`
create or replace function ingest.reasons_today(staged ingest.staging, facts ${stream.facts})
returns text[]
language plpgsql
stable
as $$
begin
    return ingest.reject_reasons(staged, true, facts);
${raisedReasons}end
$$;
`;

const raisedReasons = `exception
    when others or assert_failure then
        return null;
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
    delete from replayed_rejects
    using ingest.staging
    where
        replayed_rejects.kind = 'rejected'
        and staging.load_id = this_load_id
        and staging.chunk_id = replayed_rejects.chunk_id
        and staging.record_no = replayed_rejects.record_no
        and ingest.${stream.conditions === null ? "reject_reasons(staging, true, facts)" : "reasons_today(staging, facts)"} = replayed_rejects.reasons;

    ${isAppend(stream) ? dropConflicts : dropSameConflicts(stream)}
    perform ingest.unstage_dropped_rejects(this_load_id);
end
$$;
`;

/** Of a time when the stream had a key: whoever accepts them wants rows of them. */
const dropConflicts = `delete from replayed_rejects
    where replayed_rejects.kind = 'conflict' and not accept_conflicts;`;

const dropSameConflicts = (stream: StreamSql) => sql`
if not accept_conflicts and exists (select from replayed_rejects where replayed_rejects.kind = 'conflict') then
    perform ingest.add_replayed_chunks(this_load_id);
    insert into losing_records
    select valid_records.*
    from ingest.valid_records(ingest.plan_scan(), ${stream.conditions === null ? "facts" : unasked(stream)})
    inner join replayed_rejects using (chunk_id, record_no)
    where replayed_rejects.kind = 'conflict';
    perform ingest.classify_losers();
    delete from replayed_rejects
    using rejected_records
    where
        rejected_records.kind = 'conflict'
        and rejected_records.chunk_id = replayed_rejects.chunk_id
        and rejected_records.record_no = replayed_rejects.record_no;
    perform ingest.empty_batch();
end if;`;

const dropStillRefused = (stream: StreamSql) => sql`
-- Leaves out the rejects that the table refused before and refuses still.
create or replace function ingest.drop_still_refused(this_load_id bigint, accept_conflicts boolean)
returns void
language plpgsql
as $$
${stream.conditions === null ? "" : "declare\n    said_context text;\n"}begin
    if not exists (
        select from replayed_rejects
        inner join ingest.rejects on rejects.reject_id = replayed_rejects.reject_id and rejects.refusal is not null
    ) then
        return;
    end if;
    perform ingest.add_replayed_chunks(this_load_id);
    perform ingest.count_records();
    ${findRefused(stream)}
    ${isAppend(stream) ? "" : findRefusedConflicts(stream)}

    delete from replayed_rejects
    using rejected_records, ingest.rejects
    where
        replayed_rejects.chunk_id = rejected_records.chunk_id
        and replayed_rejects.record_no = rejected_records.record_no
        and rejects.reject_id = replayed_rejects.reject_id
        and rejects.refusal is not null
        and (rejects.kind = 'conflict' or rejects.reasons = array[ingest.refusal_reason(rejects.refusal)]);
    perform ingest.unstage_dropped_rejects(this_load_id);
    perform ingest.empty_batch();
end
$$;
`;

const findRefusedConflicts = (stream: StreamSql) => sql`
if accept_conflicts then
    insert into losing_records
    select valid_records.*
    from ingest.valid_records(ingest.plan_scan(), ${unasked(stream)});
    loop
        perform ingest.find_refused_records(is_exchange => true);
        delete from losing_records
        using rejected_records
        where
            losing_records.chunk_id = rejected_records.chunk_id
            and losing_records.record_no = rejected_records.record_no;
        exit when not found;
    end loop;
end if;`;
