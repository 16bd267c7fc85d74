/** The search, by trial, for the records that the table refuses. */
import { isAppend } from "./append-records.ts";
import { list, literal, sql } from "./sql-text.ts";
import { isKnown, keysOf } from "./stored-rows.ts";
import {
    type ColumnSql,
    given,
    idents,
    keyList,
    keyOrder,
    orderOf,
    rowOf,
    type StreamSql,
    written,
} from "./stream-sql.ts";
import { isUpsert } from "./upsert-records.ts";
import { watchedNames } from "./watch-writes.ts";

export const findRefusedRecords = (stream: StreamSql) => sql`
-- Finds, by trial, what the table refuses, and keeps it in rejected_records; all else is undone. With \`is_exchange\` those of
-- losing_records whose values may not take the place of their row's, else the batch's valid records that may not be inserted.
create or replace function ingest.find_refused_records(is_exchange boolean default false)
returns void
language plpgsql
as $$
declare
    refused jsonb[];
begin
    begin
        create temporary table replaced_rows (chunk_id bigint, record_no bigint, record jsonb);
        perform ingest.choose_candidates(is_exchange);
        perform ingest.try_candidates(0, 0, is_exchange);
        refused := ingest.search_candidates(is_exchange);
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

-- Makes the temporary table candidate_records of them, by position.
create or replace function ingest.choose_candidates(is_exchange boolean)
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
as $$
declare
    scan constant ingest.merge_scan := ingest.plan_scan();
    facts constant ${stream.facts} := ${stream.facts}();
begin
    create temporary table candidate_records (like losing_records);
    alter table candidate_records add column position bigint;
    create unique index on candidate_records (position);
    ${isAppend(stream) ? newCandidates(stream) : anyCandidates(stream)}
end
$$;
`;

const anyCandidates = (stream: StreamSql) => sql`
if is_exchange then
    -- The last record of each key.
    insert into candidate_records
    select last_records.*, row_number() over (order by chunk_id, record_no)
    from (
        select distinct on (${keyOrder(stream)}) losing_records.*
        from losing_records
        order by ${keyOrder(stream)}, chunk_id desc, record_no desc
    ) as last_records;${notedDeletions(stream)}
else
    ${newCandidates(stream)}
end if;`;

const newCandidates = (stream: StreamSql) => sql`
insert into candidate_records${isUpsert(stream) ? upsertCandidateColumns(stream) : ""}
select
    ${list(candidateColumns(stream))},
    row_number() over (order by ${suspectsLast(stream)}chunk_id, record_no)
from ${candidates(stream)};`;

/**
 * Records that share a value which must be unique, or their key, come last, in their order: those before them go in together,
 * and one refused record after the other costs a trial each, not ten. One that only shares its key must not come before the
 * record that has the key first.
 */
const notedDeletions = ({ deletes }: StreamSql) =>
    deletes === null
        ? ""
        : `
    update candidate_records set is_deletion = ${deletes("candidate_records")};`;

const upsertCandidateColumns = (stream: StreamSql) => ` (
    ${list(["chunk_id", "record_no", ...idents(stream), stream.extras, "position"])}
)`;

const candidateColumns = (stream: StreamSql) =>
    stream.uniques.length === 0 || isUpsert(stream)
        ? ["valid_records.*"]
        : ["chunk_id", "record_no", ...idents(stream), stream.extras];

const suspectsLast = (stream: StreamSql) => (stream.uniques.length === 0 || isUpsert(stream) ? "" : "is_suspect, ");

const sharesKey = ({ keys }: StreamSql) => (keys.length === 0 ? [] : [isShared(keys)]);

const isShared = (columns: readonly ColumnSql[]) =>
    `count(*) over (partition by ${orderOf(columns, "valid_records.")}) > 1`;

function candidates(stream: StreamSql): string {
    const { uniques, table } = stream;
    // Those of an upsert are merged in their order.
    if (uniques.length === 0 || isUpsert(stream)) return "ingest.valid_records(scan, facts)";
    const suspicions = uniques.map((columns) => {
        const shared = isShared(columns);
        const isSet = columns.map(({ ident }) => `valid_records.${ident} is not null`);
        const stored = columns.map(({ column, ident }) => `${rowOf(stream)}.${column} = valid_records.${ident}`);
        const isTaken = `exists (select from ${table} where ${stored.join(" and ")})`;
        return `${isSet.join(" and ")} and (${shared} or ${isTaken})`;
    });
    return sql`
(
    select valid_records.*, ${[...sharesKey(stream), ...suspicions].join(" or ")} as is_suspect
    from ingest.valid_records(scan, facts) as valid_records
) as valid_records`;
}

export const searchCandidates = (stream: StreamSql) => sql`
-- Returns a refusal for each candidate that the table refuses. They are written in their order, in subtransactions of as many as
-- pass: twice as many after each that does, a quarter after one that raises, down to the record that raises alone. So one
-- among 160,000 costs some twenty trials.
create or replace function ingest.search_candidates(is_exchange boolean)
returns jsonb[]
language plpgsql
as $$
declare
    last_position constant bigint := (select count(*) from candidate_records);
    next_position bigint := 1;
    tried bigint := last_position;
    refused jsonb[] := '{}';
    refusal jsonb;
begin
    while next_position <= last_position loop
        refusal := ingest.try_candidates(
            next_position, least(next_position + tried - 1, last_position), is_exchange
        );
        if refusal is not null and tried > 1 then
            tried := tried / 4 + 1;
            continue;
        end if;
        ${isAppend(stream) ? "" : tryTakenKeyAgain(stream)}
        if refusal is not null then
            refused := array_append(refused, refusal);
        end if;
        next_position := next_position + tried;
        tried := case when refusal is null then tried * 2 else 1 end;
    end loop;
    return refused;
end
$$;
`;

const tryTakenKeyAgain = ({ keyIndex }: StreamSql) => sql`
-- Somebody else's insert of the same key in this very moment: seen by now, it is taken.
if refusal ->> 'sqlState' = '23505'${keyIndex === null ? "" : ` and refusal ->> 'constraint' = ${literal(keyIndex)}`} then
    refusal := ingest.try_candidates(next_position, next_position, is_exchange);
end if;`;

export const insertCandidates = (stream: StreamSql) => sql`
-- Inserts the candidates of these positions, those whose key is free; returns how many a trigger left out.
create or replace function ingest.insert_candidates(first_position bigint, last_position bigint)
returns bigint
language plpgsql
set enable_seqscan = off
as $$
declare
    left_out bigint;
begin
    with tried_records as materialized (
        select distinct on (${keyed(stream)}) candidate_records.*
        from candidate_records
        left join ingest.known_keys(
            ${keysOf(stream, "candidate_records", "candidate_records.position between first_position and last_position")}
        ) as known_keys on ${isKnown(stream, "candidate_records")}
        where
            candidate_records.position between first_position and last_position
            and known_keys.${stream.keys[0]!.ident} is null
        order by ${keyed(stream)}, candidate_records.position
    ),
    inserted_rows as (
        insert into ${stream.table} (
            ${list(written(stream))}
        )
        select
            ${list(given(stream, "tried_records."))}
        from tried_records
        returning
            ${list(returned(stream), (name) => `${rowOf(stream)}.${name}`)}
    )${stream.made === null ? "" : watchedRows(stream)}
    select (select count(*) from tried_records) - (select count(*) from inserted_rows)
    into left_out;
    return left_out;
end
$$;
`;

const keyed = (stream: StreamSql) => keyOrder(stream, "candidate_records.");

const returned = (stream: StreamSql) => [
    ...stream.keys.map(({ column }) => column),
    ...(stream.made === null ? [] : watchedNames(stream)),
];

const watchedRows = (stream: StreamSql) => sql`
,
watched_rows as (
    insert into written_rows
    select tried_records.${keyList(stream)}, inserted_rows.*
    from inserted_rows
    left join tried_records
        on tried_records.chunk_id = inserted_rows.chunk_id and tried_records.record_no = inserted_rows.record_no
)`;

export const tryCandidates = (stream: StreamSql) => sql`
-- Writes, or tries to, the candidates of these positions. Null, or what the table said: then none of them.
-- Raises what is no record's fault: what makes even a statement of no row fail (positions 0 to 0), a column that must be filled
-- and is not Sluice's or that has become too narrow, row security. The ingest says so and waits until somebody has undone it.
create or replace function ingest.try_candidates(first_position bigint, last_position bigint, is_exchange boolean)
returns jsonb
language plpgsql
as $$
declare
    moved_before constant bigint := ingest.moved_rows();
    left_out bigint;
    said_message text;
    said_detail text;
    said_constraint text;
    said_table text;
    said_column text;
    said_context text;
begin
    left_out := ${isAppend(stream) ? "ingest.insert_candidates(first_position, last_position)" : exchangedOrInserted};
    if left_out > 0 then
        raise exception '%', ingest.silent_refusal() ->> 'message' using errcode = 'triggered_action_exception';
    end if;
    perform ingest.end_writing(moved_before, is_exchange);
    return null;
exception
    when others or assert_failure then
        get stacked diagnostics
            said_message = message_text,
            said_detail = pg_exception_detail,
            said_constraint = constraint_name,
            said_table = table_name,
            said_column = column_name,
            said_context = pg_exception_context;
        -- Only what a trigger adds: a statement that does not fit its table is raised in our own function.
        said_context := regexp_replace(
            said_context,
            '\\s*(SQL statement "(with tried_records|set constraints)|^PL/pgSQL function ingest\\w*\\.).*$',
            ''
        );
        ${stream.made === null ? "" : raiseNarrowed(stream)}
        if
            not ingest.may_be_of_record(sqlstate, said_context)
            or (first_position = 0 and said_context = '' and sqlstate like '42%')
            or (sqlstate = '23502' and said_column <> all(ingest.filled_columns()))
            or row_security_active(${literal(stream.table)})
        then
            raise;
        end if;
        if first_position = 0 then
            raise exception 'the table % takes no row: % (%)', ${literal(rowOf(stream))}, said_message, concat_ws(' ', sqlstate, said_context)
            using errcode = 'SL010';
        end if;
        return (
            select jsonb_strip_nulls(jsonb_build_object(
                'chunkId', max(candidate_records.chunk_id),
                'recordNo', max(candidate_records.record_no),
                'sqlState', nullif(sqlstate, '09000'),
                'message', left(said_message, 1000)${stream.made === null ? "" : ` || ${otherKey(stream)}`},
                'detail', nullif(left(said_detail, 1000), ''),
                'constraint', nullif(said_constraint, ''),
                'table', nullif(said_table, ''),
                -- The part before our own statement: the trigger, and what it called.
                'raisedIn', case when sqlstate <> '09000' then nullif(left(said_context, 1000), '') end
            ))
            from candidate_records
            where candidate_records.position = first_position
        );
end
$$;
`;

const exchangedOrInserted = sql`
case
    when is_exchange then ingest.exchange_rows(first_position, last_position)
    else ingest.insert_candidates(first_position, last_position)
end`;

const raiseNarrowed = ({ table }: StreamSql) => sql`
if said_context = '' and sqlstate in ('22001', '22003') then
    -- A valid record fits the columns that Sluice made: this raises where somebody has made one narrower.
    perform jsonb_populate_record(null::${table}, to_jsonb(candidate_records))
    from candidate_records
    where candidate_records.position between first_position and last_position;
end if;`;

const otherKey = (stream: StreamSql) => sql`
case
    -- Its own was free.
    when said_constraint = '${rowOf(stream)}_pkey' and said_detail not like '%' || max(candidate_records.${keyList(stream)}::text) || '%'
    then concat('. The trigger ', ingest.triggers_on_table(), ' gave the ${stream.rowName} another ${keyList(stream)}.')
    else ''
end`;
