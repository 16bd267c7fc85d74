/**
 * timestamp, timestamptz: an ISO date, a time, and an offset where the type keeps it: timestamp would drop it in silence. Without
 * an offset it is UTC, without a time midnight.
 */
import type { CatalogType } from "../catalog/catalog-table.ts";
import type { ColumnType } from "./column-type.ts";
import { dateForm, hasMoreDecimals, mostDecimals, offsetForm, timeForm } from "./time-form.ts";
import { type MomentForm, momentEnd, secondOf, timestamptz } from "./timestamptz.ts";
import { isValid, type TypeRule, typeRule } from "./type-rule.ts";

/**
 * The commonest forms are those that Postgres writes itself, but for T, Z, an offset and zeros: 0.9 s a million without decimals and
 * offset, 2 s with them, where a regular expression takes 5 s.
 */
export function timestampRule({ baseType, baseTypeText: type, precision }: CatalogType): TypeRule {
    const hasZone = baseType === "pg_catalog.timestamptz";
    const form = `^${dateForm}([ T]${timeForm}${hasZone ? `(${offsetForm})?` : ""})?$`;
    const found = (value: string) => `case
        ${hasZone ? `when ${isCarriedAway(value)} then 'invalid'` : ""}
        when octet_length(${value}) > ${20 + (precision ?? mostDecimals)} and ${hasMoreDecimals(value, precision)} then 'too_precise'
    end`;
    return typeRule({
        type,
        loader: loaderOf(type, { hasZone, decimals: precision ?? mostDecimals }),
        reasons: ["invalid", "too_precise"],
        reason: (value) => `case
    when not ${isValid(value, "timestamp")} then 'invalid'
    when ${value} like '____-__-__ __:__:__' and ${value}::timestamp::text = ${value} then null
    when ${isCanonical(value, hasZone)} or ${value} ~ '${form}' then ${found(value)}
    else 'invalid'
end`,
    });
}

/** SQL: whether Postgres writes the same of what it reads. As timestamp, for then it leaves the offset out. */
function isCanonical(value: string, hasZone: boolean): string {
    const bare = hasZone
        ? `case
            when ${value} like '%Z' then left(${value}, -1)
            when left(right(${value}, 6), 1) in ('+', '-') and right(${value}, 6) like '___:__' and translate(right(${value}, 6), '0123456789', '') in ('+:', '-:') then left(${value}, -6)
            else ${value}
        end`
        : value;
    const spaced = `replace(${bare}, 'T', ' ')`;
    return `case
        when ${value} like '____-__-__ __:__:__.%' or ${value} like '____-__-__T__:__:__.%' then
            ${value}::timestamp::text = rtrim(rtrim(${spaced}, '0'), '.') and ${value} !~ '\\.($|[^0-9])'
        when ${value} like '____-__-__ __:__:__%' or ${value} like '____-__-__T__:__:__%' then ${value}::timestamp::text = ${spaced}
    end`;
}

/** SQL: whether the offset carries the moment out of the years 1 to 9999, where it would be written in another form. */
const isCarriedAway = (value: string) => `(${value} collate "C" < '0001-01-02' or ${value} collate "C" > '9999-12-31')
                and (${value}::timestamptz < '0001-01-01' or ${value}::timestamptz >= '10000-01-01')`;

function loaderOf(name: string, form: MomentForm): ColumnType {
    const type = { ...timestamptz, name, plainEnd: momentEnd(form), plainSecond: secondOf(form) };
    if (form.hasZone) return type;
    const samples = [...timestamptz.samples.slice(0, 3), "2024-05-01T10:00:00.5", "2024-05-01 10:00", "2024-05-01"];
    return { ...type, writtenAs: "local timestamps", samples };
}
