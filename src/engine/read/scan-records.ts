/**
 * Cuts bytes into records, without looking at values. Pure.
 *
 * A record is the longest strictly valid CSV record (a quote opens only at a field's start; a closing quote is followed
 * by the delimiter, a line end or another quote) of at most `maxRecordBytes`; where there is none, it is the physical
 * line, and reading resumes at the next line. So a stray or unclosed quote costs one line; a quoted value that holds a
 * line which is a record was never closed (hidden-records.ts). A line without a byte is no record, and neither is a
 * comment line or one of nothing but delimiters and blanks. Lines end with LF or CRLF, and with a lone CR where the
 * dialect says so. The scan ends before a line that is a header of other columns.
 *
 * Lines without a quote are taken here, by one loop over the bytes; at a quote scan-quoted.ts takes over for one record.
 */
import { isUtf8 } from "node:buffer";
import { CONTROL_Z, DELIMITER, defaultGrammar, type Grammar, LINE_END, TEXT } from "../../streams/dialect.ts";
import { beginsComment, isBlankLine, skipMarks } from "./lines.ts";
import { keyPlace, NEED_MORE, OTHER_HEADER, takeQuoted } from "./scan-quoted.ts";
import {
    add,
    emptyRecords,
    forgetRecords,
    HEADER_REPEATED,
    INVALID_UTF8,
    markEmptyTail,
    markTail,
    NUL_BYTE,
    RECORD_TOO_LONG,
    type ScannedRecords,
    type ScanOptions,
    STRAY_CARRIAGE_RETURN,
    STRICT,
    STRICT_QUOTED,
    sliceOf,
    TOO_FEW_FIELDS,
    TOO_MANY_FIELDS,
} from "./scanned-records.ts";
import { NO_HEADER, OTHER_COLUMNS } from "./watch-header.ts";

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const DASH = 0x2d;
const uuidBytes = 36;

/** The records of some bytes, in arrays that its next call overwrites. */
export type Scanner = (bytes: Uint8Array, options: ScanOptions) => ScannedRecords;

/** A scanner with its own buffers: for one stream after the other. */
export function createScanner(): Scanner {
    const records = emptyRecords(4096);
    return (bytes, options) => {
        const textEnd = endOfText(bytes);
        scan(textEnd === bytes.length ? bytes : bytes.subarray(0, textEnd), options, records);
        if (options.atEnd && textEnd < bytes.length && records.consumedBytes === textEnd) {
            records.consumedBytes = bytes.length;
            markEmptyTail(records, textEnd);
        }
        judgeBytes(bytes, records, options.grammar ?? defaultGrammar);
        return records;
    };
}

/** Behind it stands Ctrl-Z alone, which to DOS ends a file: nothing, unless more follows. */
function endOfText(bytes: Uint8Array): number {
    let end = bytes.length;
    while (end > 0 && bytes[end - 1] === CONTROL_Z) end -= 1;
    return end;
}

/** One loop over the bytes: about 0.1 s per million records of 100 bytes without quotes. */
function scan(bytes: Uint8Array, options: ScanOptions, records: ScannedRecords): void {
    const { grammar = defaultGrammar, atEnd, stopAfterBytes = Number.POSITIVE_INFINITY } = options;
    const keyIndex = keyPlace(options);
    const ahead = { telltale: options.telltale ?? null, fieldCount: options.fieldCount, found: null, foundTo: -1 };
    const { classes, delimiter } = grammar;
    forgetRecords(records);
    let start = 0;
    let delimiters = 0;
    let keyStart = 0;
    let keyEnd = 0;
    let at = 0;
    while (at < bytes.length) {
        const byteClass = classes[bytes[at]!]!;
        if (byteClass === TEXT) {
            at += 1;
        } else if (byteClass === DELIMITER) {
            if (delimiters === keyIndex) keyEnd = at;
            delimiters += 1;
            at += 1;
            if (delimiters === keyIndex) keyStart = at;
            if (isSpace(bytes, at - 2, start, delimiter) || isSpace(bytes, at, start, delimiter)) {
                records.isPadded = true;
            }
        } else if (byteClass === LINE_END) {
            let next = at + 1;
            if (bytes[at] === CR) {
                // Whether an LF follows belongs to this line end.
                if (next === bytes.length && !atEnd) return;
                if (bytes[next] === LF) next += 1;
            }
            const valueEnd = delimiters > keyIndex ? keyEnd : at;
            if (!addLine(bytes, records, start, at, delimiters, options, grammar, keyStart, valueEnd)) return;
            at = next;
            start = at;
            delimiters = 0;
            keyStart = at;
            records.consumedBytes = start;
            records.consumedLines += 1;
            if (start >= stopAfterBytes && records.tailIndex === -1) return;
        } else {
            const next = takeQuoted(bytes, records, start, options, grammar, ahead);
            if (next === NEED_MORE) return;
            if (next === OTHER_HEADER) {
                records.otherHeader = start;
                return;
            }
            at = next;
            start = next;
            delimiters = 0;
            keyStart = next;
            records.consumedBytes = next;
            if (next >= stopAfterBytes && records.tailIndex === -1) return;
        }
    }
    if (start < bytes.length && atEnd) {
        const valueEnd = delimiters > keyIndex ? keyEnd : bytes.length;
        addTail(bytes, records, start, delimiters, options, grammar, keyStart, valueEnd);
    }
}

/** Adds the line at the end of the input, which has no quote and no line end. */
function addTail(
    bytes: Uint8Array,
    records: ScannedRecords,
    start: number,
    delimiters: number,
    options: ScanOptions,
    grammar: Grammar,
    keyStart: number,
    keyEnd: number,
): void {
    const before = records.count;
    if (!addLine(bytes, records, start, bytes.length, delimiters, options, grammar, keyStart, keyEnd)) return;
    if (records.count > before) markTail(records);
    else markEmptyTail(records, start);
    records.consumedBytes = bytes.length;
    records.consumedLines += 1;
}

/**
 * Adds the line [start, end) that holds no quote; its key, or what tells a record otherwise, is [keyStart, keyEnd). False
 * when it is a header of other columns, before which the scan ends.
 */
function addLine(
    bytes: Uint8Array,
    records: ScannedRecords,
    start: number,
    end: number,
    delimiters: number,
    options: ScanOptions,
    grammar: Grammar,
    keyStart: number,
    keyEnd: number,
): boolean {
    const { fieldCount, maxRecordBytes } = options;
    const contentEnd = !grammar.takesReturn && end > start && bytes[end - 1] === CR ? end - 1 : end;
    if (contentEnd === start) return true;
    // With a uuid for its key, and a first byte that is nothing else, it is no header, comment or blank line.
    const hasUuid = keyEnd - keyStart === uuidBytes && bytes[keyStart + 8] === DASH;
    let from = start;
    let kind = STRICT;
    if (!hasUuid || grammar.firstBytes[bytes[start]!] === 1) {
        if (beginsComment(bytes, start, grammar)) return true;
        from = skipMarks(bytes, start, contentEnd, keyPlace(options) === 0);
        if (isBlankLine(bytes, from, contentEnd, grammar.delimiter)) return true;
        const found = options.header?.judge(bytes, from, contentEnd, keyStart, keyEnd) ?? NO_HEADER;
        if (found === OTHER_COLUMNS) {
            records.otherHeader = start;
            return false;
        }
        if (found !== NO_HEADER) kind = HEADER_REPEATED;
    }
    if (bytes[from]! <= SPACE || bytes[contentEnd - 1]! <= SPACE) records.isPadded = true;
    if (contentEnd - from > maxRecordBytes) kind = RECORD_TOO_LONG;
    else if (kind === HEADER_REPEATED) kind = HEADER_REPEATED;
    else if (delimiters + 1 < fieldCount) kind = TOO_FEW_FIELDS;
    else if (delimiters + 1 > fieldCount) kind = TOO_MANY_FIELDS;
    if (kind === TOO_MANY_FIELDS && options.header?.endsWithOther(bytes, from, contentEnd)) {
        records.otherHeader = start;
        return false;
    }
    add(records, from, contentEnd, kind, sliceOf(bytes, options, keyStart, keyEnd, grammar.quote));
    return true;
}

/** White space beside a delimiter; a line end, another delimiter, or nothing, is none. */
function isSpace(bytes: Uint8Array, at: number, start: number, delimiter: number): boolean {
    return (
        at >= start &&
        at < bytes.length &&
        bytes[at]! <= SPACE &&
        bytes[at] !== CONTROL_Z &&
        bytes[at] !== LF &&
        bytes[at] !== CR &&
        bytes[at] !== delimiter
    );
}

/**
 * Finds the records that hold a NUL, invalid UTF-8 or, outside quotes, a carriage return. Whole-buffer checks first
 * (7 ms per 100 MB): a record is only looked at when its buffer is not clean.
 */
function judgeBytes(bytes: Uint8Array, records: ScannedRecords, { quote, takesReturn }: Grammar): void {
    const seen = bytes.subarray(0, records.consumedBytes);
    const hasNul = seen.indexOf(0) !== -1;
    const hasReturn = !takesReturn && seen.indexOf(CR) !== -1;
    const isText = isUtf8(seen);
    if (!hasNul && !hasReturn && isText) return;
    for (let index = 0; index < records.count; index += 1) {
        const kind = records.kinds[index]!;
        if (kind > TOO_MANY_FIELDS) continue;
        const record = bytes.subarray(records.starts[index]!, records.ends[index]!);
        const holds = (byte: number) => byte !== -1 && record.indexOf(byte) !== -1;
        if (hasNul && holds(0)) records.kinds[index] = NUL_BYTE;
        else if (!isText && !isUtf8(record)) records.kinds[index] = INVALID_UTF8;
        else if (hasReturn && kind !== STRICT_QUOTED && holds(CR) && !holds(quote))
            records.kinds[index] = STRAY_CARRIAGE_RETURN;
    }
}
