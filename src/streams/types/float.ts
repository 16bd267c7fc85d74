/** real, double precision: decimals. The nearest number that the type has is what it means; infinite and lost ones are refused. */
import type { CatalogType } from "../catalog/catalog-table.ts";
import { type ColumnType, signed } from "./column-type.ts";
import { isDecimal, mayBeOdd } from "./number-form.ts";
import { numeric } from "./numeric.ts";
import { isValid, type TypeRule, typeRule } from "./type-rule.ts";

/** So many digits on either side of the point are in range of both types. */
const mostDigits = 17;

const loader = (name: string): ColumnType => ({
    ...signed(numeric(2 * mostDigits, mostDigits)),
    name,
    samples: ["", "0", "-0", "0.1", "1.5e10", "3.4028235e38", "1e39", "1e-45", "1e308", "2e308", "1e-324", "16777217"],
});

export function floatRule({ baseTypeText: type }: CatalogType): TypeRule {
    return typeRule({
        type,
        loader: loader(type),
        reasons: ["invalid", "out_of_range"],
        reason: (value) => `case
    when ${isValid(value, type)} then case when ${mayBeOdd(value)} and not ${isDecimal(value)} then 'invalid' end
    when ${isDecimal(value)} then 'out_of_range'
    else 'invalid'
end`,
    });
}
