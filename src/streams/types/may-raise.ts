/** Whether Postgres may raise where it is asked if it can read a text (pg_input_is_valid): then each value has to be tried. */
import type { CatalogType } from "../catalog/catalog-table.ts";

/** xml where Postgres was built without it, jsonpath for numbers with huge exponents, tsquery for what is nested too deep. */
const raising = new Set(["pg_catalog.xml", "pg_catalog.jsonpath", "pg_catalog.tsquery"]);

/** Input functions of extensions raise as they like; those of PostgreSQL itself say no, unless a CHECK of a domain raises. */
export function mayRaise({ baseType, kind, element, fields, domains }: CatalogType): boolean {
    const isForeign = kind === "b" && !element && !baseType.startsWith("pg_catalog.");
    return (
        isForeign ||
        raising.has(baseType) ||
        domains.some(({ checks }) => checks.some(({ expression }) => !cannotRaise(expression))) ||
        (element !== null && mayRaise(element)) ||
        (fields ?? []).some(mayRaise)
    );
}

const texts = /E?'(?:[^']|'')*'(?:::[a-z ]+(?:\(\d+\))?(?:\[\])?)?/g;
const numbers = /\(?'?-?\b\d+(?:\.\d+)?'?\)?(?:::(?:[a-z ]+))?/g;
const castsToText = /::(?:text|character varying|bpchar)(?:\[\])?/g;
const harmless =
    /\b(?:VALUE|AND|OR|NOT|IS|NULL|TRUE|FALSE|ANY|ALL|ARRAY|char_length|character_length|length|octet_length|lower|upper|btrim|isfinite)\b/gi;

/** True for comparisons, patterns and lengths, of which nearly all CHECKs are made; false for what might divide or cast. */
function cannotRaise(expression: string): boolean {
    const rest = expression.replace(texts, "").replace(castsToText, "").replace(numbers, "").replace(harmless, "");
    return /^[\s()[\],<>=!~*]*$/.test(rest);
}
