/**
 * What sluice.config.ts makes of a record's values before they are staged: pure, one record at a time. In this order:
 * nulls, values, numbers, timestamps, constants, rules, the derived event_id, defaults. What does not fit a form stays as it is: the
 * rules of the merge judge it, and the reject shows what the file said.
 */
import { hash } from "node:crypto";
import { type EventColumn, eventColumns, keyColumn } from "../../streams/contract.ts";
import type { DerivedId, RuleCondition, ValueRule } from "../../streams/source-config.ts";
import { createNumberReader } from "../../streams/values/read-number.ts";
import { createTimestampReader } from "../../streams/values/read-timestamp.ts";
import { trimAsciiSpace } from "../../streams/values/trim-text.ts";
import { type FileShape, findColumn } from "../read/file-shape.ts";
import { sliceOfText } from "./slice-of.ts";

/**
 * `known`: the values of the event columns, in their order, null where there is none. `values`: all of the file's, without those
 * that stand for none. And the slice of the record.
 */
export type RecordMapping = (
    values: (string | null)[],
    position: RecordPosition,
) => { known: (string | null)[]; values: (string | null)[]; slice: number };

export interface RecordPosition {
    /** The file's, in the watched folder. */
    path: string;
    recordNo: number;
}

/** Sluice's own namespace: a uuid that was drawn once. */
export const defaultNamespace = "8f4f6a0e-6b1c-4d0a-9a55-0c7d4f1f2b63";

export function createMapping(shape: FileShape): RecordMapping {
    const { source, targets } = shape;
    if (source === null) throw new TypeError("A file without a source has no mapping.");
    const places = eventColumns.map((column) => targets.indexOf(column));
    const readTimestamp = source.timestamps ? createTimestampReader(source.timestamps) : null;
    const nulls = source.nulls ? new Set(source.nulls) : null;
    const isNullText = (value: string | null) => value !== null && nulls!.has(trimAsciiSpace(value));
    const readNumber = source.numbers ? createNumberReader(source.numbers) : null;
    const isNumber = eventColumns.map((column) => column === "quantity" || column === "price");
    const timestampIndex = eventColumns.indexOf("event_timestamp");
    const keyIndex = eventColumns.indexOf(keyColumn);
    const valueMaps = eventColumns.map((column) => {
        const values = source.values?.[column];
        return values ? new Map(Object.entries(values)) : null;
    });
    const constants = eventColumns.map((column) => source.constants?.[column] ?? null);
    const defaults = eventColumns.map((column) => source.defaults?.[column] ?? null);
    const rules = (source.rules ?? []).map((rule) => createRule(rule, shape));
    const isDeriving = source.deriveEventId !== undefined && !targets.includes(keyColumn);
    const deriveId = isDeriving ? createDerivation(source.deriveEventId!, shape) : null;

    return (given, position) => {
        const values = nulls === null ? given : given.map((value) => (isNullText(value) ? null : value));
        const known = places.map((place, index): string | null => {
            if (place === -1) return constants[index]!;
            const value = values[place]!;
            const text = trimAsciiSpace(value ?? "");
            const mapped = valueMaps[index]?.get(text);
            if (mapped !== undefined) return mapped;
            return isNumber[index] && readNumber && text !== "" ? readNumber(text) : value;
        });
        const timestamp = known[timestampIndex];
        if (readTimestamp && timestamp) known[timestampIndex] = readTimestamp(trimAsciiSpace(timestamp)) ?? timestamp;
        for (const applyRule of rules) applyRule(known, values);
        if (deriveId) known[keyIndex] = deriveId(values, position);
        for (const [index, value] of defaults.entries()) {
            if (value !== null && isEmpty(known[index]!)) known[index] = value;
        }
        return { known, values, slice: sliceOfText(known[keyIndex]!) };
    };
}

function isEmpty(value: string | null): boolean {
    return value === null || trimAsciiSpace(value) === "";
}

type Rule = (known: (string | null)[], values: (string | null)[]) => void;

function createRule({ when, absolute, set }: ValueRule, shape: FileShape): Rule {
    const holds = when ? createCondition(when, shape) : () => true;
    const absoluteIndex = absolute ? eventColumns.indexOf(absolute) : -1;
    const assignments = Object.entries(set ?? {}).map(
        ([column, value]) => [eventColumns.indexOf(column as EventColumn), value] as const,
    );
    return (known, values) => {
        if (!holds(known, values)) return;
        const value = absoluteIndex === -1 ? null : known[absoluteIndex];
        if (value) known[absoluteIndex] = trimAsciiSpace(value).replace(/^-/, "");
        for (const [index, assigned] of assignments) known[index] = assigned;
    };
}

function createCondition(
    { column, equals, startsWith, isEmpty: wantsEmpty }: RuleCondition,
    { header, targets }: FileShape,
): (known: (string | null)[], values: (string | null)[]) => boolean {
    const index = eventColumns.indexOf(column.toLowerCase() as EventColumn);
    const place = index === -1 ? findColumn(header, targets, column) : -1;
    return (known, values) => {
        const value = trimAsciiSpace((index === -1 ? values[place] : known[index]) ?? "");
        if (equals !== undefined) return value === equals;
        if (startsWith !== undefined) return value.startsWith(startsWith);
        return (value === "") === wantsEmpty;
    };
}

/** From the file's own values, trimmed, so that a later change of another setting does not change the ids. */
function createDerivation({ from, namespace = defaultNamespace }: DerivedId, shape: FileShape) {
    const namespaceBytes = Buffer.from(namespace.replaceAll("-", ""), "hex");
    if (from === "position") {
        return (_values: (string | null)[], { path, recordNo }: RecordPosition): string => {
            // A file that is compressed later is the same file.
            return uuidOf(namespaceBytes, JSON.stringify([path.replace(/\.(gz|zst)$/i, ""), recordNo]));
        };
    }
    const { header, targets } = shape;
    const byName = header
        .map((name, place) => ({ name: name.toLowerCase(), place }))
        .sort((left, right) => (left.name < right.name ? -1 : 1));
    const places = from === "record" ? [] : from.map((name) => findColumn(header, targets, name));
    return (values: (string | null)[]): string | null => {
        const named = places.map((place) => trimAsciiSpace(values[place] ?? ""));
        const all =
            from === "record" ? byName.map(({ name, place }) => [name, trimAsciiSpace(values[place] ?? "")]) : [];
        const parts = from === "record" ? all.filter(([, value]) => value !== "") : named;
        // Nothing to tell the record by.
        if (parts.every((part) => part === "")) return null;
        return uuidOf(namespaceBytes, JSON.stringify(parts));
    };
}

/** A version 5 uuid: RFC 9562, section 5.5. */
function uuidOf(namespaceBytes: Buffer, name: string): string {
    // One call: a hash object for each record takes three times as long.
    const digest = hash("sha1", Buffer.concat([namespaceBytes, Buffer.from(name)]), "hex");
    const variant = "89ab"[Number.parseInt(digest[16]!, 16) & 3]!;
    const hex = `${digest.slice(0, 12)}5${digest.slice(13, 16)}${variant}${digest.slice(17, 32)}`;
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
