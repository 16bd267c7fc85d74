/** Arrays element by element, of `{a,b}` and of JSON arrays. */
import { type ArrayText, type Items, parseArray } from "./arrays.ts";
import { type Json, parseJson } from "./json.ts";
import type { TypeSpec } from "./type-spec.ts";

type Matches = (spec: TypeSpec, text: string, stored: string) => boolean;

export function matchesArray({ element }: TypeSpec, text: string, stored: string, matches: Matches): boolean {
    const kept = parseArray(stored);
    const said = isJsonArray(text) ? arrayOfJson(element!, text) : parseArray(text);
    if (kept === null || said === null || said.bounds !== kept.bounds) return false;
    return matchesItems(element!, said.items, kept.items, matches) && !hasEmptyItems(said.items);
}

/** What is inserted in place of a JSON array: the same as Postgres takes arrays. */
export function literalOf({ family, element }: TypeSpec, text: string): string {
    if (family !== "array" || !isJsonArray(text)) return text;
    const array = arrayOfJson(element!, text);
    return array === null ? text : writeItems(array.items);
}

function writeItems(items: Items): string {
    const written = items.map((item) => {
        if (item === null) return "NULL";
        return Array.isArray(item) ? writeItems(item) : `"${item.replace(/[\\"]/g, "\\$&")}"`;
    });
    return `{${written.join(",")}}`;
}

const isJsonArray = (text: string) => text.startsWith("[") && !/^(\[[+-]?\d+(:[+-]?\d+)?\])+\s*=/.test(text);

const hasEmptyItems = (items: Items): boolean =>
    items.some((item) => Array.isArray(item) && (item.length === 0 || hasEmptyItems(item)));

function matchesItems(of: TypeSpec, said: Items, kept: Items, matches: Matches): boolean {
    if (said.length !== kept.length) return false;
    const isText = of.family === "text" || of.family === "char" || of.family === "enum";
    return said.every((item, index) => {
        const other = kept[index]!;
        if (item === null || other === null) return item === other;
        if (Array.isArray(item) || Array.isArray(other)) {
            return Array.isArray(item) && Array.isArray(other) && matchesItems(of, item, other, matches);
        }
        // json keeps the blanks that stood around it.
        return isText ? matches(of, item, other) : matches(of, bare(item), bare(other));
    });
}

const bare = (item: string) => item.replace(/^[ \t\n\r\f\v]+|[ \t\n\r\f\v]+$/g, "");

const jsonKinds: Partial<Record<TypeSpec["family"], "number" | "boolean" | "json">> = {
    integer: "number",
    numeric: "number",
    real: "number",
    double: "number",
    oid: "number",
    boolean: "boolean",
    json: "json",
    jsonb: "json",
};

/** Null for what is no JSON array of the kind that the element's type is of. */
function arrayOfJson(of: TypeSpec, text: string): ArrayText | null {
    const kind = jsonKinds[of.family] ?? "string";
    const itemOf = (json: Json): Items[number] | undefined => {
        if (Array.isArray(json)) return itemsOf(json);
        if (json instanceof Map) return undefined;
        if ("string" in json) return kind === "string" && !json.string.includes("\0") ? json.string : undefined;
        if ("number" in json) return kind === "number" ? json.number : undefined;
        if (json.word === "null") return null;
        return kind === "boolean" ? json.word : undefined;
    };
    const itemsOf = (json: readonly Json[]): Items | undefined => {
        const items = json.map(itemOf);
        return items.some((item) => item === undefined) ? undefined : (items as Items);
    };
    const parsed = kind === "json" ? null : parseJson(text);
    const items = Array.isArray(parsed) ? itemsOf(parsed) : undefined;
    return items === undefined ? null : { bounds: "", items };
}
