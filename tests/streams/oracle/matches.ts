/**
 * Whether what Postgres stored says what the text said, decided without Postgres and without the rules: both texts are read here, by
 * parsers of the test's own. Forms that docs/types.md does not list are refused.
 */

import { sayHstore } from "./hstore.ts";
import { sayInterval } from "./interval.ts";
import { sayJson } from "./json.ts";
import { matchesArray } from "./match-arrays.ts";
import { sayAddress, sayHardware } from "./network.ts";
import { isNearest, parseDecimal, sayDecimal, sayInteger } from "./numbers.ts";
import { sayRange } from "./ranges.ts";
import { sayShape } from "./shapes.ts";
import { readStoredTimestamp, sayDate, sayTime, sayTimestamp } from "./times.ts";
import type { TypeSpec } from "./type-spec.ts";

/** @param stored as `::text` gives it under UTC and ISO, YMD */
export function matches(spec: TypeSpec, text: string, stored: string): boolean {
    switch (spec.family) {
        case "real":
        case "double":
            return isNearest(text, stored, spec.family === "real");
        case "text":
            return text === stored;
        case "char":
            return [...text].length <= spec.size! && text.replace(/ +$/, "") === stored.replace(/ +$/, "");
        case "enum":
            return text === stored && spec.labels!.includes(text);
        case "date":
            return sayDate(text) === stored;
        case "json":
            return text === stored && isJson(text);
        case "xml":
            return text === stored && !text.startsWith("<?xml");
        case "bits":
            return /^[01]*$/.test(text) && text === stored;
        case "canonical":
            return text === stored;
        case "jsonpath":
            return true;
        case "array":
            return matchesArray(spec, text, stored, matches);
        case "multirange":
            return matchesMultirange(spec, text, stored);
        case "composite":
            return text === stored && !hasSpecialField(spec, text);
        default: {
            const said = say(spec, text);
            return said !== null && said === sayStored(spec, stored);
        }
    }
}

/** What a text of a file says, in one form for all that say the same; null for what is not taken. */
function say(spec: TypeSpec, text: string): string | null {
    switch (spec.family) {
        case "integer":
            return sayInteger(text);
        case "numeric":
            return sayDecimal(text);
        case "double":
            return parseDecimal(text) && String(Number(text) + 0);
        case "boolean":
            return sayBoolean(text);
        case "text":
            return text;
        case "date":
            return sayDate(text);
        case "timestamp":
        case "timestamptz":
            return sayTimestamp(text, spec.family === "timestamptz");
        case "time":
        case "timetz":
            return sayTime(text, spec.family === "timetz");
        case "interval":
            return sayInterval(text);
        case "uuid":
            return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? text.toLowerCase() : null;
        case "jsonb":
            return sayJson(text);
        case "bytea":
            return /^\\x([0-9a-f][0-9a-f])*$/i.test(text) ? text.toLowerCase() : null;
        case "inet":
        case "cidr":
            return sayAddress(text);
        case "macaddr":
        case "macaddr8":
            return sayHardware(text, spec.family === "macaddr8");
        case "oid":
            return /^\d+$/.test(text) ? String(BigInt(text)) : null;
        case "lsn":
            return /^[0-9a-f]{1,8}\/[0-9a-f]{1,8}$/i.test(text)
                ? text
                      .split("/")
                      .map((half) => Number.parseInt(half, 16))
                      .join("/")
                : null;
        case "range":
            return sayRange(text, spec.element!, say);
        case "hstore":
            return sayHstore(text);
        case "point":
        case "box":
        case "path":
        case "circle":
        case "line":
            return sayShape(spec, text);
        default:
            return null;
    }
}

/** The same of what Postgres writes. */
function sayStored(spec: TypeSpec, stored: string): string | null {
    switch (spec.family) {
        case "timestamp":
        case "timestamptz":
            return readStoredTimestamp(stored);
        case "range":
            return sayRange(stored, spec.element!, (of, bound) =>
                of.family === "date" && /^\d{4,}-\d\d-\d\d$/.test(bound) ? bound : sayStored(of, bound),
            );
        default:
            return say(spec, stored);
    }
}

function sayBoolean(text: string): string | null {
    const word = text.toLowerCase();
    if (["t", "true", "y", "yes", "on", "1"].includes(word)) return "true";
    return ["f", "false", "n", "no", "off", "0"].includes(word) ? "false" : null;
}

function isJson(text: string): boolean {
    try {
        JSON.parse(text);
        return true;
    } catch {
        return false;
    }
}

/** Not a number, or no day of the calendar. */
function hasSpecialField({ fields }: TypeSpec, row: string): boolean {
    const values = row.slice(1, -1).match(/(?<=^|,)(?:"(?:[^"\\]|""|\\.)*"|[^,"]*)(?=,|$)/g) ?? [];
    return fields!.some(
        ({ family }, index) =>
            /^(numeric|real|double|date|timestamp|timestamptz|interval)$/.test(family) &&
            /nan|inf/i.test(values[index] ?? ""),
    );
}

function matchesMultirange(spec: TypeSpec, text: string, stored: string): boolean {
    const split = (whole: string) =>
        /^\{\s*\}$/.test(whole) ? [] : (whole.replace(/^\{|\}$/g, "").match(/[[(][^[\]()]*[\])]|[^,\s]+/g) ?? []);
    const range: TypeSpec = { ...spec, family: "range" };
    const said = split(text).map((part) => say(range, part));
    const kept = split(stored).map((part) => sayStored(range, part));
    if (said.includes(null) || said.includes("empty")) return false;
    return said.length === kept.length && [...said].sort().join() === [...kept].sort().join();
}
