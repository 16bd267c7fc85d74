/**
 * Cuts bytes into records, without looking at values. Pure.
 *
 * A record is the longest strictly valid CSV record (a quote opens only at a field's start; a closing quote is followed
 * by the delimiter, a line end or another quote) of at most `maxRecordBytes`; where there is none, it is the physical
 * line, and reading resumes at the next line. So a stray or unclosed quote costs one line. A line without a byte is no
 * record, and neither is a comment line. Lines end with LF or CRLF, and with a lone CR where the dialect says so.
 *
 * Lines without a quote are taken here, by one loop over the bytes; at a quote scan-quoted.ts takes over for one record.
 */
import { isUtf8 } from "node:buffer";
import { DELIMITER, defaultGrammar, type Grammar, LINE_END, PLAIN } from "./dialect/dialect.ts";
import { NEED_MORE, takeQuoted } from "./scan-quoted.ts";
import {
    add,
    emptyRecords,
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
    TOO_FEW_FIELDS,
    TOO_MANY_FIELDS,
} from "./scanned-records.ts";
import { sliceOfBytes } from "./slice-of.ts";

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;

/** The records of some bytes, in arrays that its next call overwrites. */
export type Scanner = (bytes: Uint8Array, options: ScanOptions) => ScannedRecords;

/** A scanner with its own buffers: for one stream after the other. */
export function createScanner(): Scanner {
    const records = emptyRecords(4096);
    return (bytes, options) => {
        scan(bytes, options, records);
        judgeBytes(bytes, records, options.grammar ?? defaultGrammar);
        return records;
    };
}

/** One loop over the bytes: about 0.1 s per million records of 100 bytes without quotes. */
function scan(bytes: Uint8Array, options: ScanOptions, records: ScannedRecords): void {
    const { grammar = defaultGrammar, keyIndex, atEnd, stopAfterBytes = Number.POSITIVE_INFINITY } = options;
    const { classes, delimiter, quote } = grammar;
    records.count = 0;
    records.consumedBytes = 0;
    records.consumedLines = 0;
    records.tailIndex = -1;
    records.hasEndMarker = false;
    records.isPadded = false;
    let start = 0;
    let delimiters = 0;
    let keyStart = 0;
    let keyEnd = 0;
    let at = 0;
    while (at < bytes.length) {
        const byteClass = classes[bytes[at]!]!;
        if (byteClass === PLAIN) {
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
            const slice = sliceOfBytes(bytes, keyStart, delimiters > keyIndex ? keyEnd : at, quote);
            addLine(bytes, records, start, at, delimiters, options, grammar, slice);
            at = next;
            start = at;
            delimiters = 0;
            keyStart = at;
            records.consumedBytes = start;
            records.consumedLines += 1;
            if (start >= stopAfterBytes && records.tailIndex === -1) return;
        } else {
            const next = takeQuoted(bytes, records, start, options, grammar);
            if (next === NEED_MORE) return;
            at = next;
            start = next;
            delimiters = 0;
            keyStart = next;
            records.consumedBytes = next;
            if (next >= stopAfterBytes && records.tailIndex === -1) return;
        }
    }
    if (start < bytes.length && atEnd) {
        const slice = sliceOfBytes(bytes, keyStart, delimiters > keyIndex ? keyEnd : bytes.length, quote);
        const before = records.count;
        addLine(bytes, records, start, bytes.length, delimiters, options, grammar, slice);
        if (records.count > before) markTail(records);
        else markEmptyTail(records, start);
        records.consumedBytes = bytes.length;
        records.consumedLines += 1;
    }
}

/** Adds the line [start, end) that holds no quote. */
function addLine(
    bytes: Uint8Array,
    records: ScannedRecords,
    start: number,
    end: number,
    delimiters: number,
    { fieldCount, maxRecordBytes }: ScanOptions,
    { comment, takesReturn }: Grammar,
    slice: number,
): void {
    const contentEnd = !takesReturn && end > start && bytes[end - 1] === CR ? end - 1 : end;
    if (contentEnd === start || bytes[start] === comment) return;
    if (bytes[start]! <= SPACE || bytes[contentEnd - 1]! <= SPACE) records.isPadded = true;
    let kind = STRICT;
    if (contentEnd - start > maxRecordBytes) kind = RECORD_TOO_LONG;
    else if (delimiters + 1 < fieldCount) kind = TOO_FEW_FIELDS;
    else if (delimiters + 1 > fieldCount) kind = TOO_MANY_FIELDS;
    add(records, start, contentEnd, kind, slice);
}

/** White space beside a delimiter; a line end, another delimiter, or nothing, is none. */
function isSpace(bytes: Uint8Array, at: number, start: number, delimiter: number): boolean {
    return (
        at >= start &&
        at < bytes.length &&
        bytes[at]! <= SPACE &&
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
