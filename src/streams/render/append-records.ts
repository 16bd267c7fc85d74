/**
 * The merge of a stream of the mode `append`: each valid record becomes a row. There is no key to look up, so no record is a duplicate or in
 * conflict; that none is inserted twice rests on the ledger (chunks.merged_slices), which moves on in the same transaction.
 */
import { list, sql } from "./sql-text.ts";
import { given, type StreamSql, written } from "./stream-sql.ts";

export const isAppend = ({ mode }: Pick<StreamSql, "mode">): boolean => mode.name === "append";

export const appendRecords = (stream: StreamSql) => sql`
-- Inserts the valid records of the batch, and keeps the keys of what the rules reject. Three counts have to agree: what the loader read,
-- the rows that the statement inserted, in total, and what the rules reject, by chunk; these are asked only where some are missing.
create or replace function ingest.insert_records()
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
as $$
declare
    scan constant ingest.merge_scan := ingest.plan_scan();
    facts constant ${stream.facts} := ${stream.facts}();
    expected constant bigint := (select sum(batch_chunks.read) from batch_chunks) - (select count(*) from rejected_records);
    inserted_rows bigint;
begin
    insert into ${stream.table} (
        ${list(written(stream))}
    )
    select
        ${list(given(stream))}
    from ingest.valid_records(scan, facts);
    get diagnostics inserted_rows = row_count;
    if inserted_rows <> expected then
        perform ingest.validate_records();
    end if;

    update batch_chunks
    set inserted = batch_chunks.read;
    update batch_chunks
    set inserted = batch_chunks.read - rejected_counts.rejected
    from (
        select rejected_records.chunk_id, count(*) as rejected
        from rejected_records
        group by rejected_records.chunk_id
    ) as rejected_counts
    where batch_chunks.chunk_id = rejected_counts.chunk_id;
    if inserted_rows = (select sum(batch_chunks.inserted) from batch_chunks) then
        return;
    end if;

    if not (select bool_and(batch_chunks.is_verified) from batch_chunks) then
        raise exception 'conservation: staged rows may be missing' using errcode = 'SL006';
    end if;
    if ingest.triggers_on_table() is null then
        raise exception 'conservation: read is not inserted + rejected' using errcode = 'SL002';
    end if;
    -- Which records a trigger has left out is found by trial.
    raise exception '%', ingest.silent_refusal() ->> 'message' using errcode = 'triggered_action_exception';
end
$$;
`;

/** All valid records are candidates for a row. */
export const appendCandidates = (stream: StreamSql) => sql`
-- Inserts the candidates of these positions; returns how many a trigger left out.
create or replace function ingest.insert_candidates(first_position bigint, last_position bigint)
returns bigint
language plpgsql
as $$
declare
    left_out bigint;
begin
    with tried_records as materialized (
        select candidate_records.*
        from candidate_records
        where candidate_records.position between first_position and last_position
    ),
    inserted_rows as (
        insert into ${stream.table} (
            ${list(written(stream))}
        )
        select
            ${list(given(stream, "tried_records."))}
        from tried_records
        order by tried_records.position
        returning true
    )
    select (select count(*) from tried_records) - (select count(*) from inserted_rows)
    into left_out;
    return left_out;
end
$$;
`;

/** What callers ask of a stream whose records meet the rows with their key: here none does. */
export const keylessAnswers = `
create or replace function ingest.classify_losers()
returns void
language sql
as $$
select
$$;

create or replace function ingest.accept_or_refuse(this_batch_id bigint)
returns void
language sql
as $$
select
$$;

create or replace function ingest.count_refused_conflicts(this_batch_id bigint)
returns bigint
language sql
immutable
return 0::bigint;

create or replace function ingest.stored_record(record jsonb)
returns jsonb
language sql
immutable
return null::jsonb;

create or replace function ingest.compare_record(record jsonb)
returns jsonb
language sql
immutable
return null::jsonb;

create or replace function ingest.replaced_since(asked_record jsonb, since timestamptz)
returns bigint
language sql
immutable
return null::bigint;
`;
