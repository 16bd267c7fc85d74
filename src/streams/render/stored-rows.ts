/**
 * Look-ups of rows by the keys of records. Each is a statement of its own, in a function that is not inlined: on a table that Citus distributes
 * no statement may join it with a local one, or look it up row by row.
 */
import { list, sql } from "./sql-text.ts";
import { type ColumnSql, hasKeyOf, rowOf, type StreamSql } from "./stream-sql.ts";

export const storedRows = (stream: StreamSql) => sql`
-- Keys go as an array of these: a key may be an array itself, and each value keeps its collation.
drop type if exists ingest.record_key cascade;
create type ingest.record_key as (
    ${typeOf(stream.keys, ({ ident }) => ident)}
);

-- Which of these keys the table has. A look-up in the index for each: without the settings a table that is known to be empty or
-- tiny would be read whole, while the same statement fills it.
create or replace function ingest.known_keys(ingest.record_key[])
returns setof ingest.record_key
language plpgsql
stable
set plan_cache_mode = 'force_custom_plan'
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_nestloop = on
as $$
begin
    return query
    select ${list(stream.keys, ({ ident }) => `wanted.${ident}`)}
    from unnest($1) as wanted
    inner join ${stream.table} on ${hasKeyOf(stream, "wanted")};
end
$$;

${stream.made === null ? ownRow(stream) : ""}-- The rows that have these keys.
create or replace function ingest.stored_rows(ingest.record_key[])
returns setof ${stream.made === null ? "ingest.stored_row" : stream.table}
language plpgsql
stable
set plan_cache_mode = 'force_custom_plan'
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_nestloop = on
as $$
begin
    return query
    select ${stream.made === null ? list(stream.columns, ({ column }) => `${rowOf(stream)}.${column}`) : `${rowOf(stream)}.*`}
    from (select distinct wanted.* from unnest($1) as wanted) as wanted
    inner join ${stream.table} on ${hasKeyOf(stream, "wanted")};
end
$$;
`;

/** A function that names the row type of somebody's table would keep its owner from dropping it. */
const ownRow = ({ columns }: StreamSql) => sql`
drop type if exists ingest.stored_row cascade;
create type ingest.stored_row as (
    ${typeOf(columns, ({ column }) => column)}
);

`;

const typeOf = (columns: readonly ColumnSql[], name: (column: ColumnSql) => string) =>
    list(
        columns,
        (column) => `${name(column)} ${column.type}${column.collation === null ? "" : ` collate ${column.collation}`}`,
    );

/** The argument of one of them: the keys of all records of a query, those that `only` holds for. */
export const keysOf = ({ keys }: StreamSql, records: string, only: string | null = null): string =>
    `array(select row(${keys.map(({ ident }) => `${records}.${ident}`).join(", ")})::ingest.record_key from ${records}${only === null ? "" : ` where ${only}`})`;

/** Whether a row of `known_keys` has the key of these records. */
export const isKnown = ({ keys }: StreamSql, records: string): string =>
    keys.map(({ ident, equals }) => `known_keys.${ident} ${equals} ${records}.${ident}`).join(" and ");
