/** The rule of a column by its type: the one way in. */
import type { CatalogColumn, CatalogType } from "../catalog/catalog-table.ts";
import { arrayRule } from "./array.ts";
import { bitRule } from "./bit.ts";
import { booleanRule } from "./boolean.ts";
import type { ColumnType } from "./column-type.ts";
import { compositeRule } from "./composite.ts";
import { dateRule } from "./date.ts";
import { domainRule } from "./domain.ts";
import { enumRule } from "./enum.ts";
import { floatRule } from "./float.ts";
import { integerRule } from "./integer-rule.ts";
import { intervalRule } from "./interval.ts";
import { jsonRule } from "./json.ts";
import { numericRule } from "./numeric-rule.ts";
import { canonicalRule, extensionRule, jsonpathRule, xmlRule } from "./opaque.ts";
import { multirangeRule, rangeRule } from "./range.ts";
import { shapedRule } from "./shaped.ts";
import { byteTextRule, citextRule, textRule, varcharRule } from "./text-rule.ts";
import { timeRule } from "./time-rule.ts";
import { timestampRule } from "./timestamp-rule.ts";
import type { TypeRule } from "./type-rule.ts";
import { uuidRule } from "./uuid-rule.ts";

/** Why no text of the type can be taken without loss: the end of a sentence. */
export interface RefusedType {
    refused: string;
}

type MakeRule = (type: CatalogType) => TypeRule;

/** The types of PostgreSQL itself, by the names in pg_type. */
const builtIn: Record<string, MakeRule> = {
    int2: integerRule,
    int4: integerRule,
    int8: integerRule,
    numeric: numericRule,
    float4: floatRule,
    float8: floatRule,
    bool: () => booleanRule,
    text: textRule,
    varchar: varcharRule,
    bpchar: varcharRule,
    name: byteTextRule,
    char: byteTextRule,
    date: () => dateRule,
    timestamp: timestampRule,
    timestamptz: timestampRule,
    time: timeRule,
    timetz: timeRule,
    interval: intervalRule,
    uuid: () => uuidRule,
    json: jsonRule,
    jsonb: jsonRule,
    bit: bitRule,
    varbit: bitRule,
    xml: () => xmlRule,
    jsonpath: () => jsonpathRule,
    tsvector: canonicalRule,
    tsquery: canonicalRule,
    pg_snapshot: canonicalRule,
    txid_snapshot: canonicalRule,
    xid: canonicalRule,
    xid8: canonicalRule,
    cid: canonicalRule,
    tid: canonicalRule,
};

export function ruleOf(column: CatalogColumn): TypeRule | RefusedType {
    const rule = ruleOfType(column);
    if ("refused" in rule) return rule;
    return { ...rule, loader: column.isNotNull ? filled(rule.loader) : orEmpty(rule.loader) };
}

export function ruleOfType(type: CatalogType): TypeRule | RefusedType {
    const base = baseRule(type);
    if ("refused" in base || type.domains.length === 0) return base;
    return domainRule(type, base);
}

function baseRule(type: CatalogType): TypeRule | RefusedType {
    if (type.kind === "e") return enumRule(type);
    if (type.kind === "c") return compositeOf(type);
    if (type.kind === "p") return { refused: "it is no type of stored values" };
    if (type.category === "A") return arrayOf(type);
    if (type.kind === "r") return rangeOf(type, rangeRule);
    if (type.kind === "m") return rangeOf(type, multirangeRule);
    if (/\.citext$/.test(type.baseType)) return citextRule(type);
    if (!type.baseType.startsWith("pg_catalog.")) return extensionRule(type);
    const name = type.baseType.slice("pg_catalog.".length);
    const rule = builtIn[name]?.(type) ?? shapedRule(type);
    return rule ?? { refused: refusals[name] ?? "it is for Postgres's own use" };
}

const refusals: Record<string, string> = {
    money: "its text depends on lc_monetary, and it has no decimals of its own",
};

function arrayOf(type: CatalogType): TypeRule | RefusedType {
    const { element } = type;
    if (element === null || !type.baseTypeText.endsWith("[]")) return { refused: "it is for Postgres's own use" };
    // They are separated by semicolons.
    if (element.baseType === "pg_catalog.box") return { refused: "arrays of boxes are not supported" };
    const rule = ruleOfType(element);
    return "refused" in rule ? rule : arrayRule(type, rule);
}

function compositeOf(type: CatalogType): TypeRule | RefusedType {
    for (const field of type.fields ?? []) {
        const rule = ruleOfType(field);
        if ("refused" in rule) return { refused: `its field ${field.name} is ${field.type}: ${rule.refused}` };
    }
    return compositeRule(type);
}

const boundTypes = /^pg_catalog\.(int[248]|numeric|float[48]|text|varchar|date|time|timestamp|timestamptz|uuid|inet)$/;

function rangeOf(type: CatalogType, make: (type: CatalogType, of: TypeRule) => TypeRule): TypeRule | RefusedType {
    const of = type.element!;
    const rule = ruleOfType(of);
    if ("refused" in rule) return rule;
    if (!boundTypes.test(of.baseType)) return { refused: `ranges of ${of.type} are not supported` };
    return make(type, rule);
}

/** For a column that may be null, an empty value is plain. A value that is neither empty nor plain does not end where it begins. */
const orEmpty = (loader: ColumnType) => withPlainEnd(loader, (found, start) => (found === -1 ? start : found));

/** For a column that must not be null, an empty value is not plain, so the merge looks at it. */
const filled = (loader: ColumnType) => withPlainEnd(loader, (found, start) => (found === start ? -1 : found));

function withPlainEnd(loader: ColumnType, change: (found: number, start: number) => number): ColumnType {
    const { plainEnd } = loader;
    if (plainEnd === null) return loader;
    return { ...loader, plainEnd: (bytes, start, end) => change(plainEnd(bytes, start, end), start) };
}
