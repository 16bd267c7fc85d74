/** The verdict on a record, and the reasons for it. */
import { allOf, lines, literal, sql } from "./sql-text.ts";
import type { ColumnSql, RowConditions, StreamSql } from "./stream-sql.ts";
import { scannedValue } from "./typed-values.ts";

export const rejectReasons = (stream: StreamSql) => sql`
-- Every reason why a record is rejected, in the order of the columns; empty when it is not. Where nothing may need it, nothing
-- is trimmed: a rule asks for its value again and again, and the trims would cost more than the rules.
create or replace function ingest.reject_reasons(staged ingest.staging, is_padded boolean, facts ${stream.facts})
returns text[]
language sql
stable
return case
    when staged.problem is not null then array[staged.problem::jsonb ->> 'reason']
    else ${allReasons(stream)}
end;
`;

function allReasons(stream: StreamSql): string {
    const bare = ({ ident }: ColumnSql) => `ingest.bare(staged.${ident}, is_padded)`;
    const { columns, conditions } = stream;
    if (conditions === null) return reasonsOfColumns(columns, bare);
    // A function with a subquery is not inlined: PostgreSQL 18 plans it for the values of one record, and would cast them as
    // constants before anybody asked whether they pass. Behind the fence they are columns.
    const fenced = ({ ident }: ColumnSql) => `bare.${ident}`;
    return sql`
(
    select
        case
            when
                ${allOf(columns.map((column) => column.passes(fenced(column), "facts")))}
            then ${brokenRules(conditions, (column) => column.cast(fenced(column)))}
            else ${reasonsOfColumns(columns, fenced)}
        end
    from (
        select
            ${lines(columns, (column) => `${bare(column)} as ${column.ident}`)}
        offset 0
    ) as bare
)`;
}

function reasonsOfColumns(columns: readonly ColumnSql[], value: (column: ColumnSql) => string): string {
    return sql`
array_remove(
    array[
        ${lines(columns, (column) => column.reason(value(column), "facts"))}
    ],
    null
)`;
}

/** An array of the codes of the conditions that do not hold; of columns that all pass. */
function brokenRules({ row, rules }: RowConditions, value: (column: ColumnSql) => string): string {
    return sql`
(
    select
        array_remove(
            array[
                ${lines(rules, ({ code, condition }) => `case when (${condition}) is false then ${literal(code)} end`)}
            ],
            null
        )
    from ${row(value)}
)`;
}

/** The merge's verdict on the trimmed values of `record`: one expression, at the place where it is asked for. `scan` is in scope there. */
export function verdict(stream: StreamSql, record: string, facts: string): string {
    const value = (column: ColumnSql) => scannedValue(column, record);
    const ofColumns = verdictOnColumns(stream, record, facts);
    const { conditions } = stream;
    if (conditions === null) return ofColumns;
    return sql`
case
    when
        ${ofColumns}
    then not (${facts}).asks_conditions or ${holdAll(conditions, value)}
    else false
end`;
}

function verdictOnColumns(stream: StreamSql, record: string, facts: string): string {
    const rules = sql`
${allOf([
    `${record}.problem is null`,
    ...stream.columns.map((column) => column.passes(`${record}.${column.ident}`, facts)),
])}`;
    const asTyped = stream.knownAsTyped(record);
    const known = [asTyped, stream.knownToPass(record, facts)].filter((terms) => terms !== null);
    if (known.length === 0) return rules;
    return sql`
case
    ${asTyped === null ? "" : `when scan.is_typed then ${asTyped}`}
    when ${known.join("\nor ")} then true
    else
        ${rules}
end`;
}

function holdAll({ row, rules }: RowConditions, value: (column: ColumnSql) => string): string {
    return sql`
(
    select
        ${allOf(rules.map(({ condition }) => `(${condition}) is not false`))}
    from ${row(value)}
)`;
}

/** For the select list of what was found invalid: the codes of the conditions that do not hold, null where a column is at fault. */
export function brokenConditions(stream: StreamSql, records: string): string {
    const { conditions, columns } = stream;
    if (conditions === null) return "";
    const value = ({ ident }: ColumnSql) => `${records}.${ident}`;
    return sql`
,
case
    when
        ${allOf(columns.map((column) => column.passes(value(column), "facts")))}
    -- Of a record that could not be split no value is there, and none need be missing: reject_records names its problem.
    then nullif(${brokenRules(conditions, (column) => column.cast(value(column)))}, '{}')
end`;
}

/** A step of a merge. A condition over a row may raise, as a division by zero does: then all of them are left to the table. */
export const sparedConditions = ({ conditions }: StreamSql, step: string): string =>
    conditions === null
        ? step
        : `begin
    ${step}
exception
    when others or assert_failure then
        get stacked diagnostics said_context = pg_exception_context;
        if not ingest.may_be_of_record(sqlstate, said_context) then
            raise;
        end if;
        perform set_config('sluice.conditions', 'off', true);
        ${step}
        perform set_config('sluice.conditions', 'on', true);
end;`;
