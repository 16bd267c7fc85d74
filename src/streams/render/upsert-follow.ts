/** The records of keys that a batch has more than one of: each is met by what those before it left. */
import { literal, sql } from "./sql-text.ts";
import { type ColumnSql, keyOrder, type StreamSql, saysOther } from "./stream-sql.ts";
import { keepsHistory, versionColumn, versionText } from "./upsert-records.ts";

/** The key of a record as ingest.tombstones and ingest.history have it. Values that are equal have the same text. */
export const keyText = (stream: StreamSql, records: string): string =>
    textOfKey(stream, ({ ident }) => `${records}.${ident}`);

function textOfKey({ keys }: StreamSql, typed: (key: ColumnSql) => string): string {
    const texts = keys.map((key) => {
        const value = typed(key);
        return /^numeric/.test(key.type) ? `trim_scale(${value})::text` : `(${value})::text`;
    });
    return texts.length === 1 ? texts[0]! : `array[${texts.join(", ")}]::text`;
}

/** The same of a record's raw values; null where one breaks a rule. */
export function keyTextOf(stream: StreamSql): string {
    const raw = ({ name }: ColumnSql) => `ingest.trimmed(record ->> ${literal(name)})`;
    return sql`
create or replace function ingest.key_text(record jsonb)
returns text
language plpgsql
stable
as $$
begin
    if ${stream.keys.map((key) => `(${key.passes(raw(key), `${stream.facts}()`)}) is not true`).join(" or ")} then
        return null;
    end if;
    return ${textOfKey(stream, (key) => key.cast(raw(key)))};
end
$$;
`;
}

/** What the only record of its key in the batch says to the tombstones. */
export function keptTombstones(stream: StreamSql): string {
    const version = versionColumn(stream);
    const isNewer =
        version === null
            ? "(decided_records.chunk_id, decided_records.record_no) > (decided_records.gone_chunk, decided_records.gone_record)"
            : `decided_records.${version.ident} > decided_records.gone_version::${version.type}`;
    return sql`
,
-- Nothing to delete: but an older record that comes later is superseded.
kept_tombstones as (
    insert into ingest.tombstones (stream_id, key, version, chunk_id, record_no)
    select
        ${stream.streamId}, ${keyText(stream, "decided_records")}, ${versionText(stream, "decided_records")},
        decided_records.chunk_id, decided_records.record_no
    from decided_records
    where
        decided_records.outcome = 'duplicate'
        and decided_records.is_deletion
        and not decided_records.has_row
        and (decided_records.gone_chunk is null or ${isNewer})
    on conflict (stream_id, key) do update
    set ${tombstoneSets}
),
removed_tombstones as (
    delete from ingest.tombstones
    where
        tombstones.stream_id = ${stream.streamId}
        and tombstones.key = any(
            array(
                select ${keyText(stream, "new_records")}
                from new_records
                where new_records.gone_chunk is not null
            )
        )
)`;
}

export const tombstoneSets =
    "version = excluded.version, chunk_id = excluded.chunk_id, record_no = excluded.record_no, deleted_at = excluded.deleted_at";

export const upsertFollow = (stream: StreamSql): string => [followRecords(stream), followRepeated(stream)].join("\n");

/** PL/pgSQL knows a field that is called as one of its own words only in quotes. */
const field = ({ ident }: ColumnSql) => (ident.startsWith('"') ? ident : `"${ident}"`);

const followRecords = (stream: StreamSql) => sql`
-- Returns the outcome of each record of a repeated key. Of those that change what is there, the last is written.
create or replace function ingest.follow_records(is_late boolean)
returns table (row_id tid, outcome text)
language plpgsql
as $$
#variable_conflict use_column
declare
    this_record record;
    -- What the records before this one left: a row (of the table, or of such a record), a tombstone, or nothing.
    state_kind text;
    state_record record;
    is_of_batch boolean;
    ${stateColumns(stream)}
    is_other boolean;
    -- The record that is to be written.
    winner tid;
    winner_deletes boolean;
begin
    for this_record in
        select
            losing_records.ctid as row_id,
            losing_records.*,
            row_number() over same_key = 1 as is_first,
            lead(losing_records.chunk_id) over same_key is null as is_last
        from losing_records
        where losing_records.is_repeated
        window same_key as (partition by ${keyOrder(stream, "losing_records.")} order by losing_records.chunk_id, losing_records.record_no)
        order by ${keyOrder(stream, "losing_records.")}, losing_records.chunk_id, losing_records.record_no
    loop
        if this_record.is_first then
            state_kind := case when this_record.has_row then 'row' when this_record.gone_chunk is not null then 'gone' else 'nothing' end;
            ${firstState(stream)}
            is_of_batch := false;
            winner := null;
        end if;
        is_other := this_record.says_other;
        if is_of_batch and state_kind = 'row' then
            is_other := ${saysOther(stream, "this_record", "state_record", { told: field, kept: field })};
        end if;

        row_id := this_record.row_id;
        outcome := case
            ${followedOutcome(stream)}
            when this_record.is_deletion and state_kind <> 'row' then 'duplicate'
        end;
        if outcome is null then
            state_kind := case when this_record.is_deletion then 'gone' else 'row' end;
            state_record := this_record;
            ${nextState(stream)}
            if winner is not null then
                row_id := winner;
                outcome := 'superseded';
                return next;
            end if;
            winner := this_record.row_id;
            winner_deletes := this_record.is_deletion;
        else
            return next;
            ${stream.deletes === null ? "" : nothingDeleted(stream)}
        end if;

        if this_record.is_last then
            if winner is not null then
                row_id := winner;
                outcome := case
                    when winner_deletes and this_record.has_row then 'deleted'
                    -- It came and went within the batch.
                    when winner_deletes then 'superseded'
                    when this_record.has_row then 'updated'
                    else 'inserted'
                end;
                return next;
            end if;
            ${stream.deletes === null ? "" : followedTombstone(stream)}
        end if;
    end loop;
end
$$;
`;

function stateColumns(stream: StreamSql): string {
    const version = versionColumn(stream);
    return sql`
state_chunk bigint;
state_no bigint;
state_version ${version?.type ?? "text"};`;
}

function firstState(stream: StreamSql): string {
    const version = versionColumn(stream);
    return sql`
${version === null ? "" : `state_version := case when this_record.has_row then this_record.stored_version else this_record.gone_version::${version.type} end;`}
state_chunk := this_record.gone_chunk;
state_no := this_record.gone_record;`;
}

/** Those that do not change what is there. */
function followedOutcome(stream: StreamSql): string {
    const version = versionColumn(stream);
    if (version === null) {
        return sql`
when state_kind = 'row' and is_late then case when this_record.is_deletion or is_other then 'conflict' else 'duplicate' end
when state_kind = 'row' then case when not this_record.is_deletion and not is_other then 'duplicate' end
when state_kind = 'gone' and (this_record.chunk_id, this_record.record_no) < (state_chunk, state_no) then 'superseded'`;
    }
    const own = `this_record.${field(version)}`;
    return sql`
when state_kind <> 'nothing' and ${own} < state_version then 'superseded'
when state_kind = 'gone' and ${own} = state_version then case when this_record.is_deletion then 'duplicate' else 'superseded' end
when state_kind = 'row' and ${own} = state_version and not this_record.is_deletion
then case when is_other then 'conflict' else 'duplicate' end`;
}

function nothingDeleted(stream: StreamSql): string {
    const version = versionColumn(stream);
    const isNewer = version === null ? "" : ` and coalesce(this_record.${field(version)} > state_version, true)`;
    return sql`
-- A deletion of nothing leaves a tombstone all the same.
if outcome = 'duplicate' and this_record.is_deletion and state_kind <> 'row'${isNewer} then
    state_kind := 'gone';
    ${nextState(stream)}
end if;`;
}

function nextState(stream: StreamSql): string {
    const version = versionColumn(stream);
    return sql`
${version === null ? "" : `state_version := this_record.${field(version)};`}
state_chunk := this_record.chunk_id;
state_no := this_record.record_no;
is_of_batch := true;`;
}

const followedTombstone = (stream: StreamSql) => sql`
if state_kind = 'gone' and is_of_batch then
    insert into ingest.tombstones (stream_id, key, version, chunk_id, record_no)
    values (${stream.streamId}, ${keyText(stream, "this_record")}, ${versionColumn(stream) === null ? "null" : "state_version::text"}, state_chunk, state_no)
    on conflict (stream_id, key) do update
    set ${tombstoneSets};
elsif state_kind = 'row' and this_record.gone_chunk is not null then
    delete from ingest.tombstones
    where tombstones.stream_id = ${stream.streamId} and tombstones.key = ${keyText(stream, "this_record")};
end if;`;

const followRepeated = (stream: StreamSql) => sql`
-- Gives the records of repeated keys their outcomes, and counts those that are not written; keeps all conflicts.
create or replace function ingest.follow_repeated(is_late boolean, is_restaged boolean)
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = off
as $$
begin
    if exists (select from losing_records where losing_records.is_repeated) then
        update losing_records
        set outcome = followed.outcome
        from ingest.follow_records(is_late) as followed
        where losing_records.ctid = followed.row_id;
    end if;
    insert into rejected_records (chunk_id, record_no, kind)
    select losing_records.chunk_id, losing_records.record_no, 'conflict'
    from losing_records
    where losing_records.outcome = 'conflict';
    if not exists (select from losing_records where losing_records.is_repeated) then
        return;
    end if;
    if is_restaged then
        insert into record_outcomes
        select losing_records.chunk_id, losing_records.record_no, losing_records.outcome
        from losing_records
        where losing_records.is_repeated and losing_records.outcome <> 'conflict';
    end if;
    ${keepsHistory(stream) ? supersededVersions(stream) : ""}
    update batch_chunks
    set
        duplicate = batch_chunks.duplicate + counted.duplicate,
        superseded = batch_chunks.superseded + counted.superseded
    from (
        select
            losing_records.chunk_id,
            count(*) filter (where losing_records.outcome = 'duplicate') as duplicate,
            count(*) filter (where losing_records.outcome = 'superseded') as superseded
        from losing_records
        where losing_records.is_repeated
        group by losing_records.chunk_id
    ) as counted
    where batch_chunks.chunk_id = counted.chunk_id;
end
$$;
`;

const supersededVersions = (stream: StreamSql) => sql`
insert into kept_versions (what, chunk_id, record_no, key)
select 'superseded', losing_records.chunk_id, losing_records.record_no, ${keyText(stream, "losing_records")}
from losing_records
where losing_records.is_repeated and losing_records.outcome = 'superseded';`;
