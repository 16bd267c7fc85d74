/**
 * Arrays: `{a,b}`, or a JSON array of numbers, of booleans, or else of strings, as its elements are. Each element must pass the rule of
 * its type. That takes a statement a value, some 50 microseconds: texts, and numbers as Postgres writes them, do without.
 */
import type { CatalogType } from "../catalog/catalog-table.ts";
import { literal } from "../render/sql-text.ts";
import { mayRaise } from "./may-raise.ts";
import { anyText, asText, isValid, type TypeRule, typeRule } from "./type-rule.ts";

export function arrayRule(column: CatalogType, element: TypeRule): TypeRule {
    const { baseTypeText: type } = column;
    const of = column.element!;
    const kind = jsonKind(of);
    const input = (value: string) =>
        kind === null
            ? value
            : `(case when ${value} like '[%' then ingest.array_of_json(${value}, '${kind}') else ${value} end)`;
    const elementRule = literal(element.reason("element.value"));
    const isEasy = easyTest(of, element);
    const fault = (value: string) =>
        `ingest.array_fault(${input(value)}, ${literal(type)}, ${keepsBlanks(of)}, ${elementRule})`;
    return typeRule({
        type,
        input,
        loader: anyText(type, samplesOf(element)),
        reasons: [...new Set(["invalid", ...element.reasons])],
        cast: (value) => `${input(value)}::${type}`,
        ...(element.compared("x") === "x" ? {} : { compared: asText }),
        reason: (value) =>
            isEasy === null
                ? fault(value)
                : `case
    when ${value} like '{%' and ${isValid(value, isEasy.type)} then case when ${isEasy.test(value)} then null else ${fault(value)} end
    else ${fault(value)}
end`,
    });
}

/** Types that store the blanks around a value, where a CHECK sees them. Types of extensions may, so they count as such. */
const keepsBlanks = ({ category, kind, baseType }: CatalogType): boolean =>
    // "char" is of the category Z; its second character, which would be cut, may be a blank.
    category === "S" ||
    kind === "e" ||
    /^pg_catalog\.(char|json|xml)$/.test(baseType) ||
    (kind === "b" && !baseType.startsWith("pg_catalog."));

interface EasyTest {
    /** As which the array is read first. */
    type: string;
    /** SQL: of an array that can be read so, whether nothing is wrong with its elements. */
    test(value: string): string;
}

function easyTest(of: CatalogType, element: TypeRule): EasyTest | null {
    if (of.domains.length > 0 || mayRaise(of)) return null;
    if (element.reasons.length === 0) return { type: "text[]", test: (value) => `${value}::text[] <> '{}'` };
    if (!/^pg_catalog\.(int[248]|numeric|float[48])$/.test(of.baseType)) return null;
    const type = `${of.baseTypeText}[]`;
    // NaN and Infinity are written as they are read.
    return { type, test: (value) => `${value} !~ '[IN]' and ${value}::${type}::text = ${value}` };
}

/** Null: an element of JSON would be JSON itself. */
function jsonKind({ baseType, category }: CatalogType): string | null {
    if (/^pg_catalog\.jsonb?$/.test(baseType)) return null;
    return category === "N" ? "number" : category === "B" ? "boolean" : "string";
}

function samplesOf({ loader }: TypeRule): string[] {
    const quoted = loader.samples.map((sample) => `"${sample.replace(/[\\"]/g, "\\$&")}"`);
    const whole = [quoted.slice(0, 3).join(","), "", "NULL", `${quoted[1]},null`].map((items) => `{${items}}`);
    return [
        ...quoted.map((item) => `{${item}}`),
        ...whole,
        "{{}}",
        '{"x\t"}',
        "{{1,2},{3}}",
        "[]",
        "[1,2]",
        '["a","b"]',
        "[0:0]={1}",
    ];
}
