/**
 * The scanner's part for what begins with a line that holds a quote: a record, whose quoted values may span lines; the
 * line alone, when the record breaks the strict grammar; or a comment.
 */

import type { Grammar } from "../../streams/dialect.ts";
import { isBlankRecord } from "./fields.ts";
import { findStrictEnd, type LookAhead, noteFound, type StrictEnd } from "./find-record-end.ts";
import { beginsComment, findLineEnd, skipMarks } from "./lines.ts";
import {
    add,
    HEADER_REPEATED,
    markEmptyTail,
    markTail,
    RECORD_TOO_LONG,
    type ScannedRecords,
    type ScanOptions,
    STRICT_QUOTED,
    sliceOf,
    TOO_FEW_FIELDS,
    TOO_MANY_FIELDS,
    UNCLOSED_QUOTE,
} from "./scanned-records.ts";
import { NO_HEADER, OTHER_COLUMNS, SAME_COLUMNS } from "./watch-header.ts";

const CR = 0x0d;

/** In place of where the next record begins. */
export const NEED_MORE = -1;
export const OTHER_HEADER = -2;

/** Where the key stands, or what tells a record in a file without one. */
export function keyPlace({ telltale, keyIndex }: ScanOptions): number {
    return telltale?.index ?? keyIndex;
}

/**
 * Adds the record that begins at `lineStart` and holds a quote on its first line. Returns where the next one begins,
 * NEED_MORE when only further bytes can tell, or OTHER_HEADER before a header of other columns.
 */
export function takeQuoted(
    bytes: Uint8Array,
    records: ScannedRecords,
    lineStart: number,
    options: ScanOptions,
    grammar: Grammar,
    ahead: LookAhead,
): number {
    if (lineStart + grammar.comment.length > bytes.length && !options.atEnd) return NEED_MORE;
    if (beginsComment(bytes, lineStart, grammar)) return skipComment(bytes, records, lineStart, options, grammar);
    const place = keyPlace(options);
    const hasMarks = grammar.firstBytes[bytes[lineStart]!] === 1;
    const start = hasMarks ? skipMarks(bytes, lineStart, bytes.length, place === 0) : lineStart;
    // The line end does not count towards the maximum.
    const mostBytes = options.maxRecordBytes + 2;
    const limit = Math.min(bytes.length, start + mostBytes);
    const isCounted = ahead.foundTo <= start;
    const seen = findStrictEnd(bytes, start, limit, grammar, place, ahead);
    noteFound(ahead, seen, limit === bytes.length);
    const isOpen = seen.outcome === "open" && seen.inQuotes;
    // Whether a quote that is the last byte before the limit closes, only the byte behind it tells.
    const isUndecided = limit - start < mostBytes || !isOpen;
    const isTail = seen.outcome === "open" && limit === bytes.length && isUndecided;
    if (isTail && !options.atEnd) return NEED_MORE;
    const isUnclosed = isOpen || (isTail && seen.isHiding);
    const isKnown = isCounted || isUnclosed || seen.outcome === "broken";
    const found = isKnown ? seen : findStrictEnd(bytes, start, limit, grammar, place);
    const isWhole = found.outcome === "strict" || (isTail && !isUnclosed);
    if (isWhole && found.end - start <= options.maxRecordBytes) {
        const before = records.count;
        if (!addQuoted(bytes, records, start, found, options, grammar)) return OTHER_HEADER;
        if (isTail && records.count > before) markTail(records);
        else if (isTail) markEmptyTail(records, start);
        records.consumedLines += found.lines + (isTail ? 1 : 0);
        if (found.hasEndMarker) records.hasEndMarker = true;
        return found.next;
    }
    const tooLong = isUnclosed ? UNCLOSED_QUOTE : RECORD_TOO_LONG;
    const reason = found.outcome === "broken" ? found.reason : tooLong;
    const next = takePhysicalLine(bytes, records, start, reason, options, grammar);
    if (isTail && next !== OTHER_HEADER) markTail(records);
    return next;
}

/** Adds a record that splits, unless it is blank. False when it is a header of other columns. */
function addQuoted(
    bytes: Uint8Array,
    records: ScannedRecords,
    start: number,
    { end, fields, keyStart, keyEnd }: StrictEnd,
    options: ScanOptions,
    grammar: Grammar,
): boolean {
    const { telltale, header } = options;
    let kind = quotedKind(fields, options.fieldCount);
    if (!telltale?.fits(bytes, keyStart, keyEnd)) {
        if (isBlankRecord(bytes.subarray(start, end), grammar)) return true;
        const found = header?.judge(bytes, start, end, keyStart, keyEnd) ?? NO_HEADER;
        if (found === OTHER_COLUMNS) return false;
        if (found === SAME_COLUMNS) kind = HEADER_REPEATED;
    }
    if (kind === TOO_MANY_FIELDS && header?.endsWithOther(bytes, start, end)) return false;
    records.isPadded = true;
    add(records, start, end, kind, sliceOf(bytes, options, keyStart, keyEnd, grammar.quote));
    return true;
}

function quotedKind(fields: number, fieldCount: number): number {
    if (fields === fieldCount) return STRICT_QUOTED;
    return fields < fieldCount ? TOO_FEW_FIELDS : TOO_MANY_FIELDS;
}

/** The line alone, as one record that cannot be split: reading resumes at the next. OTHER_HEADER if it ends with one. */
function takePhysicalLine(
    bytes: Uint8Array,
    records: ScannedRecords,
    start: number,
    reason: number,
    { maxRecordBytes, atEnd, header }: ScanOptions,
    grammar: Grammar,
): number {
    const line = findLineEnd(bytes, start, grammar.takesReturn);
    if ((line.end === -1 || line.next > bytes.length) && !atEnd) return NEED_MORE;
    const end = line.end === -1 ? bytes.length : line.end;
    const contentEnd = !grammar.takesReturn && bytes[end - 1] === CR ? end - 1 : end;
    if (header?.endsWithOther(bytes, start, contentEnd)) return OTHER_HEADER;
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
    if (line.end === -1) markEmptyTail(records, start);
    records.consumedLines += 1;
    return Math.min(bytes.length, line.next);
}
