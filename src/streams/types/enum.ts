/** An enum: one of its labels. Those that came after the rule was made are found by Postgres itself. */
import type { CatalogType } from "../catalog/catalog-table.ts";
import { literal } from "../render/sql-text.ts";
import { text } from "./text.ts";
import { isValid, type TypeRule, typeRule } from "./type-rule.ts";

export function enumRule({ baseTypeText: type, labels }: CatalogType): TypeRule {
    const known = labels ?? [];
    const list = `array[${known.map(literal).join(", ")}]::text[]`;
    return typeRule({
        type,
        loader: {
            ...text,
            name: type,
            isKept: true,
            samples: [...known, "no label", ...known.map((label) => label.toUpperCase())],
        },
        reasons: ["unknown"],
        reason: (value) =>
            `case when ${value} = any(${list}) then null when ${isValid(value, type)} then null else 'unknown' end`,
    });
}
