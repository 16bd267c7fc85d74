/** Composite types: a row as Postgres writes it. What is the same after reading and writing has lost nothing. */
import type { CatalogType } from "../catalog/catalog-table.ts";
import { quoteIdent } from "../catalog/quote-ident.ts";
import { mayRaise } from "./may-raise.ts";
import { anyText, asText, isTaken, isValid, type TypeRule, typeRule } from "./type-rule.ts";

export function compositeRule(column: CatalogType): TypeRule {
    const { baseTypeText: type } = column;
    const isRead = mayRaise(column) ? isTaken : isValid;
    // Values that are no number and no day would come back as they went in.
    const special = (value: string) =>
        (column.fields ?? [])
            .filter(hasSpecial)
            .map(({ name }) => `(${value}::${type}).${quoteIdent(name)}::text ~* 'nan|inf'`);
    return typeRule({
        type,
        loader: anyText(type, ["(1,2)", "(,)", '("a b",1)', "(NaN,1)", "(01,2)", "()", "(1,2,3)"]),
        reasons: ["invalid"],
        compared: asText,
        reason: (value) => `case
    when ${isRead(value, type)} then
        case
            when ${value}::${type}::text <> ${value} then 'invalid'
            ${special(value)
                .map((test) => `when ${test} then 'invalid'`)
                .join("\n            ")}
        end
    else 'invalid'
end`,
    });
}

function hasSpecial({ category, element, baseType }: CatalogType): boolean {
    return element === null
        ? category === "N" || category === "D" || baseType === "pg_catalog.interval"
        : hasSpecial(element);
}
