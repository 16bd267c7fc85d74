/**
 * Cuts bytes into records, without looking at values. Pure.
 *
 * A record is the longest strictly valid CSV record (a quote opens only at a field's start; a closing quote is followed
 * by the delimiter, a line end or another quote) of at most `maxRecordBytes`; where there is none, it is the physical
 * line, and reading resumes at the next line. So a stray or unclosed quote costs one line. A line without a byte is no
 * record. Lines end with LF or CRLF.
 */
import { isUtf8 } from "node:buffer";
import { sliceOfBytes } from "./slice-of.ts";

const COMMA = 0x2c;
const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;
const BACKSLASH = 0x5c;
const DOT = 0x2e;
const SPACE = 0x20;

/** What the scanner found a record to be. Everything above `strictQuoted` is why it cannot be split into values. */
export const recordKinds = [
    "strict",
    "strict_quoted",
    "too_few_fields",
    "too_many_fields",
    "stray_quote",
    "unclosed_quote",
    "stray_carriage_return",
    "nul_byte",
    "invalid_utf8",
    "record_too_long",
] as const;

export type RecordKind = (typeof recordKinds)[number];

export const STRICT = 0;
export const STRICT_QUOTED = 1;
const TOO_FEW_FIELDS = 2;
const TOO_MANY_FIELDS = 3;
const STRAY_QUOTE = 4;
const UNCLOSED_QUOTE = 5;
const STRAY_CARRIAGE_RETURN = 6;
const NUL_BYTE = 7;
const INVALID_UTF8 = 8;
const RECORD_TOO_LONG = 9;

export interface ScanOptions {
    /** Fields in the header: a record with another number is ragged. */
    fieldCount: number;
    /** Which field is the key: its slice is told for every record. */
    keyIndex: number;
    maxRecordBytes: number;
    /** True when nothing follows `bytes`: then an unfinished last record is one. */
    atEnd: boolean;
    /**
     * Stop once the records reach this many bytes. Not behind a record that only counts because the input ends: what
     * follows it would be read again with it if the input grows, so it belongs to the same chunk.
     */
    stopAfterBytes?: number;
}

/** The records of `bytes`, as parallel arrays of `count` entries, reused by the next scan of the same scanner. */
export interface ScannedRecords {
    count: number;
    /** Byte offsets in `bytes`: where a record begins, and where it ends before its line end. */
    starts: Int32Array;
    ends: Int32Array;
    /** Index into `recordKinds`. */
    kinds: Uint8Array;
    /** See slice-of.ts. */
    slices: Uint8Array;
    /** Lines from the beginning of `bytes` to each record: 0 for one that begins on the first. */
    lines: Int32Array;
    /** How many bytes the records and blank lines take, line ends included. The rest is an unfinished record. */
    consumedBytes: number;
    consumedLines: number;
    /** The first of the records that only count because the input ends: one without its line end, or lines behind an
     * open quote. -1 when there is none. */
    tailIndex: number;
    /** A value may have white space around it, or be an empty quoted one. */
    isPadded: boolean;
    /** Some quoted value has a line that begins with `\.`, which COPY on PostgreSQL 15 takes for the end of data. */
    hasEndMarker: boolean;
}

/** The records of some bytes, in arrays that its next call overwrites. */
export type Scanner = (bytes: Uint8Array, options: ScanOptions) => ScannedRecords;

/** A scanner with its own buffers: for one stream after the other. */
export function createScanner(): Scanner {
    const records = emptyRecords(4096);
    return (bytes, options) => {
        scan(bytes, options, records);
        judgeBytes(bytes, records);
        return records;
    };
}

function emptyRecords(capacity: number): ScannedRecords {
    return {
        count: 0,
        starts: new Int32Array(capacity),
        ends: new Int32Array(capacity),
        kinds: new Uint8Array(capacity),
        slices: new Uint8Array(capacity),
        lines: new Int32Array(capacity),
        consumedBytes: 0,
        consumedLines: 0,
        tailIndex: -1,
        isPadded: false,
        hasEndMarker: false,
    };
}

function grow(records: ScannedRecords): void {
    const capacity = records.starts.length * 2;
    const copy = <Column extends Int32Array | Uint8Array>(column: Column, larger: Column): Column => {
        larger.set(column);
        return larger;
    };
    records.starts = copy(records.starts, new Int32Array(capacity));
    records.ends = copy(records.ends, new Int32Array(capacity));
    records.kinds = copy(records.kinds, new Uint8Array(capacity));
    records.slices = copy(records.slices, new Uint8Array(capacity));
    records.lines = copy(records.lines, new Int32Array(capacity));
}

function add(records: ScannedRecords, start: number, end: number, kind: number, slice: number): void {
    if (records.count === records.starts.length) grow(records);
    records.starts[records.count] = start;
    records.ends[records.count] = end;
    records.kinds[records.count] = kind;
    records.slices[records.count] = slice;
    records.lines[records.count] = records.consumedLines;
    records.count += 1;
}

/** One loop over the bytes: about 0.1 s per million records of 100 bytes without quotes. */
function scan(bytes: Uint8Array, options: ScanOptions, records: ScannedRecords): void {
    const { fieldCount, keyIndex, maxRecordBytes, atEnd, stopAfterBytes = Number.POSITIVE_INFINITY } = options;
    records.count = 0;
    records.consumedBytes = 0;
    records.consumedLines = 0;
    records.tailIndex = -1;
    records.hasEndMarker = false;
    records.isPadded = false;
    let start = 0;
    let commas = 0;
    let keyStart = 0;
    let keyEnd = 0;
    let at = 0;
    while (at < bytes.length) {
        const byte = bytes[at]!;
        if (byte === COMMA) {
            if (commas === keyIndex) keyEnd = at;
            commas += 1;
            at += 1;
            if (commas === keyIndex) keyStart = at;
            if (isSpace(bytes, at - 2, start) || isSpace(bytes, at, start)) records.isPadded = true;
        } else if (byte === LF) {
            const slice = sliceOfBytes(bytes, keyStart, commas > keyIndex ? keyEnd : at);
            addLine(bytes, records, start, at, commas, fieldCount, maxRecordBytes, slice);
            at += 1;
            start = at;
            commas = 0;
            keyStart = at;
            records.consumedBytes = start;
            records.consumedLines += 1;
            if (start >= stopAfterBytes && records.tailIndex === -1) return;
        } else if (byte === QUOTE) {
            const next = takeQuoted(bytes, records, start, options);
            if (next === NEED_MORE) return;
            at = next;
            start = next;
            commas = 0;
            keyStart = next;
            records.consumedBytes = next;
            if (next >= stopAfterBytes && records.tailIndex === -1) return;
        } else {
            at += 1;
        }
    }
    if (start < bytes.length && atEnd) {
        const slice = sliceOfBytes(bytes, keyStart, commas > keyIndex ? keyEnd : bytes.length);
        const before = records.count;
        addLine(bytes, records, start, bytes.length, commas, fieldCount, maxRecordBytes, slice);
        // A lone carriage return is no record yet.
        if (records.count > before) markTail(records);
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
    commas: number,
    fieldCount: number,
    maxRecordBytes: number,
    slice: number,
): void {
    const contentEnd = end > start && bytes[end - 1] === CR ? end - 1 : end;
    if (contentEnd === start) return;
    if (bytes[start]! <= SPACE || bytes[contentEnd - 1]! <= SPACE) records.isPadded = true;
    let kind = STRICT;
    if (contentEnd - start > maxRecordBytes) kind = RECORD_TOO_LONG;
    else if (commas + 1 < fieldCount) kind = TOO_FEW_FIELDS;
    else if (commas + 1 > fieldCount) kind = TOO_MANY_FIELDS;
    add(records, start, contentEnd, kind, slice);
}

/** White space beside a delimiter; a line end, or nothing, is none. */
function isSpace(bytes: Uint8Array, at: number, start: number): boolean {
    return at >= start && at < bytes.length && bytes[at]! <= SPACE && bytes[at] !== LF && bytes[at] !== CR;
}

const NEED_MORE = -1;

/**
 * Adds the record that begins at `start` and holds a quote on its first line. Returns where the next one begins, or
 * NEED_MORE when only further bytes can tell.
 */
function takeQuoted(bytes: Uint8Array, records: ScannedRecords, start: number, options: ScanOptions): number {
    // The line end does not count towards the maximum.
    const mostBytes = options.maxRecordBytes + 2;
    const limit = Math.min(bytes.length, start + mostBytes);
    const found = findStrictEnd(bytes, start, limit);
    if (found.outcome === "strict" && found.end - start <= options.maxRecordBytes) {
        const slice = sliceOfQuoted(bytes, start, found.end, options.keyIndex);
        records.isPadded = true;
        add(records, start, found.end, quotedKind(found.fields, options.fieldCount), slice);
        records.consumedLines += found.lines;
        if (found.hasEndMarker) records.hasEndMarker = true;
        return found.next;
    }
    const cutShort = limit === bytes.length && limit - start < mostBytes;
    let isTail = false;
    if (found.outcome === "open" && cutShort) {
        if (!options.atEnd) return NEED_MORE;
        isTail = true;
        if (!found.inQuotes) {
            // The input ends outside quotes: a whole record without its line end.
            const end = bytes.at(-1) === CR ? bytes.length - 1 : bytes.length;
            if (end - start > options.maxRecordBytes) {
                return takePhysicalLine(bytes, records, start, RECORD_TOO_LONG, options);
            }
            const slice = sliceOfQuoted(bytes, start, end, options.keyIndex);
            records.isPadded = true;
            add(records, start, end, quotedKind(found.fields, options.fieldCount), slice);
            records.consumedLines += found.lines + 1;
            markTail(records);
            return bytes.length;
        }
    }
    const isOpen = found.outcome === "open" && found.inQuotes;
    const reason = found.outcome === "broken" ? found.reason : isOpen ? UNCLOSED_QUOTE : RECORD_TOO_LONG;
    const next = takePhysicalLine(bytes, records, start, reason, options);
    if (isTail) markTail(records);
    return next;
}

/** The slice of a strict record with quotes: its key is the field of that number. */
function sliceOfQuoted(bytes: Uint8Array, start: number, end: number, keyIndex: number): number {
    let fieldNo = 0;
    let fieldStart = start;
    let inQuotes = false;
    for (let at = start; at < end; at += 1) {
        if (bytes[at] === QUOTE) inQuotes = !inQuotes;
        else if (bytes[at] === COMMA && !inQuotes) {
            if (fieldNo === keyIndex) return sliceOfBytes(bytes, fieldStart, at);
            fieldNo += 1;
            fieldStart = at + 1;
        }
    }
    return fieldNo === keyIndex ? sliceOfBytes(bytes, fieldStart, end) : 0;
}

/** The record just added counts only because the input ends. */
function markTail(records: ScannedRecords): void {
    if (records.tailIndex === -1) records.tailIndex = records.count - 1;
}

function quotedKind(fields: number, fieldCount: number): number {
    if (fields === fieldCount) return STRICT_QUOTED;
    return fields < fieldCount ? TOO_FEW_FIELDS : TOO_MANY_FIELDS;
}

function takePhysicalLine(
    bytes: Uint8Array,
    records: ScannedRecords,
    start: number,
    reason: number,
    { maxRecordBytes, atEnd }: ScanOptions,
): number {
    const lineEnd = bytes.indexOf(LF, start);
    if (lineEnd === -1 && !atEnd) return NEED_MORE;
    const end = lineEnd === -1 ? bytes.length : lineEnd;
    const contentEnd = bytes[end - 1] === CR ? end - 1 : end;
    add(records, start, contentEnd, contentEnd - start > maxRecordBytes ? RECORD_TOO_LONG : reason, 0);
    records.consumedLines += 1;
    if (lineEnd === -1) markTail(records);
    return lineEnd === -1 ? bytes.length : lineEnd + 1;
}

export type StrictEnd =
    | { outcome: "strict"; end: number; next: number; fields: number; lines: number; hasEndMarker: boolean }
    | { outcome: "open"; inQuotes: boolean; fields: number; lines: number }
    | { outcome: "broken"; reason: number };

/** A quote that breaks the record on a later line than the one it opened on was not closed where it should have been. */
function brokenBy(reason: number, lines: number): StrictEnd {
    return { outcome: "broken", reason: lines > 0 ? UNCLOSED_QUOTE : reason };
}

/** Follows the strict grammar from `start`: to the record's line end, to what breaks it, or to `limit`. */
export function findStrictEnd(bytes: Uint8Array, start: number, limit: number): StrictEnd {
    let fields = 1;
    let lines = 0;
    let at = start;
    let hasEndMarker = false;
    while (true) {
        // At the start of a field.
        if (at < limit && bytes[at] === QUOTE) {
            at += 1;
            while (true) {
                if (at >= limit) return { outcome: "open", inQuotes: true, fields, lines };
                const byte = bytes[at]!;
                if (byte === QUOTE) {
                    if (bytes[at + 1] !== QUOTE || at + 1 >= limit) break;
                    at += 2;
                } else {
                    if (byte === LF) {
                        lines += 1;
                        if (bytes[at + 1] === BACKSLASH && bytes[at + 2] === DOT) hasEndMarker = true;
                    }
                    at += 1;
                }
            }
            at += 1;
            if (at >= limit) return { outcome: "open", inQuotes: false, fields, lines };
            const after = bytes[at]!;
            if (after === CR) {
                if (at + 1 >= limit) return { outcome: "open", inQuotes: false, fields, lines };
                if (bytes[at + 1] !== LF) return brokenBy(STRAY_QUOTE, lines);
            } else if (after !== COMMA && after !== LF) {
                return brokenBy(STRAY_QUOTE, lines);
            }
        } else {
            while (at < limit && bytes[at] !== COMMA && bytes[at] !== LF) {
                if (bytes[at] === QUOTE) return brokenBy(STRAY_QUOTE, lines);
                if (bytes[at] === CR) {
                    if (at + 1 >= limit) return { outcome: "open", inQuotes: false, fields, lines };
                    if (bytes[at + 1] === LF) break;
                    return brokenBy(STRAY_CARRIAGE_RETURN, lines);
                }
                at += 1;
            }
            if (at >= limit) return { outcome: "open", inQuotes: false, fields, lines };
        }
        // Behind a field: a delimiter or a line end.
        if (bytes[at] === COMMA) {
            fields += 1;
            at += 1;
        } else {
            const next = bytes[at] === CR ? at + 2 : at + 1;
            return { outcome: "strict", end: at, next, fields, lines: lines + 1, hasEndMarker };
        }
    }
}

/**
 * Finds the records that hold a NUL, invalid UTF-8 or, outside quotes, a carriage return. Whole-buffer checks first
 * (7 ms per 100 MB): a record is only looked at when its buffer is not clean.
 */
function judgeBytes(bytes: Uint8Array, records: ScannedRecords): void {
    const seen = bytes.subarray(0, records.consumedBytes);
    const hasNul = seen.indexOf(0) !== -1;
    const hasReturn = seen.indexOf(CR) !== -1;
    const isText = isUtf8(seen);
    if (!hasNul && !hasReturn && isText) return;
    for (let index = 0; index < records.count; index += 1) {
        const kind = records.kinds[index]!;
        if (kind > TOO_MANY_FIELDS) continue;
        const record = bytes.subarray(records.starts[index]!, records.ends[index]!);
        if (hasNul && record.indexOf(0) !== -1) records.kinds[index] = NUL_BYTE;
        else if (!isText && !isUtf8(record)) records.kinds[index] = INVALID_UTF8;
        else if (hasReturn && kind !== STRICT_QUOTED && record.indexOf(CR) !== -1 && !record.includes(QUOTE))
            records.kinds[index] = STRAY_CARRIAGE_RETURN;
    }
}
