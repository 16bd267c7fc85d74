/**
 * json keeps its text; jsonb keeps values, and of a key that is there twice it would keep the last. Documents are nested, and
 * Postgres raises for thousands of levels: long ones are tried.
 */
import type { CatalogType } from "../catalog/catalog-table.ts";
import { anyText, asText, isTaken, isValid, type TypeRule, typeRule } from "./type-rule.ts";

const longBytes = 4000;
const samples = [
    ...[
        '{"a": 1, "b": [true, null, "x"]}',
        "[]",
        "1.50",
        '"text"',
        "null",
        "{}",
        '{"a": {"a": 1}}',
        '[{"a":1},{"a":2}]',
    ],
    ...['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '"\\u0000"', "{a: 1}", "[1,]", "NaN", '"\\ud800"'],
];

const isJson = (value: string, type: string) =>
    `case when octet_length(${value}) > ${longBytes} then ${isTaken(value, type)} else ${isValid(value, type)} end`;

export function jsonRule({ baseTypeText: type }: CatalogType): TypeRule {
    const isBinary = type === "jsonb";
    return typeRule({
        type,
        loader: anyText(type, samples),
        reasons: isBinary ? ["invalid", "repeated_key"] : ["invalid"],
        ...(isBinary ? {} : { compared: asText }),
        reason: (value) => `case
    when not ${isJson(value, type)} then 'invalid'
    ${isBinary ? `when not ingest.has_unique_keys(${value}) then 'repeated_key'` : ""}
end`,
    });
}
