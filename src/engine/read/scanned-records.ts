/** The scanner's options, and the arrays in which it answers. */
import type { Grammar } from "../../streams/dialect.ts";
import type { Slices } from "../../streams/types/column-type.ts";
import type { Telltale } from "./hidden-records.ts";
import type { HeaderWatch } from "./watch-header.ts";

/** The kinds of records. Those above `strict_quoted` are the reasons why a record cannot be split into values. */
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
    "unnamed_value",
    "header_repeated",
    "tail_continued",
] as const;

export type RecordKind = (typeof recordKinds)[number];

export const STRICT = 0;
export const STRICT_QUOTED = 1;
export const TOO_FEW_FIELDS = 2;
export const TOO_MANY_FIELDS = 3;
export const STRAY_QUOTE = 4;
export const UNCLOSED_QUOTE = 5;
export const STRAY_CARRIAGE_RETURN = 6;
export const NUL_BYTE = 7;
export const INVALID_UTF8 = 8;
export const RECORD_TOO_LONG = 9;
export const UNNAMED_VALUE = 10;
export const HEADER_REPEATED = 11;
export const TAIL_CONTINUED = 12;

export interface ScanOptions {
    /** Fields in the header: a record with another number is ragged. */
    fieldCount: number;
    /** Which field is the key: its slice is told for every record. */
    keyIndex: number;
    /** The slice of a key; without it all records are of slice 0. */
    sliceOf?: Slices["ofBytes"];
    maxRecordBytes: number;
    /** True when nothing follows `bytes`: then an unfinished last record is one. */
    atEnd: boolean;
    /** Default: the default dialect's. */
    grammar?: Grammar;
    /** Tells a line that is a record from a line of quoted text; null when nothing does. */
    telltale?: Telltale | null;
    /** Knows the file's header when it comes again; null: nothing is taken for one. */
    header?: HeaderWatch | null;
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
    /** The slice of each record, by its key. */
    slices: Uint8Array;
    /** Lines from the beginning of `bytes` to each record: 0 for one that begins on the first. */
    lines: Int32Array;
    /** How many bytes the records and blank lines take, line ends included. The rest is an unfinished record. */
    consumedBytes: number;
    consumedLines: number;
    /** The first of the records that only count because the input ends: one without its line end, or lines behind an
     * open quote; or `count`, for an unfinished line that is no record yet. -1 when there is none. */
    tailIndex: number;
    /** A value may have white space around it, or be an empty quoted one. */
    isPadded: boolean;
    /** Where the line begins that is a header of other columns: the scan ends before it. -1 when there is none. */
    otherHeader: number;
    /** Some quoted value has a line that begins with `\.`, which COPY on PostgreSQL 15 takes for the end of data. */
    hasEndMarker: boolean;
}

const columns = ["starts", "ends", "kinds", "slices", "lines"] as const;

function emptyColumns(capacity: number): Pick<ScannedRecords, (typeof columns)[number]> {
    return {
        starts: new Int32Array(capacity),
        ends: new Int32Array(capacity),
        kinds: new Uint8Array(capacity),
        slices: new Uint8Array(capacity),
        lines: new Int32Array(capacity),
    };
}

const nothingFound = {
    count: 0,
    consumedBytes: 0,
    consumedLines: 0,
    tailIndex: -1,
    otherHeader: -1,
    isPadded: false,
    hasEndMarker: false,
};

export function emptyRecords(capacity: number): ScannedRecords {
    return { ...emptyColumns(capacity), ...nothingFound };
}

/** Before another scan into the same arrays. */
export function forgetRecords(records: ScannedRecords): void {
    Object.assign(records, nothingFound);
}

/** One line of which only the beginning is at hand. It counts as a tail without its line end. */
export function tooLongRecord(length: number, isEnded: boolean): ScannedRecords {
    const records = emptyRecords(1);
    add(records, 0, length, RECORD_TOO_LONG, 0);
    return { ...records, consumedBytes: length, consumedLines: 1, tailIndex: isEnded ? -1 : 0 };
}

/** The records from one index to another, in the same arrays. */
export function portionOf(records: ScannedRecords, from: number, to: number): ScannedRecords {
    if (to - from === records.count) return records;
    return {
        ...records,
        count: to - from,
        starts: records.starts.subarray(from, to),
        ends: records.ends.subarray(from, to),
        kinds: records.kinds.subarray(from, to),
        slices: records.slices.subarray(from, to),
        lines: records.lines.subarray(from, to),
        consumedBytes: records.ends[to - 1]! - records.starts[from]!,
    };
}

function grow(records: ScannedRecords): void {
    const larger = emptyColumns(records.starts.length * 2);
    for (const column of columns) larger[column].set(records[column]);
    Object.assign(records, larger);
}

/** The slice of the record whose key, if its file has one, is [keyStart, keyEnd). */
export function sliceOf(
    bytes: Uint8Array,
    { keyIndex, sliceOf }: ScanOptions,
    keyStart: number,
    keyEnd: number,
    quote: number,
): number {
    return keyIndex === -1 || sliceOf === undefined ? 0 : sliceOf(bytes, keyStart, keyEnd, quote);
}

export function add(records: ScannedRecords, start: number, end: number, kind: number, slice: number): void {
    if (records.count === records.starts.length) grow(records);
    records.starts[records.count] = start;
    records.ends[records.count] = end;
    records.kinds[records.count] = kind;
    records.slices[records.count] = slice;
    records.lines[records.count] = records.consumedLines;
    records.count += 1;
}

/** The record just added counts only because the input ends. */
export function markTail(records: ScannedRecords): void {
    if (records.tailIndex === -1) records.tailIndex = records.count - 1;
}

/** Of records that begin before this byte a part was taken already, and is a row perhaps: they are for a person to decide on. */
export function markContinued(records: ScannedRecords, takenTo: number): void {
    for (let index = 0; index < records.count && records.starts[index]! < takenTo; index += 1) {
        records.kinds[index] = TAIL_CONTINUED;
    }
}

/** The line at `start` is no record (a lone carriage return, blanks), but may become one if the input grows. */
export function markEmptyTail(records: ScannedRecords, start: number): void {
    if (records.tailIndex !== -1) return;
    if (records.count === records.starts.length) grow(records);
    records.starts[records.count] = start;
    records.lines[records.count] = records.consumedLines;
    records.tailIndex = records.count;
}
