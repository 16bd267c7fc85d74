/**
 * Columns without a name in the header: a delimiter at the end of each line, the row numbers of a data frame. Their values
 * have nowhere to go. Empty ones are left out; a record that has one is rejected, so that no value is lost in silence.
 */

import { type Dialect, type Grammar, grammarOf } from "../../streams/dialect.ts";
import type { ColumnType } from "../../streams/types/column-type.ts";
import { fieldsOf, isEmptyField } from "./fields.ts";
import { type FileShape, isColumn } from "./file-shape.ts";
import { findStrictEnd } from "./find-record-end.ts";
import { createPlainCheck, NOT_PLAIN } from "./is-plain.ts";
import { beginsComment, isBlankLine } from "./lines.ts";
import { type ScannedRecords, STRICT_QUOTED, UNNAMED_VALUE } from "./scanned-records.ts";

const DOT = 0x2e;

/** Marks the records with a value in one of `fields`. */
export function markUnnamedValues(
    bytes: Uint8Array,
    records: ScannedRecords,
    fields: readonly number[],
    grammar: Grammar,
): void {
    for (let index = 0; index < records.count; index += 1) {
        if (records.kinds[index]! > STRICT_QUOTED) continue;
        const record = bytes.subarray(records.starts[index], records.ends[index]);
        if (haveValue(record, fields, grammar)) records.kinds[index] = UNNAMED_VALUE;
    }
}

/** Whether the first records have values in an unnamed column: then the column is no slip of the pen. */
export function haveUnnamedValues(
    bytes: Uint8Array,
    { targets, dialect, headerBytes, unnamedFields }: FileShape,
): boolean {
    const grammar = grammarOf(dialect);
    const records = firstRecords(bytes, headerBytes, grammar);
    return isSoOfMost(records, ({ record, fields }) => {
        return fields === targets.length && haveValue(record, unnamedFields!, grammar);
    });
}

/**
 * Which lines end with a delimiter that the others do not have: "header" or "records"; null when none do, or when it is not
 * certain. An unquoted value that holds a delimiter makes a record one value longer, too; but it moves what follows it.
 */
export function findTrailingDelimiter(bytes: Uint8Array, shape: FileShape): Dialect["trailingDelimiter"] | null {
    const { header, targets, dialect, headerBytes } = shape;
    const grammar = grammarOf(dialect);
    const records = firstRecords(bytes, headerBytes, grammar);
    const [first] = records;
    // On one line: known-headers.ts sees by that line that a header that was read before may be read otherwise here.
    if (!first || first.lines > 1) return null;
    if (header.at(-1) === "") {
        const named = targets.slice(0, -1);
        const isShorter = isSoOfMost(records, ({ fields }) => fields === named.length);
        return isShorter && isPlain(first.record, { ...shape, targets: named }) ? "header" : null;
    }
    const isLonger = ({ record, fields }: FirstRecord) =>
        fields === targets.length + 1 && record.at(-1) === grammar.delimiter;
    const isProof = (found: FirstRecord) => {
        const values = found.record.subarray(0, -1);
        if (!isLonger(found)) return false;
        return isInPlace(values, shape) || isQuotedThroughout(values, grammar);
    };
    return isLonger(first) && isSoOfMost(records, isLonger) && records.some(isProof) ? "records" : null;
}

/**
 * Each typed column holds what it should, no free text stands behind the last id or time, and the record ends with one of
 * these or with a decimal point's digits: a delimiter within a value would have moved one of them.
 */
function isInPlace(values: Uint8Array, shape: FileShape): boolean {
    const { targets } = shape;
    const lastForm = targets.findLastIndex((target) => isColumn(target) && hasForm(target.type));
    const isTyped = targets.slice(lastForm).every((target) => isColumn(target) && target.type.plainEnd !== null);
    const last = targets.at(-1)!;
    const isDecimal = isColumn(last) && last.type.writtenAs === "numbers" && values.includes(DOT, -3);
    return isTyped && (lastForm === targets.length - 1 || isDecimal) && isPlain(values, shape);
}

/** No other value is taken for one of these. */
function hasForm({ telltale, writtenAs }: ColumnType): boolean {
    return telltale !== null && writtenAs !== "numbers";
}

function isPlain(record: Uint8Array, shape: Pick<FileShape, "stream" | "targets" | "dialect">): boolean {
    return createPlainCheck(shape)(record, 0, record.length) !== NOT_PLAIN;
}

function isQuotedThroughout(record: Uint8Array, grammar: Grammar): boolean {
    return fieldsOf(record, grammar).every((field) => field[0] === grammar.quote);
}

function isSoOfMost(records: FirstRecord[], isSo: (record: FirstRecord) => boolean): boolean {
    return records.filter(isSo).length * 2 > records.length;
}

interface FirstRecord {
    record: Uint8Array;
    fields: number;
    lines: number;
}

/** Up to twenty whole records that keep to the strict grammar; none when one of them does not. */
function firstRecords(bytes: Uint8Array, from: number, grammar: Grammar): FirstRecord[] {
    const records: FirstRecord[] = [];
    let at = from;
    while (at < bytes.length && records.length < 20) {
        const found = findStrictEnd(bytes, at, bytes.length, grammar);
        if (found.outcome === "broken") return [];
        if (found.outcome === "open") break;
        const record = bytes.subarray(at, found.end);
        const isNone = beginsComment(record, 0, grammar) || isBlankLine(record, 0, record.length, grammar.delimiter);
        if (!isNone) records.push({ record, fields: found.fields, lines: found.lines });
        at = found.next;
    }
    return records;
}

/** Whether one of the fields has a value. */
function haveValue(record: Uint8Array, unnamed: readonly number[], grammar: Grammar): boolean {
    const fields = [...fieldsOf(record, grammar)];
    return unnamed.some((place) => fields[place] !== undefined && !isEmptyField(fields[place], grammar));
}
