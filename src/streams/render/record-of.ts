/** A row as the record that would make it. */
import { lines, literal, sql } from "./sql-text.ts";
import { cast, keyOf, rowOf, type StreamSql } from "./stream-sql.ts";

export const recordOf = (stream: StreamSql) => sql`
-- A row as the raw values that would make it. As text, like every body that names columns of a table: a parsed one would
-- stand in the way of a migration that changes them.
create or replace function ingest.record_of(stored ${stream.table})
returns jsonb
language sql
stable
as $$
select jsonb_build_object(
    ${lines(stream.columns, ({ name, type }) => `${literal(name)}, stored.${name}${type === "text" ? "" : "::text"}`)}
) || coalesce(ingest.extras_in_record(stored.${stream.extras}), '{}'::jsonb)
$$;
`;

export const storedRecord = (stream: StreamSql) => sql`
-- The row that a record's key names, in the shape of a reject's record; null when there is none.
create or replace function ingest.stored_record(record jsonb)
returns jsonb
language plpgsql
stable
as $$
declare
    named_key constant text := ingest.trimmed(record ->> ${literal(keyOf(stream))});
    stored ${stream.table};
begin
    if ${stream.columns[0]!.reason("named_key", "")} is not null then
        return null;
    end if;
    select ${rowOf(stream)}.* into stored
    from ${stream.table}
    where ${rowOf(stream)}.${keyOf(stream)} = ${cast("named_key", stream.columns[0]!)};
    if not found then
        return null;
    end if;
    return ingest.record_of(stored);
end
$$;
`;
