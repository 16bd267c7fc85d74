/** The raw values of a staged record, and those of columns that nobody knows. */
import { stagedExtraColumns } from "../stream.ts";
import { list, literal, sql } from "./sql-text.ts";
import { idents, names, type StreamSql } from "./stream-sql.ts";
import { isTyped } from "./typed-values.ts";

/** Extras that have the name of a column of ours: aliases can make them. */
export const extrasInRecord = (stream: StreamSql) => {
    const prefix = `${stream.extras}.`;
    const ours = `((${stream.extras}\\.)*(${names(stream).join("|")}))`;
    return sql`
-- Extras as a reject's record keeps them, beside our columns: one that has the name of one of ours (aliases can make it) gets
-- "${prefix}" before it, or a replay would read it as the column. So does one that is called so already.
create or replace function ingest.extras_in_record(extras jsonb)
returns jsonb
language sql
immutable
parallel safe
return case
    when
        extras ?| array[
            ${list([...names(stream), ...names(stream).map((name) => prefix + name)], literal)}
        ]
    then
        (
            select
                jsonb_object_agg(
                    regexp_replace(kept.key, ${literal(`^${ours}$`)}, ${literal(`${prefix}\\1`)}),
                    kept.value
                )
            from jsonb_each(extras) as kept
        )
    else extras
end;

-- The other way round: the text of the extras of a reject's record.
create or replace function ingest.extras_of_record(record jsonb)
returns text
language sql
immutable
parallel safe
return (
    select
        jsonb_object_agg(
            regexp_replace(kept.key, ${literal(`^${stream.extras}\\.${ours}$`)}, '\\1'),
            nullif(kept.value, '')
        )::text
    from jsonb_each_text(record - array[${list(names(stream), literal)}]) as kept
);
`;
};

function ofTyped(stream: StreamSql): string {
    const condition = isTyped(stream, "staged");
    return condition === null ? "" : `\n    when ${condition} then ingest.text_needed()`;
}

export const rawRecord = (stream: StreamSql) => sql`
-- White space of unknown columns is theirs: only the empty value, quoted or not, is left out.
create or replace function ingest.extra_values(staged ingest.staging)
returns text[]
language sql
immutable
return array[
    ${list(Array.from({ length: stagedExtraColumns }, (_, index) => `nullif(staged.extra_${index + 1}, '')`))}
];

-- From two arrays, in half the time that jsonb_build_object takes.
create or replace function ingest.known_values(staged ingest.staging)
returns jsonb
language sql
immutable
return jsonb_object(
    array[${list(names(stream), literal)}],
    array[
        ${list(idents(stream), (ident) => `staged.${ident}`)}
    ]
);

-- The raw values of a staged record by column, as a reject keeps them. To add nothing takes as long as to build them.
create or replace function ingest.raw_record(staged ingest.staging, extra_columns text[])
returns jsonb
language sql
stable
return case
    when staged.problem is not null then null${ofTyped(stream)}
    when staged.${stream.extras} is null and extra_columns is null then ingest.known_values(staged)
    else
        ingest.known_values(staged)
        || coalesce(
            ingest.extras_in_record(
                ingest.extras_of(staged.${stream.extras}, extra_columns, ingest.extra_values(staged))
            ),
            '{}'::jsonb
        )
end;
`;
