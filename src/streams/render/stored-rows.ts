/**
 * Look-ups of rows by the keys of records. Each is a statement of its own, in a function that is not inlined: on a table that Citus distributes
 * no statement may join it with a local one, or look it up row by row.
 */
import { lines, list, sql } from "./sql-text.ts";
import { hasKeyOf, rowOf, type StreamSql } from "./stream-sql.ts";

export const storedRows = (stream: StreamSql) => sql`
-- Which of these keys the table has. A look-up in the index for each: without the settings a table that is known to be empty or
-- tiny would be read whole, while the same statement fills it.
create or replace function ingest.known_keys(${parameters(stream)})
returns table (${list(stream.keys, ({ ident, type }) => `${ident} ${type}`)})
language plpgsql
stable
set plan_cache_mode = 'force_custom_plan'
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_nestloop = on
as $$
#variable_conflict use_column
begin
    return query
    select ${list(stream.keys, ({ ident }) => `wanted.${ident}`)}
    from ${wanted(stream)}
    inner join ${stream.table} on ${hasKeyOf(stream, "wanted")};
end
$$;

-- The rows that have these keys.
create or replace function ingest.stored_rows(${parameters(stream)})
returns ${stream.made === null ? ownRow(stream) : `setof ${stream.table}`}
language plpgsql
stable
set plan_cache_mode = 'force_custom_plan'
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_nestloop = on
as $$
#variable_conflict use_column
begin
    return query
    select ${stream.made === null ? list(stream.columns, ({ column }) => `${rowOf(stream)}.${column}`) : `${rowOf(stream)}.*`}
    from (select distinct wanted.* from ${wanted(stream)}) as wanted
    inner join ${stream.table} on ${hasKeyOf(stream, "wanted")};
end
$$;
`;

/** A function that names the row type of somebody's table would keep its owner from dropping it. */
const ownRow = ({ columns }: StreamSql) => sql`
table (
    ${list(columns, ({ column, type }) => `${column} ${type}`)}
)`;

const parameters = ({ keys }: StreamSql) => keys.map(({ type }, index) => `keys_${index + 1} ${type}[]`).join(", ");

const wanted = ({ keys }: StreamSql) =>
    `unnest(${keys.map((_, index) => `keys_${index + 1}`).join(", ")}) as wanted (${list(keys, ({ ident }) => ident)})`;

/** The arguments of one of them: the keys of all records of a query, those that `only` holds for. */
export const keysOf = ({ keys }: StreamSql, records: string, only: string | null = null): string =>
    lines(
        keys,
        ({ ident }) => `array(select ${records}.${ident} from ${records}${only === null ? "" : ` where ${only}`})`,
    );

/** Whether a row of `known_keys` has the key of these records. */
export const isKnown = ({ keys }: StreamSql, records: string): string =>
    keys.map(({ ident, equals }) => `known_keys.${ident} ${equals} ${records}.${ident}`).join(" and ");
