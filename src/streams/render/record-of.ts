/** A row as the record that would make it. */
import { claimsKeyOf } from "./key-text.ts";
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
    return ${valuesOf(stream, ({ name }) => fieldOf(name))};
end
$$;
`;

/** PL/pgSQL knows a field that is called as one of its own words only in quotes. */
const fieldOf = (name: string) => `"${name.replaceAll('"', '""')}"`;

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
    ${keyVariables(stream)}
    stored ${stream.table};
begin
    ${lookUp(stream, "null")}
    return ingest.record_of(stored);
end
$$;
`;

export const compareRecord = (stream: StreamSql) => sql`
-- A record beside the row that its key names: \`stored\` is the row in the shape of a record; \`differs\` names the columns in which
-- the record says something else, as a merge compares them. Null where there is no such row.
create or replace function ingest.compare_record(record jsonb)
returns jsonb
language plpgsql
stable
as $$
declare
    facts constant ${stream.facts} := ${stream.facts}();
    ${keyVariables(stream)}
    stored ${stream.table};
    given_value text;
    differing text[] := '{}';
begin
    ${lookUp(stream, "null")}
    ${lines(
        stream.columns.filter((column) => !stream.keys.includes(column)),
        (column) => differsIn(column),
        "",
    )}
    return jsonb_build_object(
        'stored', ingest.record_of(stored),
        'differs', to_jsonb(differing)${stream.made === null ? "" : differingExtras(stream)}
    );
end
$$;

-- The latest batch that has since put another record in the place of the row that a record's key names; null when none has.
create or replace function ingest.replaced_since(asked_record jsonb, since timestamptz)
returns bigint
language sql
stable
as $$
${stream.made === null ? storedRows : ""}
select max(rejects.resolved_by_batch)
from ingest.rejects
where
    rejects.stream_id = ${stream.streamId}
    and ${claimsKeyOf(stream, "asked_record")}
    and rejects.resolution = 'displaced'
    and rejects.resolved_at > since
$$;
`;

const storedRows = `with stored_rows as materialized (
    select ingest.stored_record(asked_record) as record
)`;

/** Where a record says nothing, the row has what the table takes then: see saysOther. */
function differsIn({ name, fallback, passes, distinct, cast }: ColumnSql): string {
    const stored = `stored.${fieldOf(name)}`;
    return sql`
given_value := ingest.trimmed(record ->> ${literal(name)});
if (
    case
        ${fallback === null ? "" : "when given_value is null then false\n"}when (${passes("given_value", "facts")}) is not true then true
        else ${distinct(cast("given_value"))} is distinct from ${distinct(stored)}
    end
) then
    differing := differing || ${literal(name)}::text;
end if;`;
}

const differingExtras = (stream: StreamSql) => sql`
 || coalesce(
    (
        select jsonb_agg(extras.name)
        from (
            select
                ingest.extras_in_record(stored.${stream.extras}) as kept,
                ingest.extras_in_record(
                    ingest.extras_of(ingest.extras_of_record(record), null, array[]::text[])
                ) as given
        ) as both_extras
        cross join lateral jsonb_object_keys(
            coalesce(both_extras.kept, '{}') || coalesce(both_extras.given, '{}')
        ) as extras (name)
        where both_extras.kept -> extras.name is distinct from both_extras.given -> extras.name
    ),
    '[]'
)`;

const keyVariables = (stream: StreamSql) =>
    lines(
        stream.keys,
        (key) => `named_${keyNo(stream, key)} constant text := ingest.trimmed(record ->> ${literal(key.name)});`,
        "",
    );

/** Reads the row into `stored`; without one, the function returns. */
const lookUp = (stream: StreamSql, otherwise: string) => sql`
if ${stream.keys.map((key) => `(${key.passes(`named_${keyNo(stream, key)}`, `${stream.facts}()`)}) is not true`).join(" or ")} then
    return ${otherwise};
end if;
select ${rowOf(stream)}.* into stored
from ${stream.table}
where ${stream.keys.map((key) => `${rowOf(stream)}.${key.column} ${key.equals} ${key.cast(`named_${keyNo(stream, key)}`)}`).join(" and ")};
if not found then
    return ${otherwise};
end if;`;

const keyNo = ({ keys }: StreamSql, key: StreamSql["keys"][number]) =>
    keys.length === 1 ? "key" : `key_${keys.indexOf(key) + 1}`;
