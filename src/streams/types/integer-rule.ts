/** smallint, integer, bigint: digits with an optional sign. */
import type { CatalogType } from "../catalog/catalog-table.ts";
import { signed } from "./column-type.ts";
import { bigint, integer, smallint } from "./integer.ts";
import { mayBeOdd } from "./number-form.ts";
import { isValid, type TypeRule, typeRule } from "./type-rule.ts";

const loaders = { smallint: signed(smallint), integer: signed(integer), bigint: signed(bigint) };

export function integerRule({ baseTypeText }: CatalogType): TypeRule {
    const type = baseTypeText as keyof typeof loaders;
    return typeRule({
        type,
        loader: loaders[type],
        reasons: ["invalid", "out_of_range"],
        // PostgreSQL 16 reads 0x1F and 1_000 too.
        reason: (value) => `case
    when ${isValid(value, type)} then case when ${mayBeOdd(value)} and ${value} !~ '^[+-]?[0-9]+$' then 'invalid' end
    when ${value} ~ '^[+-]?[0-9]+$' then 'out_of_range'
    else 'invalid'
end`,
    });
}
