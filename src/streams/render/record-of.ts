/** A row as the record that would make it. */
import { lines, list, literal, sql } from "./sql-text.ts";
import { type ColumnSql, names, rowOf, type StreamSql } from "./stream-sql.ts";

export const recordOf = (stream: StreamSql) => (stream.made === null ? recordOfAny(stream) : recordOfOwn(stream));

const recordOfOwn = (stream: StreamSql) => sql`
-- A row as the raw values that would make it. As text, like every body that names columns of a table: a parsed one would
-- stand in the way of a migration that changes them.
create or replace function ingest.record_of(stored ${stream.table})
returns jsonb
language sql
stable
as $$
select ${valuesOf(stream)} || coalesce(ingest.extras_in_record(stored.${stream.extras}), '{}'::jsonb)
$$;
`;

const recordOfAny = (stream: StreamSql) => sql`
-- A row as the raw values that would make it. It takes any row: an argument of the table's own type would keep its owner from
-- dropping the table.
create or replace function ingest.record_of(stored record)
returns jsonb
language plpgsql
stable
as $$
begin
    return ${valuesOf(stream, ({ name }) => `"${name.replaceAll('"', '""')}"`)};
end
$$;
`;

/** PL/pgSQL knows a field that is called as one of its own words only in quotes. */
const valuesOf = (stream: StreamSql, field = ({ column }: ColumnSql) => column) => sql`
jsonb_object(
    array[${list(names(stream), literal)}],
    array[
        ${lines(stream.columns, (column) => column.text(`stored.${field(column)}`))}
    ]
)`;

export const storedRecord = (stream: StreamSql) => sql`
-- The row that a record's key names, in the shape of a reject's record; null when there is none.
create or replace function ingest.stored_record(record jsonb)
returns jsonb
language plpgsql
stable
as $$
declare
    ${lines(stream.keys, (key) => `named_${keyNo(stream, key)} constant text := ingest.trimmed(record ->> ${literal(key.name)});`, "")}
    stored ${stream.table};
begin
    if ${stream.keys.map((key) => `(${key.passes(`named_${keyNo(stream, key)}`, `${stream.facts}()`)}) is not true`).join(" or ")} then
        return null;
    end if;
    select ${rowOf(stream)}.* into stored
    from ${stream.table}
    where ${stream.keys.map((key) => `${rowOf(stream)}.${key.column} = ${key.cast(`named_${keyNo(stream, key)}`)}`).join(" and ")};
    if not found then
        return null;
    end if;
    return ingest.record_of(stored);
end
$$;
`;

const keyNo = ({ keys }: StreamSql, key: StreamSql["keys"][number]) =>
    keys.length === 1 ? "key" : `key_${keys.indexOf(key) + 1}`;
