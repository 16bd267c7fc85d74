/** bit(n), bit varying(n): zeros and ones. A cast would cut or fill them. */
import type { CatalogType } from "../catalog/catalog-table.ts";
import { anyText, type TypeRule, typeRule } from "./type-rule.ts";

export function bitRule({ baseType, baseTypeText: type, length }: CatalogType): TypeRule {
    const isFixed = baseType === "pg_catalog.bit";
    const most = length ?? 8;
    return typeRule({
        type,
        loader: anyText(type, ["1", "0", "10".repeat(most).slice(0, most), "1".repeat(most + 1), "102", "B1", "X1F"]),
        reasons: length === null ? ["invalid"] : ["invalid", "too_long"],
        reason: (value) => `case
    when translate(${value}, '01', '') <> '' then 'invalid'
    ${length === null ? "" : `when octet_length(${value}) > ${length} then 'too_long'`}
    ${isFixed && length !== null ? `when octet_length(${value}) < ${length} then 'invalid'` : ""}
end`,
    });
}
