/**
 * Ranges and multiranges: both bounds must pass the rule of their type. [1,5] may become [1,6), which says the same; what would become
 * `empty`, or be joined with its neighbour, is refused.
 */
import type { CatalogType } from "../catalog/catalog-table.ts";
import { literal } from "../render/sql-text.ts";
import { mayRaise } from "./may-raise.ts";
import { anyText, isTaken, isValid, type TypeRule, typeRule } from "./type-rule.ts";

/** SQL: a bound, without its bracket and quotes. Brackets within stay: Postgres reads over them in a time. */
const bound = (value: string, no: 1 | 2) =>
    `btrim(replace(split_part(left(substr(${value}, 2), -1), ',', ${no}), '"', ''), E' \\t\\n\\r\\f\\x0b')`;

const commas = (text: string) => `length(${text}) - length(replace(${text}, ',', ''))`;

/** Bounds that may hold commas. */
const isText = ({ element }: CatalogType) => element?.category === "S";

/** Of a multirange, one range after another and nothing else. */
const range = "[[(][^][(){}]*[])]\\s*";
const rangesForm = `^\\{\\s*(${range}(,\\s*${range})*)?\\}$`;

/** The day behind the last that a date can be: [9999-12-31,9999-12-31] is stored as [9999-12-31,10000-01-01). */
const lastBound = "10000-01-01";

function reasonOf(column: CatalogType, of: TypeRule, text: string): string {
    if (column.element?.baseType !== "pg_catalog.date") return of.reason(text);
    return `case when ${text} = '${lastBound}' then null else ${of.reason(text)} end`;
}

export function rangeRule(column: CatalogType, of: TypeRule): TypeRule {
    const { baseTypeText: type } = column;
    const isRead = mayRaise(column) ? isTaken : isValid;
    const ofBound = (text: string) => `case when ${text} <> '' then ${reasonOf(column, of, text)} end`;
    return typeRule({
        type,
        loader: anyText(type, samplesOf(of)),
        reasons: [...new Set(["invalid", ...of.reasons])],
        reason: (value) => `case
    when lower(${value}) = 'empty' then null
    ${isText(column) ? "" : `when ${commas(value)} <> 1 then 'invalid'`}
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
    const bounds = (value: string) => `array_remove(string_to_array(translate(${value}, '[](){}"', ''), ','), '')`;
    // Blanks alone are no bound.
    const ofBound = `case when element.value <> '' then ${reasonOf(column, of, "element.value")} end`;
    const fault = (value: string) =>
        of.reasons.length === 0 ? "null" : `ingest.element_fault(${bounds(value)}, false, ${literal(ofBound)})`;
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
            when ${value} !~ '${rangesForm}' then 'invalid'
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
