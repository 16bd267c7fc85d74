/**
 * Ranges and multiranges: both bounds must pass the rule of their type. [1,5] may become [1,6), which says the same; what would become
 * `empty`, or be joined with its neighbour, is refused.
 */
import type { CatalogType } from "../catalog/catalog-table.ts";
import { literal } from "../render/sql-text.ts";
import { mayRaise } from "./may-raise.ts";
import { anyText, isTaken, isValid, type TypeRule, typeRule } from "./type-rule.ts";

/** SQL: the bounds of a range between commas. None of the types that these rules take has such characters in its texts. */
const bare = (value: string) => `translate(${value}, '[](){}"', '')`;
const bound = (value: string, no: 1 | 2) => `btrim(split_part(${bare(value)}, ',', ${no}))`;

export function rangeRule(column: CatalogType, of: TypeRule): TypeRule {
    const { baseTypeText: type } = column;
    const isRead = mayRaise(column) ? isTaken : isValid;
    const ofBound = (text: string) => `case when ${text} <> '' then ${of.reason(text)} end`;
    return typeRule({
        type,
        loader: anyText(type, samplesOf(of)),
        reasons: [...new Set(["invalid", ...of.reasons])],
        reason: (value) => `case
    when lower(${value}) = 'empty' then null
    else coalesce(
        ${of.reasons.length === 0 ? "" : `${ofBound(bound(value, 1))},\n        ${ofBound(bound(value, 2))},`}
        case when ${isRead(value, type)} then case when isempty(${value}::${type}) then 'invalid' end else 'invalid' end
    )
end`,
    });
}

export function multirangeRule(column: CatalogType, of: TypeRule): TypeRule {
    const { baseTypeText: type } = column;
    const isRead = mayRaise(column) ? isTaken : isValid;
    const commas = (text: string) => `length(${text}) - length(replace(${text}, ',', ''))`;
    const bounds = (value: string) => `array_remove(string_to_array(${bare(value)}, ','), '')`;
    const fault = (value: string) =>
        of.reasons.length === 0
            ? "null"
            : `ingest.element_fault(${bounds(value)}, false, ${literal(of.reason("element.value"))})`;
    return typeRule({
        type,
        loader: anyText(
            type,
            samplesOf(of).map((sample) => `{${sample}}`),
        ),
        reasons: [...new Set(["invalid", ...of.reasons])],
        reason: (value) => `case
    when ${isRead(value, type)} then
        case
            when ${commas(value)} <> ${commas(`${value}::${type}::text`)} then 'invalid'
            when ${value} ~* 'empty' then 'invalid'
            else ${fault(value)}
        end
    else 'invalid'
end`,
    });
}

function samplesOf({ loader }: TypeRule): string[] {
    const values = loader.samples.filter((sample) => !/[[\](){},"\\]/.test(sample));
    const pairs = values.flatMap((low, index) => [
        `[${low},${values[index + 1] ?? ""})`,
        `["${low}","${low}"]`,
        `(${low},${low})`,
    ]);
    return [...pairs, "empty", "(,)", "[,]", "[1,2", "[2,1]"];
}
