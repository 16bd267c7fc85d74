/**
 * Applies sluice.config.ts to the values of one record before it is staged. Pure. The order is: nulls, values, numbers,
 * timestamps, constants, rules, the derived key, defaults. A value that does not fit a form stays as it is: the rules of
 * the merge reject it, and the reject shows the file's own text.
 */

import { hash } from "node:crypto";
import { deriveKey } from "../../streams/derive-key.ts";
import type { DerivedId, RuleCondition, ValueRule } from "../../streams/source-config.ts";
import { type Column, columnNames } from "../../streams/stream.ts";
import type { ColumnType } from "../../streams/types/column-type.ts";
import { createNumberReader } from "../../streams/values/read-number.ts";
import { createLocalReader, createTimestampReader } from "../../streams/values/read-timestamp.ts";
import { trimAsciiSpace } from "../../streams/values/trim-text.ts";
import { type FileShape, findField } from "../read/file-shape.ts";

/**
 * `known`: the values of the stream's columns, in their order, null where there is none. `values`: all of the file's, without those
 * that stand for none; of a column that the file's folders give, what these say. And the slice of the record.
 */
export type RecordMapping = (
    values: (string | null)[],
    position: RecordPosition,
) => {
    known: (string | null)[];
    values: (string | null)[];
    slice: number;
    /** The record says otherwise than the file's folders. */
    differsFromPath: boolean;
};

export interface RecordPosition {
    /** The file's, in the watched folder. */
    path: string;
    recordNo: number;
}

/** Sluice's own namespace: a uuid that was drawn once. */
const defaultNamespace = "8f4f6a0e-6b1c-4d0a-9a55-0c7d4f1f2b63";

export function createMapping(shape: FileShape): RecordMapping {
    const { stream, source, targets, pathColumns = [] } = shape;
    if (source === null) throw new TypeError("A file without a source has no mapping.");
    const { columns, key } = stream;
    const places = columns.map((column) => targets.indexOf(column));
    const nulls = source.nulls ? new Set(source.nulls) : null;
    const isNullText = (value: string | null) => value !== null && nulls?.has(trimAsciiSpace(value)) === true;
    const withoutNulls = (value: string | null) => (isNullText(value) ? null : value);
    const ofPath = new Map(pathColumns.map(({ column, value }) => [columns.indexOf(column), withoutNulls(value)]));
    const compared = pathColumns
        .map(({ column }) => ({ column, place: targets.indexOf(column), value: ofPath.get(columns.indexOf(column))! }))
        .filter(({ place }) => place !== -1);
    const isWrittenAs = (form: ColumnType["writtenAs"]) => columns.map(({ type }) => type.writtenAs === form);
    const readNumber = source.numbers ? createNumberReader(source.numbers) : null;
    const isNumber = isWrittenAs("numbers");
    const readTimestamp = source.timestamps ? createTimestampReader(source.timestamps) : null;
    const readLocal = source.timestamps ? createLocalReader(source.timestamps) : null;
    const momentReaders = columns.map(({ type: { writtenAs } }) => {
        if (writtenAs === "timestamps") return readTimestamp;
        return writtenAs === "local timestamps" || writtenAs === "dates" ? readLocal : null;
    });
    const isDate = isWrittenAs("dates");
    const keyIndex = key === null ? -1 : columns.indexOf(key);
    const valueMaps = columns.map(({ name }) => {
        const values = source.values?.[name];
        return values ? new Map(Object.entries(values)) : null;
    });
    const constants = columns.map(({ name }) => source.constants?.[name] ?? null);
    const defaults = columns.map(({ name }) => source.defaults?.[name] ?? null);
    const rules = (source.rules ?? []).map((rule) => createRule(rule, shape));
    const isDeriving = source[deriveKey] !== undefined && key !== null && !targets.includes(key);
    const deriveId = isDeriving ? createDerivation(source[deriveKey]!, shape) : null;
    const moment = (value: string, index: number) => {
        const found = momentReaders[index]?.(trimAsciiSpace(value)) ?? value;
        return isDate[index] ? found.replace(/ 00:00:00$/, "") : found;
    };

    return (given, position) => {
        const values = nulls === null ? given : given.map(withoutNulls);
        const known = places.map((place, index): string | null => {
            if (place === -1 && !ofPath.has(index)) return constants[index]!;
            const value = ofPath.has(index) ? ofPath.get(index)! : values[place]!;
            const text = trimAsciiSpace(value ?? "");
            const mapped = valueMaps[index]?.get(text);
            if (mapped !== undefined) return mapped;
            return isNumber[index] && readNumber && text !== "" ? readNumber(text) : value;
        });
        if (readTimestamp) {
            for (const [index, value] of known.entries()) if (value) known[index] = moment(value, index);
        }
        for (const applyRule of rules) applyRule(known, values);
        if (deriveId) known[keyIndex] = deriveId(values, position);
        for (const [index, value] of defaults.entries()) {
            if (value !== null && isEmpty(known[index]!)) known[index] = value;
        }
        return {
            known,
            values,
            slice: key?.type.slices?.ofText(known[keyIndex] ?? "") ?? 0,
            differsFromPath: compared.some(({ column, place, value }) => differ(column, values[place]!, value)),
        };
    };
}

/** A record that says nothing of the column does not contradict. */
function differ({ type }: Column, given: string | null, ofPath: string | null): boolean {
    if (isEmpty(given)) return false;
    const [one, other] = [trimAsciiSpace(given!), trimAsciiSpace(ofPath ?? "")];
    if (one === other) return false;
    const areWhole = [one, other].every((text) => /^[+-]?\d+$/.test(text));
    return !(
        type.writtenAs === "numbers" &&
        areWhole &&
        BigInt(one.replace("+", "")) === BigInt(other.replace("+", ""))
    );
}

function isEmpty(value: string | null): boolean {
    return value === null || trimAsciiSpace(value) === "";
}

type Rule = (known: (string | null)[], values: (string | null)[]) => void;

function createRule({ when, absolute, set }: ValueRule, shape: FileShape): Rule {
    const applies = when ? createCondition(when, shape) : () => true;
    const names = columnNames(shape.stream);
    const absoluteIndex = absolute ? names.indexOf(absolute) : -1;
    const assignments = Object.entries(set ?? {}).map(([column, value]) => [names.indexOf(column), value] as const);
    return (known, values) => {
        if (!applies(known, values)) return;
        const value = absoluteIndex === -1 ? null : known[absoluteIndex];
        if (value) known[absoluteIndex] = trimAsciiSpace(value).replace(/^-/, "");
        for (const [index, assigned] of assignments) known[index] = assigned;
    };
}

function createCondition(
    { column, equals, startsWith, isEmpty: wantsEmpty }: RuleCondition,
    { stream, header, targets }: FileShape,
): (known: (string | null)[], values: (string | null)[]) => boolean {
    const index = columnNames(stream).indexOf(column.toLowerCase());
    const place = index === -1 ? findField(header, targets, column) : -1;
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
    const { header, targets, pathColumns = [] } = shape;
    const ofPath = new Map(pathColumns.map(({ column, value }) => [column.name.toLowerCase(), value]));
    const byName = [
        ...header.map((name, place) => ({ name: name.toLowerCase(), place })),
        ...absent(ofPath, header),
    ].sort((left, right) => (left.name < right.name ? -1 : 1));
    const places =
        from === "record"
            ? []
            : from.map((name) => ({ name: name.toLowerCase(), place: findField(header, targets, name) }));
    const withPath = (field: { name: string; place: number }) => {
        const fixed = ofPath.has(field.name) ? trimAsciiSpace(ofPath.get(field.name) ?? "") : null;
        return { ...field, fixed };
    };
    const fields = (from === "record" ? byName : places).map(withPath);
    return (values: (string | null)[]): string | null => {
        const texts = fields.map(({ place, fixed }) => fixed ?? trimAsciiSpace(values[place] ?? ""));
        const all = from === "record" ? fields.map(({ name }, index) => [name, texts[index]!]) : [];
        const parts = from === "record" ? all.filter(([, value]) => value !== "") : texts;
        // Nothing to tell the record by.
        if (parts.every((part) => part === "")) return null;
        return uuidOf(namespaceBytes, JSON.stringify(parts));
    };
}

/** Those that the file's folders have, and its header has not. */
function absent(ofPath: ReadonlyMap<string, string | null>, header: readonly string[]) {
    const names = new Set(header.map((name) => name.toLowerCase()));
    return [...ofPath.keys()].filter((name) => !names.has(name)).map((name) => ({ name, place: -1 }));
}

/** A version 5 uuid: RFC 9562, section 5.5. */
function uuidOf(namespaceBytes: Buffer, name: string): string {
    // One call: a hash object for each record takes three times as long.
    const digest = hash("sha1", Buffer.concat([namespaceBytes, Buffer.from(name)]), "hex");
    const variant = "89ab"[Number.parseInt(digest[16]!, 16) & 3]!;
    const hex = `${digest.slice(0, 12)}5${digest.slice(13, 16)}${variant}${digest.slice(17, 32)}`;
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
