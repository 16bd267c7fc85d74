/**
 * A snapshot that the table refuses. Records at fault are found by trial, as those of an insert; a row that another table's row names
 * fails the file.
 */

import { differences, isPlaceOf, isWhole, joinedRecords } from "./join-snapshot.ts";
import { findRefused } from "./render-refuse.ts";
import { list, literal, sql } from "./sql-text.ts";
import { idents, rowOf, type StreamSql } from "./stream-sql.ts";
import { isTyped } from "./typed-values.ts";

export const refuseSnapshot = (stream: StreamSql): string =>
    [applySnapshot(stream), referencedRow(stream), findRefusedBySnapshot(stream), tryChanges(stream)].join("\n");

const applySnapshot = (stream: StreamSql) => sql`
-- As ingest.apply_records; what the table refuses is then among rejected_records. Raises SL007 where the file as a whole is at
-- fault, with {problem, detail} in its DETAIL.
create or replace function ingest.apply_snapshot()
returns jsonb
language plpgsql
as $$
declare
    is_counted boolean := ${isWhole(stream) ? `not (ingest.plan_scan()).is_typed or ingest.has_triggers(to_regclass(${literal(stream.table)}))` : "true"};
    answer jsonb;
    refused bigint;
    has_tried_in_vain boolean := false;
    said_constraint text;
    said_detail text;
    said_context text;
begin
    loop
        begin
            answer := ingest.apply_records(is_counted);
            set constraints all immediate;
            perform ingest.verify_rows(answer, is_counted);
            return answer;
        exception
            when others or assert_failure then
                if not is_counted then
                    is_counted := true;
                    continue;
                end if;
                get stacked diagnostics
                    said_constraint = constraint_name,
                    said_detail = pg_exception_detail,
                    said_context = pg_exception_context;
                perform ingest.raise_if_referenced(sqlstate, said_constraint, said_detail, has_tried_in_vain);
                if has_tried_in_vain or not ingest.may_be_of_record(sqlstate, said_context) then
                    raise;
                end if;
        end;
        ${isTyped(stream, "staged") === null ? "" : "-- What a trial finds is rejected, and needs its text.\nperform ingest.require_text();"}
        refused := (select count(*) from rejected_records);
        begin
            ${findRefused(stream).replaceAll("find_refused_records", "find_refused_by_snapshot")}
        exception
            when foreign_key_violation or restrict_violation then
                get stacked diagnostics said_constraint = constraint_name, said_detail = pg_exception_detail;
                perform ingest.raise_if_referenced(sqlstate, said_constraint, said_detail, true);
                raise;
        end;
        has_tried_in_vain := refused = (select count(*) from rejected_records);
    end loop;
end
$$;

-- Whether the table holds what the statement should have left: not where a trigger, or somebody else in this moment, has changed it too.
--
-- Counted in the table itself: the planner takes an index for cheaper, because it knows nothing of the pages that have just changed. With
-- 2 % of a million rows changed each entry was looked up in the table, which took a third of the whole merge. Not counted anew where
-- the rows before were: no trigger is there then.
create or replace function ingest.verify_rows(answer jsonb, is_counted boolean)
returns void
language plpgsql
set enable_indexonlyscan = off
as $$
declare
    kept constant bigint := (answer ->> 'missing')::bigint - (answer ->> 'removed')::bigint;
begin
    if kept = 0${isWhole(stream) ? " and (not is_counted or (answer ->> 'rows')::bigint = ingest.count_rows())" : ""} then
        return;
    end if;
    if ingest.has_triggers(to_regclass(${literal(stream.table)})) then
        raise exception 'a snapshot is not what the table holds afterwards'
        using
            errcode = 'SL007',
            detail = jsonb_build_object(
                'problem', 'snapshot_row_kept',
                'detail', format(
                    'After it the table %s has %s rows, where the file has %s, and nothing of it got in: a trigger keeps or adds rows.',
                    ${literal(rowOf(stream))}, ${isWhole(stream) ? "ingest.count_rows()" : "(answer ->> 'rows')::bigint + kept"}, answer ->> 'rows'
                )
            )::text;
    end if;
    raise exception 'somebody else has changed the table in this moment' using errcode = 'serialization_failure';
end
$$;
`;

const referencedRow = (stream: StreamSql) => sql`
-- Raises SL007 where the constraint is one by which rows of another table name rows of this one; of the table itself only
-- \`with_own\`, since there a record may be what it refuses.
create or replace function ingest.raise_if_referenced(sql_state text, said_constraint text, said_detail text, with_own boolean)
returns void
language plpgsql
as $$
declare
    referencing regclass;
begin
    if sql_state not in ('23503', '23001') then
        return;
    end if;
    referencing := (
        select pg_constraint.conrelid
        from pg_constraint
        where
            pg_constraint.contype = 'f'
            and pg_constraint.conname = said_constraint
            and pg_constraint.confrelid = to_regclass(${literal(stream.table)})
            and (with_own or pg_constraint.conrelid <> pg_constraint.confrelid)
        limit 1
    );
    if referencing is not null then
        raise exception 'a snapshot lacks a row that another table names'
        using
            errcode = 'SL007',
            detail = jsonb_build_object(
                'problem', 'snapshot_row_referenced',
                'detail', format(
                    'It lacks a row of %s that a row of %s names (%s), and nothing of it got in. %s',
                    ${literal(rowOf(stream))}, referencing, said_constraint, said_detail
                )
            )::text;
    end if;
end
$$;
`;

const findRefusedBySnapshot = (stream: StreamSql) => sql`
-- Finds, by trial, the changed and the new records that the table refuses, and keeps them in rejected_records; all else is undone.
create or replace function ingest.find_refused_by_snapshot()
returns void
language plpgsql
as $$
declare
    refused jsonb[];
begin
    begin
        create temporary table replaced_rows (chunk_id bigint, record_no bigint, record jsonb);
        perform ingest.note_changes();
        delete from ${stream.table}
        using snapshot_changes
        where ${isPlaceOf(stream, "m", "snapshot_changes")};
        refused := ingest.try_changes('c', true) || ingest.try_changes('n', false);
        raise exception 'a trial' using errcode = 'SL003';
    exception
        when sqlstate 'SL003' then
            null;
    end;

    insert into rejected_records (chunk_id, record_no, refusal)
    select
        (refused_list.refusal ->> 'chunkId')::bigint,
        (refused_list.refusal ->> 'recordNo')::bigint,
        refused_list.refusal - array['chunkId', 'recordNo']
    from unnest(refused) as refused_list (refusal);
end
$$;
`;

const tryChanges = (stream: StreamSql) => sql`
-- Makes the temporary table snapshot_changes of what differs between file and table.
create or replace function ingest.note_changes()
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
as $$
declare
    scan constant ingest.merge_scan := ingest.plan_scan();
    facts constant ${stream.facts} := ${stream.facts}();
begin
    create temporary table snapshot_changes as
    with joined_records as (
        ${joinedRecords("true")}
    )
    ${differences};
end
$$;

-- Writes those of one fate, and returns a refusal for each that the table refuses.
create or replace function ingest.try_changes(tried_fate "char", is_exchange boolean)
returns jsonb[]
language plpgsql
as $$
declare
    refused jsonb[];
begin
    create temporary table candidate_records (like losing_records);
    alter table candidate_records add column position bigint;
    create unique index on candidate_records (position);
    insert into candidate_records (chunk_id, record_no, ${list(idents(stream))}, position)
    select
        chunk_id, record_no,
        ${list(idents(stream))},
        row_number() over (order by chunk_id, record_no)
    from snapshot_changes
    where fate = tried_fate;
    perform ingest.try_candidates(0, 0, is_exchange);
    refused := ingest.search_candidates(is_exchange);
    drop table candidate_records;
    return refused;
end
$$;
`;
