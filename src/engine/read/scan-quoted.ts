/**
 * The scanner's part for what begins with a line that holds a quote: a record, whose quoted values may span lines; the
 * line alone, when the record breaks the strict grammar; or a comment.
 */

import type { Grammar } from "../../streams/dialect.ts";
import { findField } from "./find-field.ts";
import { findLineEnd, findStrictEnd, type StrictEnd } from "./find-record-end.ts";
import { hidesRecord } from "./hidden-records.ts";
import { beginsComment, isBlankRecord, skipMarks } from "./line-start.ts";
import { type LookAhead, noteFound } from "./look-ahead.ts";
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
    const hasMarks = grammar.firstBytes[bytes[lineStart]!] === 1;
    const start = hasMarks ? skipMarks(bytes, lineStart, bytes.length, keyPlace(options) === 0) : lineStart;
    // The line end does not count towards the maximum.
    const mostBytes = options.maxRecordBytes + 2;
    const limit = Math.min(bytes.length, start + mostBytes);
    const seen = findStrictEnd(bytes, start, limit, grammar, ahead);
    const isCounted = ahead.foundTo <= start;
    noteFound(ahead, seen, limit === bytes.length);
    const isCutShort = limit === bytes.length && limit - start < mostBytes;
    const isOpen = seen.outcome === "open" && seen.inQuotes;
    // Of a quote that is the last byte before the limit only the byte behind it tells whether it closes.
    const isUndecided = limit === bytes.length && !isOpen;
    const isUnfinished = seen.outcome === "open" && (isCutShort || isUndecided);
    const isTail = isUnfinished && options.atEnd;
    const hides = (end: number, isWhole: boolean) => hidesRecord(bytes, start, end, isWhole, options, grammar, ahead);
    const isHidden = spansLines(seen) && hides(seen.outcome === "strict" ? seen.end : limit, seen.outcome === "strict");
    // What is seen in an unfinished line may turn out otherwise.
    const inTail = !isHidden && spansLines(seen) && isTail && !isOpen && hides(limit, true);
    if (isHidden || inTail) {
        const next = takePhysicalLine(bytes, records, start, UNCLOSED_QUOTE, options, grammar);
        if (inTail && next !== OTHER_HEADER) markTail(records);
        return next;
    }
    const isUnclosed = isOpen || seen.outcome === "broken";
    const found = isCounted || isUnclosed ? seen : findStrictEnd(bytes, start, limit, grammar);
    if (found.outcome === "strict" && found.end - start <= options.maxRecordBytes) {
        if (!addQuoted(bytes, records, start, found.end, found.fields, options, grammar)) return OTHER_HEADER;
        records.consumedLines += found.lines;
        if (found.hasEndMarker) records.hasEndMarker = true;
        return found.next;
    }
    if (isUnfinished) {
        if (!options.atEnd) return NEED_MORE;
        if (found.outcome === "open" && !found.inQuotes) {
            // The input ends outside quotes: a whole record without its line end, or one that is too long already.
            const end = bytes.at(-1) === CR ? bytes.length - 1 : bytes.length;
            if (end - start <= options.maxRecordBytes) {
                const before = records.count;
                if (!addQuoted(bytes, records, start, end, found.fields, options, grammar)) return OTHER_HEADER;
                if (records.count > before) markTail(records);
                else markEmptyTail(records, start);
                records.consumedLines += found.lines + 1;
                return bytes.length;
            }
        }
    }
    const reason = found.outcome === "broken" ? found.reason : isOpen ? UNCLOSED_QUOTE : RECORD_TOO_LONG;
    const next = takePhysicalLine(bytes, records, start, reason, options, grammar);
    if (isTail && next !== OTHER_HEADER) markTail(records);
    return next;
}

function spansLines(found: StrictEnd): boolean {
    return found.outcome !== "broken" && found.lines > (found.outcome === "strict" ? 1 : 0);
}

/** Adds a record that splits, unless it is blank. False when it is a header of other columns. */
function addQuoted(
    bytes: Uint8Array,
    records: ScannedRecords,
    start: number,
    end: number,
    fields: number,
    options: ScanOptions,
    grammar: Grammar,
): boolean {
    const { telltale, header } = options;
    const key = findField(bytes, start, end, keyPlace(options), grammar);
    let kind = quotedKind(fields, options.fieldCount);
    if (!telltale?.fits(bytes, key.start, key.end)) {
        if (isBlankRecord(bytes, start, end, grammar)) return true;
        const found = header?.judge(bytes, start, end, key.start, key.end) ?? NO_HEADER;
        if (found === OTHER_COLUMNS) return false;
        if (found === SAME_COLUMNS) kind = HEADER_REPEATED;
    }
    if (kind === TOO_MANY_FIELDS && header?.endsWithOther(bytes, start, end)) return false;
    records.isPadded = true;
    add(records, start, end, kind, sliceOf(bytes, options, key.start, key.end, grammar.quote));
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
