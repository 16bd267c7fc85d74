/**
 * timestamp, timestamptz: an ISO date, a time, and an offset where the type keeps it: timestamp would drop it in silence. Without
 * an offset it is UTC, without a time midnight.
 */
import type { CatalogType } from "../catalog/catalog-table.ts";
import type { ColumnType } from "./column-type.ts";
import { dateForm, hasMoreDecimals, offsetForm, timeForm } from "./time-form.ts";
import { timestamptz } from "./timestamptz.ts";
import { isValid, type TypeRule, typeRule } from "./type-rule.ts";

export function timestampRule({ baseType, baseTypeText: type, precision }: CatalogType): TypeRule {
    const hasZone = baseType === "pg_catalog.timestamptz";
    const form = `^${dateForm}([ T]${timeForm}${hasZone ? `(${offsetForm})?` : ""})?$`;
    return typeRule({
        type,
        loader: loaderOf(type, hasZone),
        reasons: ["invalid", "too_precise"],
        // The commonest form by what Postgres writes of it, which costs half as much as the regular expression.
        reason: (value) => `case
    when ${value} like '____-__-__ __:__:__' then
        case
            when ${isValid(value, "timestamp")} then case when ${value}::timestamp::text <> ${value} then 'invalid' end
            else 'invalid'
        end
    when ${value} ~ '${form}' then
        case
            when not ${isValid(value, hasZone ? "timestamptz" : "timestamp")} then 'invalid'
            when ${hasMoreDecimals(value, precision)} then 'too_precise'
            ${hasZone ? `when ${isCarriedAway(value)} then 'invalid'` : ""}
        end
    else 'invalid'
end`,
    });
}

/** SQL: whether the offset carries the moment out of the years 1 to 9999, where it would be written in another form. */
const isCarriedAway = (value: string) => `(${value} collate "C" < '0001-01-02' or ${value} collate "C" > '9999-12-31')
                and (${value}::timestamptz < '0001-01-01' or ${value}::timestamptz >= '10000-01-01')`;

function loaderOf(name: string, hasZone: boolean): ColumnType {
    if (hasZone) return { ...timestamptz, name };
    const samples = [...timestamptz.samples.slice(0, 3), "2024-05-01T10:00:00.5", "2024-05-01 10:00", "2024-05-01"];
    return { ...timestamptz, name, samples };
}
