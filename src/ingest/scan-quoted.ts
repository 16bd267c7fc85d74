/**
 * The scanner's part for what begins with a line that holds a quote: a record, whose quoted values may span lines; the
 * line alone, when the record breaks the strict grammar; or a comment.
 */
import type { Grammar } from "./dialect/dialect.ts";
import { findLineEnd, findStrictEnd, isEscaped } from "./find-record-end.ts";
import {
    add,
    markTail,
    RECORD_TOO_LONG,
    type ScannedRecords,
    type ScanOptions,
    STRICT_QUOTED,
    TOO_FEW_FIELDS,
    TOO_MANY_FIELDS,
    UNCLOSED_QUOTE,
} from "./scanned-records.ts";
import { sliceOfBytes } from "./slice-of.ts";

const CR = 0x0d;

/** In place of where the next record begins. */
export const NEED_MORE = -1;

/**
 * Adds the record that begins at `start` and holds a quote on its first line. Returns where the next one begins, or
 * NEED_MORE when only further bytes can tell.
 */
export function takeQuoted(
    bytes: Uint8Array,
    records: ScannedRecords,
    start: number,
    options: ScanOptions,
    grammar: Grammar,
): number {
    if (bytes[start] === grammar.comment) return skipComment(bytes, records, start, options, grammar);
    // The line end does not count towards the maximum.
    const mostBytes = options.maxRecordBytes + 2;
    const limit = Math.min(bytes.length, start + mostBytes);
    const found = findStrictEnd(bytes, start, limit, grammar);
    if (found.outcome === "strict" && found.end - start <= options.maxRecordBytes) {
        const slice = sliceOfQuoted(bytes, start, found.end, options.keyIndex, grammar);
        records.isPadded = true;
        add(records, start, found.end, quotedKind(found.fields, options.fieldCount), slice);
        records.consumedLines += found.lines;
        if (found.hasEndMarker) records.hasEndMarker = true;
        return found.next;
    }
    const cutShort = limit === bytes.length && limit - start < mostBytes;
    let isTail = false;
    // Of a quote that is the last byte before the limit only the byte behind it tells whether it closes.
    const isUndecided = limit === bytes.length && found.outcome === "open" && !found.inQuotes;
    if (found.outcome === "open" && (cutShort || isUndecided)) {
        if (!options.atEnd) return NEED_MORE;
        isTail = true;
        if (!found.inQuotes) {
            // The input ends outside quotes: a whole record without its line end, or one that is too long already.
            const end = bytes.at(-1) === CR ? bytes.length - 1 : bytes.length;
            if (end - start <= options.maxRecordBytes) {
                const slice = sliceOfQuoted(bytes, start, end, options.keyIndex, grammar);
                records.isPadded = true;
                add(records, start, end, quotedKind(found.fields, options.fieldCount), slice);
                records.consumedLines += found.lines + 1;
                markTail(records);
                return bytes.length;
            }
        }
    }
    const isOpen = found.outcome === "open" && found.inQuotes;
    const reason = found.outcome === "broken" ? found.reason : isOpen ? UNCLOSED_QUOTE : RECORD_TOO_LONG;
    const next = takePhysicalLine(bytes, records, start, reason, options, grammar);
    if (isTail) markTail(records);
    return next;
}

/** The slice of a strict record with quotes: its key is the field of that number. */
function sliceOfQuoted(bytes: Uint8Array, start: number, end: number, keyIndex: number, grammar: Grammar): number {
    const { delimiter, quote, escapeByte } = grammar;
    let fieldNo = 0;
    let fieldStart = start;
    let inQuotes = false;
    for (let at = start; at < end; at += 1) {
        const byte = bytes[at];
        if (inQuotes && byte === escapeByte && escapeByte !== quote && isEscaped(bytes[at + 1], grammar)) at += 1;
        else if (byte === quote) inQuotes = !inQuotes;
        else if (byte === delimiter && !inQuotes) {
            if (fieldNo === keyIndex) return sliceOfBytes(bytes, fieldStart, at, quote);
            fieldNo += 1;
            fieldStart = at + 1;
        }
    }
    return fieldNo === keyIndex ? sliceOfBytes(bytes, fieldStart, end, quote) : 0;
}

function quotedKind(fields: number, fieldCount: number): number {
    if (fields === fieldCount) return STRICT_QUOTED;
    return fields < fieldCount ? TOO_FEW_FIELDS : TOO_MANY_FIELDS;
}

/** The line alone, as one record that cannot be split: reading resumes at the next. */
function takePhysicalLine(
    bytes: Uint8Array,
    records: ScannedRecords,
    start: number,
    reason: number,
    { maxRecordBytes, atEnd }: ScanOptions,
    grammar: Grammar,
): number {
    const line = findLineEnd(bytes, start, grammar.takesReturn);
    if ((line.end === -1 || line.next > bytes.length) && !atEnd) return NEED_MORE;
    const end = line.end === -1 ? bytes.length : line.end;
    const contentEnd = !grammar.takesReturn && bytes[end - 1] === CR ? end - 1 : end;
    add(records, start, contentEnd, contentEnd - start > maxRecordBytes ? RECORD_TOO_LONG : reason, 0);
    records.consumedLines += 1;
    if (line.end === -1) markTail(records);
    return Math.min(bytes.length, line.next);
}

function skipComment(
    bytes: Uint8Array,
    records: ScannedRecords,
    start: number,
    { atEnd }: ScanOptions,
    { takesReturn }: Grammar,
): number {
    const line = findLineEnd(bytes, start, takesReturn);
    if ((line.end === -1 || line.next > bytes.length) && !atEnd) return NEED_MORE;
    records.consumedLines += 1;
    return Math.min(bytes.length, line.next);
}
