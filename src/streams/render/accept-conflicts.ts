/** A replay that lets conflicts take the place of the rows that they contradict. */
import { ofStream } from "./classify-records.ts";
import { literal, sql } from "./sql-text.ts";
import { keysOf } from "./stored-rows.ts";
import { exchanged, isOfKey, type MadeTable, type StreamSql } from "./stream-sql.ts";
import { exchangeOrDelete } from "./upsert-records.ts";

export const refuseConflicts = `
-- As ingest.accept_conflicts; a conflict whose record the table refuses stays one, with what the table said.
create or replace function ingest.accept_or_refuse(this_batch_id bigint)
returns void
language plpgsql
as $$
declare
    moved_before bigint;
    said_context text;
    has_refused boolean := true;
begin
    delete from losing_records
    where not exists (
        select from rejected_records
        where
            rejected_records.kind = 'conflict'
            and rejected_records.chunk_id = losing_records.chunk_id
            and rejected_records.record_no = losing_records.record_no
    );
    loop
        moved_before := ingest.moved_rows();
        begin
            perform ingest.accept_conflicts(this_batch_id);
            perform ingest.end_writing(moved_before, is_exchange => true);
            return;
        exception
            when others or assert_failure then
                get stacked diagnostics said_context = pg_exception_context;
                if not has_refused or not ingest.may_be_of_record(sqlstate, said_context) then
                    raise;
                end if;
        end;
        -- The last record of an id may be refused and the one before it taken: hence again, until none is refused.
        has_refused := ingest.refuse_conflicts(this_batch_id);
    end loop;
end
$$;

-- Takes the conflicts that the table refuses to accept out of losing_records. False when there are none.
create or replace function ingest.refuse_conflicts(this_batch_id bigint)
returns boolean
language plpgsql
as $$
begin
    delete from rejected_records;
    perform ingest.find_refused_records(is_exchange => true);

    update ingest.rejects
    set refusal = rejected_records.refusal
    from rejected_records
    where
        rejects.batch_id = this_batch_id
        and rejects.chunk_id = rejected_records.chunk_id
        and rejects.record_no = rejected_records.record_no;
    delete from losing_records
    using rejected_records
    where
        losing_records.chunk_id = rejected_records.chunk_id
        and losing_records.record_no = rejected_records.record_no;
    return found;
end
$$;

create or replace function ingest.count_refused_conflicts(this_batch_id bigint)
returns bigint
language sql
stable
return (
    select count(*)
    from ingest.rejects
    where rejects.batch_id = this_batch_id and rejects.kind = 'conflict' and rejects.refusal is not null
);
`;

export const acceptConflicts = (stream: StreamSql) => sql`
-- Replaces the rows that this batch's conflicts are in conflict with, the last record of a key over all others. The
-- old row, and every conflict that the last one outdid, stays as a reject of this batch, resolved as 'displaced': a
-- further replay leaves it alone, so the two never take turns.
create or replace function ingest.accept_conflicts(this_batch_id bigint)
returns void
language plpgsql
as $$
begin
    create temporary table replaced_rows (chunk_id bigint not null, record_no bigint not null, record jsonb not null);
    perform ingest.choose_candidates(is_exchange => true);
    if ingest.exchange_rows(1, (select count(*) from candidate_records)) > 0 then
        raise exception '%', ingest.silent_refusal() ->> 'message' using errcode = 'triggered_action_exception';
    end if;

    -- Written a moment ago, in this transaction, by reject_records: they are rows now, or outdone.
    delete from ingest.rejects
    using candidate_records
    where
        rejects.batch_id = this_batch_id
        and rejects.chunk_id = candidate_records.chunk_id
        and rejects.record_no = candidate_records.record_no;
    update ingest.rejects
    set resolved_by_batch = this_batch_id, resolved_at = now(), resolution = 'displaced'
    from losing_records
    where
        rejects.batch_id = this_batch_id
        and rejects.chunk_id = losing_records.chunk_id
        and rejects.record_no = losing_records.record_no;
    update ingest.rejects
    set resolution = ${stream.deletes === null ? "'accepted'" : "case when candidate_records.is_deletion then 'deleted' else 'accepted' end"}
    from candidate_records
    where
        rejects.resolved_by_batch = this_batch_id
        and rejects.batch_id <> this_batch_id
        and rejects.chunk_id = candidate_records.chunk_id
        and rejects.record_no = candidate_records.record_no;
    insert into ingest.rejects (
        chunk_id, record_no, batch_id, kind, reasons, record, resolved_by_batch, resolved_at, resolution${ofStream(stream, ", stream_id")}
    )
    select
        replaced_rows.chunk_id,
        replaced_rows.record_no,
        this_batch_id,
        'conflict',
        array[${literal(stream.conflictCode!)}],
        replaced_rows.record,
        this_batch_id,
        now(),
        'displaced'${ofStream(stream, `, ${stream.streamId}`)}
    from replaced_rows
    order by replaced_rows.chunk_id, replaced_rows.record_no;

    perform ingest.add_restaged_chunk(displaced_chunks.chunk_id, 0, 0)
    from (
        select replaced_rows.chunk_id from replaced_rows
        except
        select batch_chunks.chunk_id from batch_chunks
    ) as displaced_chunks;
    update batch_chunks
    set
        ${stream.deletes === null ? acceptedCounts : deletingCounts}
        displaced = batch_chunks.displaced + changes.displaced
    from (
        select changed.chunk_id, sum(changed.accepted) as accepted, sum(changed.displaced) as displaced${stream.deletes === null ? "" : ", sum(changed.deleted) as deleted"}
        from (
            select candidate_records.chunk_id, 1 as accepted, 0 as displaced${stream.deletes === null ? "" : ", is_deletion::integer as deleted"} from candidate_records
            union all
            select replaced_rows.chunk_id, 0 as accepted, 1 as displaced${stream.deletes === null ? "" : ", 0 as deleted"} from replaced_rows
        ) as changed
        group by changed.chunk_id
    ) as changes
    where batch_chunks.chunk_id = changes.chunk_id;
    drop table candidate_records, replaced_rows;
end
$$;
`;

const acceptedCounts = `inserted = batch_chunks.inserted + changes.accepted,
conflict = batch_chunks.conflict - changes.accepted,`;

const deletingCounts = `inserted = batch_chunks.inserted + changes.accepted - changes.deleted,
deleted = batch_chunks.deleted + changes.deleted,
conflict = batch_chunks.conflict - changes.accepted,`;

export const exchangeRows = (stream: StreamSql) =>
    stream.deletes === null ? exchangeRowsOf(stream, stream.made) : exchangeOrDelete(stream);

const exchangeRowsOf = (stream: StreamSql, made: MadeTable | null) => sql`
-- Gives rows the values of the candidates of these positions, and keeps what they were. Returns how many a trigger left as
-- they were.
create or replace function ingest.exchange_rows(first_position bigint, last_position bigint, out left_out bigint)
language plpgsql
as $$
${made === null ? "" : gainFacts(made)}
begin
    with tried_records as materialized (
        select candidate_records.*
        from candidate_records
        where candidate_records.position between first_position and last_position
    ),
    stored_rows as materialized (
        select ${storedColumns(stream)}, ingest.record_of(stored) as record
        from tried_records
        inner join ingest.stored_rows(
            ${keysOf(stream, "tried_records")}
        ) as stored on ${isOfKey(stream, "stored", "tried_records")}
    ),
    kept_rows as (
        insert into replaced_rows (chunk_id, record_no, record)
        select stored_rows.chunk_id, stored_rows.record_no, stored_rows.record
        from stored_rows
    ),
    updated_rows as (
        ${exchanged(stream, "tried_records")}
    )${made === null ? "" : exchangedGains(made)}
    select (select count(*) from stored_rows) - (select count(*) from updated_rows)
    into left_out;
end
$$;
`;

/** What a displaced row is kept under: the record that it came from, or, where the table does not tell, the one that took its place. */
const storedColumns = (stream: StreamSql) =>
    stream.made === null ? "tried_records.chunk_id, tried_records.record_no" : "stored.*";

const gainFacts = ({ rollups }: MadeTable) => sql`
declare
    gain_facts constant ${rollups.facts} := ${rollups.facts}();`;

const exchangedGains = ({ rollups }: MadeTable) => sql`
,
watched_rows as (
    insert into written_rows
    select updated_rows.*
    from updated_rows
),
lost_gains as (
    ${rollups.gains("stored_rows", -1)}
),
kept_gains as (
    ${rollups.gains("updated_rows", 1)}
)`;
