/** time, timetz: HH:MM, with seconds and decimals or without, and for timetz an offset (UTC without one). */
import type { CatalogType } from "../catalog/catalog-table.ts";
import { hasMoreDecimals, offsetForm, timeForm } from "./time-form.ts";
import { anyText, isValid, type TypeRule, typeRule } from "./type-rule.ts";

const samples = ["10:00:00", "23:59:59.999999", "00:00", "10:00:00.1234567", "24:00:00", "23:59:60", "10:00:00+02"];

export function timeRule({ baseType, baseTypeText: type, precision }: CatalogType): TypeRule {
    const hasZone = baseType === "pg_catalog.timetz";
    const form = `^${timeForm}${hasZone ? `(${offsetForm})?` : ""}$`;
    return typeRule({
        type,
        loader: anyText(type, hasZone ? [...samples, "10:00:00Z", "10:00-05:30"] : samples),
        reasons: ["invalid", "too_precise"],
        reason: (value) => `case
    when ${value} ~ '${form}' and ${isValid(value, hasZone ? "timetz" : "time")} then
        case when ${hasMoreDecimals(value, precision)} then 'too_precise' end
    else 'invalid'
end`,
    });
}
