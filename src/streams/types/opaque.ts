/** Types that only Postgres can read: of extensions, of text search, and whatever else has a text form. */
import type { CatalogType } from "../catalog/catalog-table.ts";
import { mayRaise } from "./may-raise.ts";
import { anyText, asText, isTaken, isValid, type TypeRule, typeRule } from "./type-rule.ts";

const mostNested = 4000;

/** Accepted as Postgres writes it itself: what is the same after reading and writing has lost nothing. */
export function canonicalRule(column: CatalogType): TypeRule {
    const { baseTypeText: type } = column;
    const isRead = mayRaise(column) ? isTaken : isValid;
    // Postgres may read what is nested so deep that it cannot write it.
    const isLong = (value: string) =>
        mayRaise(column) ? `when octet_length(${value}) > ${mostNested} then 'invalid'` : "";
    return typeRule({
        type,
        loader: anyText(type, ["'a' 'b':1,2", "a b a", "1", "01", "'a' & 'b'", "a & b"]),
        reasons: ["invalid"],
        compared: asText,
        reason: (value) => `case
    ${isLong(value)}
    when ${isRead(value, type)} then case when ${value}::${type}::text <> ${value} then 'invalid' end
    else 'invalid'
end`,
    });
}

/** jsonpath: what Postgres reads. Only blanks and parentheses may change. */
export const jsonpathRule: TypeRule = typeRule({
    type: "jsonpath",
    loader: anyText("jsonpath", ["$.a", "$.a[*] ? (@.b > 1)", "$"]),
    reasons: ["invalid"],
    compared: asText,
    reason: (value) => `case when ${isTaken(value, "jsonpath")} then null else 'invalid' end`,
});

/** Of an extension: what its input function takes. It may raise, so each value is tried. */
export function extensionRule({ baseType, baseTypeText: type }: CatalogType): TypeRule {
    const isHstore = baseType.endsWith(".hstore");
    const samples = isHstore ? ["a=>1", '"a"=>"1", "b"=>NULL', "a=>1, a=>2", "a=>", "{}"] : ["a.b.c", "1", "[1,2,3]"];
    return typeRule({
        type,
        loader: anyText(type, samples),
        reasons: ["invalid"],
        compared: asText,
        reason: (value) => `case
    when not ${isTaken(value, type)} then 'invalid'
    ${isHstore ? `when ${arrows(value)} <> ${arrows(`${value}::${type}::text`)} then 'repeated_key'` : ""}
end`,
        ...(isHstore ? { reasons: ["invalid", "repeated_key"] } : {}),
    });
}

/** SQL: how many keys an hstore says: of one that is there twice it keeps the first. */
const arrows = (text: string) => `length(replace(${text}, '=>', '===')) - length(${text})`;

/** xml: stored as it is, but for a declaration, which may lose its encoding. Its input raises where Postgres was built without it. */
export const xmlRule: TypeRule = typeRule({
    type: "xml",
    loader: anyText("xml", ["<a>1</a>", "text", "<a>", '<?xml version="1.0"?><a/>']),
    reasons: ["invalid"],
    compared: asText,
    reason: (value) => `case when ${value} like '<?xml%' or not ${isTaken(value, "xml")} then 'invalid' end`,
});
