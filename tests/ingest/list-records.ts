/** Spells out a scan: one object a record, so that tests read like tables. */
import { createScanner } from "../../src/engine/read/scan-records.ts";
import { type RecordKind, recordKinds, type ScanOptions } from "../../src/engine/read/scanned-records.ts";
import { uuid } from "../../src/streams/types/uuid.ts";

export interface ListedRecord {
    /** The record's bytes, one character each. */
    text: string;
    start: number;
    kind: RecordKind;
    line: number;
    slice: number;
}

export interface Listing {
    records: ListedRecord[];
    consumedBytes: number;
    consumedLines: number;
    /** The byte at which the tail begins, or null. */
    tailByte: number | null;
    isPadded: boolean;
    hasEndMarker: boolean;
}

const defaults: ScanOptions = {
    fieldCount: 2,
    keyIndex: 0,
    sliceOf: uuid.slices!.ofBytes,
    maxRecordBytes: 1_000,
    atEnd: false,
};

/** One scan with a scanner of its own. A text is taken as UTF-8. Two fields a record, unless told. */
export function listRecords(input: string | Uint8Array, options: Partial<ScanOptions> = {}): Listing {
    const bytes = typeof input === "string" ? Buffer.from(input) : input;
    const scanned = createScanner()(bytes, { ...defaults, ...options });
    const records = Array.from({ length: scanned.count }, (_, index) => {
        const start = scanned.starts[index]!;
        return {
            text: Buffer.from(bytes.subarray(start, scanned.ends[index])).toString("latin1"),
            start,
            kind: recordKinds[scanned.kinds[index]!]!,
            line: scanned.lines[index]!,
            slice: scanned.slices[index]!,
        };
    });
    const { consumedBytes, consumedLines, tailIndex, isPadded, hasEndMarker } = scanned;
    const tailByte = tailIndex === -1 ? null : scanned.starts[tailIndex]!;
    return { records, consumedBytes, consumedLines, tailByte, isPadded, hasEndMarker };
}

/** `[text, kind]` of every record. */
export function kindsOf(input: string | Uint8Array, options: Partial<ScanOptions> = {}): [string, RecordKind][] {
    return listRecords(input, options).records.map(({ text, kind }) => [text, kind]);
}
