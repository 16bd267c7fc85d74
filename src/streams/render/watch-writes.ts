/** Finds what the user's triggers have done to rows that were just written. */
import { lines, list, literal, sql } from "./sql-text.ts";
import { keyList, type MadeTable, rowOf, type StreamSql, watchedColumns } from "./stream-sql.ts";

/** In a table that Sluice did not make nothing is known of a row but its key. */
export const endWriting = (stream: StreamSql) =>
    stream.made === null ? endWritingUnwatched : endWritingWatched(stream);

const endWritingUnwatched = `
-- Call this behind what writes rows: raises what is deferred (at the commit no record could be told from another).
create or replace function ingest.end_writing(moved_before bigint, is_exchange boolean default false)
returns void
language plpgsql
as $$
begin
    set constraints all immediate;
    if ingest.moved_rows() > moved_before then
        raise exception 'The trigger % removed a row again.', ingest.triggers_on_table()
        using errcode = 'triggered_action_exception';
    end if;
end
$$;
`;

const endWritingWatched = (stream: StreamSql) => sql`
-- Call this behind what writes rows. Raises what is deferred (at the commit no record could be told from another), and what
-- a trigger has done to a row that nothing would add up with: then it is named, and its record is refused. \`moved_before\`:
-- ingest.moved_rows before the write. \`is_exchange\`: no row was to be inserted.
create or replace function ingest.end_writing(moved_before bigint, is_exchange boolean default false)
returns void
language plpgsql
as $$
declare
    triggers constant text := ingest.triggers_on_table();
    facts constant ${stream.facts} := ${stream.facts}();
    fault text;
begin
    set constraints all immediate;
    if triggers is null then
        return;
    end if;

    select
        case
            when written_rows.told_key is null then 'gave the ${stream.rowName} another chunk_id or record_no'
            when written_rows.told_key <> written_rows.record_key then 'gave the ${stream.rowName} another ${keyList(stream)}'
            when found.record_key is null then 'removed the ${stream.rowName} again, or gave it another ${keyList(stream)} after it was written'
            when not found.is_as_written then 'changed the ${stream.rowName} after it was written'
            else 'gave the ${stream.rowName} what the rules reject: ' || found.broken_columns
        end
    into fault
    from written_rows
    left join ingest.stored_rows(array(select row(written_rows.record_key)::ingest.record_key from written_rows)) as stored
        on stored.${keyList(stream)} = written_rows.record_key
    cross join lateral (
        select
            stored.${keyList(stream)} as record_key,
            (
                ${list(watchedNames(stream), (name) => `stored.${name}`)}
            ) is not distinct from (
                ${list(watchedNames(stream), (name) => `written_rows.${name}`)}
            ) as is_as_written,
            ingest.broken_columns(stored, facts) as broken_columns
    ) as found
    where
        written_rows.told_key is distinct from found.record_key
        or not found.is_as_written
        or found.broken_columns is not null
    order by written_rows.chunk_id, written_rows.record_no
    limit 1;
    if
        fault is null
        and ingest.moved_rows() - moved_before > (select count(*) filter (where not is_exchange) from written_rows)
    then
        fault := 'inserted or removed other rows of ${rowOf(stream)}';
    end if;
    if fault is not null then
        raise exception 'The trigger % %.', triggers, fault using errcode = 'triggered_action_exception';
    end if;
    delete from written_rows;
end
$$;
`;

export const watchedNames = (stream: StreamSql) => [
    "chunk_id",
    "record_no",
    ...watchedColumns(stream).map(({ name }) => name),
];

export const movedRows = (stream: StreamSql) => (stream.made === null ? removedRows(stream) : movedOwnRows(stream));

const ownDeletes = " - coalesce(nullif(current_setting('sluice.own_deletes', true), ''), '0')::bigint";

const removedRows = ({ table, deletes }: StreamSql) => sql`
-- Returns how many rows this transaction has removed from the table, including those that were undone: a merge removes none.
create or replace function ingest.moved_rows()
returns bigint
language sql
volatile
as $$
select coalesce(sum(pg_stat_get_xact_tuples_deleted(pg_class.oid)), 0)::bigint${deletes === null ? "" : ownDeletes}
from pg_class
where
    pg_class.oid = to_regclass(${literal(table)})
    or pg_class.oid in (select pg_partition_tree.relid from pg_partition_tree(to_regclass(${literal(table)})))
$$;
`;

const movedOwnRows = ({ table }: StreamSql) => sql`
-- Returns how many rows this transaction has inserted into the table or removed from it, including those that were undone.
create or replace function ingest.moved_rows()
returns bigint
language sql
volatile
as $$
select
    pg_stat_get_xact_tuples_inserted(to_regclass(${literal(table)}))
    + pg_stat_get_xact_tuples_deleted(to_regclass(${literal(table)}))
$$;
`;

export const triggersOnTable = ({ table }: StreamSql) => sql`
-- The triggers that are not Sluice's and see what is written; null when there are none.
create or replace function ingest.triggers_on_table()
returns text
language sql
stable
as $$
select string_agg(distinct quote_ident(pg_trigger.tgname), ' or ')
from pg_trigger
where
    (
        pg_trigger.tgrelid = to_regclass(${literal(table)})
        -- A partition may have triggers of its own.
        or exists (
            select from pg_partition_tree(to_regclass(${literal(table)})) as parts
            where parts.relid = pg_trigger.tgrelid
        )
    )
    and not pg_trigger.tgisinternal
    and pg_trigger.tgenabled in ('O', 'A')
    -- insert, update
    and pg_trigger.tgtype & 20 <> 0
$$;
`;

export const brokenColumns = (stream: StreamSql, made: MadeTable) => sql`
-- The columns whose values no record may have: a trigger made them so. Null when there are none. Not by the rules, which take
-- text: they cost ten times as much.
create or replace function ingest.broken_columns(stored ${stream.table}, facts ${stream.facts})
returns text
language sql
stable
as $$
select nullif(
    concat_ws(
        ', ',
        ${lines(made.brokenColumns("stored", "facts"), ([name, condition]) => `case when ${condition} then ${literal(name)} end`)},
        case
            when
                jsonb_typeof(stored.${stream.extras}) <> 'object'
                or stored.${stream.extras} = '{}'
                or jsonb_path_exists(stored.${stream.extras}, '$.* ? (@.type() != "string" || @ == "")')
            then ${literal(stream.extras)}
        end
    ),
    ''
)
$$;
`;
