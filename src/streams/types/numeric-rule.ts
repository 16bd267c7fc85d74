/** numeric, numeric(p,s): plain decimals, with an exponent or without. The cast would round in silence. */
import type { CatalogType } from "../catalog/catalog-table.ts";
import { type ColumnType, signed } from "./column-type.ts";
import { isDecimal, mayBeOdd } from "./number-form.ts";
import { anyNumeric, numeric } from "./numeric.ts";
import { anyText, isValid, type TypeRule, typeRule } from "./type-rule.ts";

export function numericRule({ baseTypeText: type, precision, scale }: CatalogType): TypeRule {
    const fit = (value: string) =>
        precision === null || scale === null
            ? []
            : [
                  `when ${value}::numeric <> round(${value}::numeric, ${scale}) then 'too_precise'`,
                  `when abs(${value}::numeric) >= 1e${precision - scale}::numeric then 'out_of_range'`,
              ];
    return typeRule({
        type,
        loader: loaderOf(type, precision, scale),
        reasons: precision === null ? ["invalid", "out_of_range"] : ["invalid", "too_precise", "out_of_range"],
        reason: (value) => `case
    when ${isValid(value, "numeric")} then
        case
            when (${mayBeOdd(value)} or ${hasExponent(value)}) and not ${isDecimal(value)} then 'invalid'
            ${fit(value).join("\n            ")}
        end
    when ${isDecimal(value)} then 'out_of_range'
    else 'invalid'
end`,
    });
}

// PostgreSQL 15 and 16 read 1e 10, too.
const hasExponent = (value: string) => `${value} like '%e%' or ${value} like '%E%'`;

function loaderOf(type: string, precision: number | null, scale: number | null): ColumnType {
    if (precision === null || scale === null) return signed(anyNumeric);
    if (scale >= 0 && scale <= precision) return signed(numeric(precision, scale));
    const samples = ["0", `1${"0".repeat(Math.max(0, -scale))}`, "123456789", "0.000123", `1e${-scale}`, "-0.5"];
    return { ...anyText(type, samples), writtenAs: "numbers" };
}
