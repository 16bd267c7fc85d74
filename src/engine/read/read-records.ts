/** Streams a file's records in pieces of about a megabyte: memory does not grow with the file, the chunk or a line. */
import { defaultGrammar } from "../../streams/dialect.ts";
import { findLineEnd } from "./lines.ts";
import type { InputFile } from "./open-input.ts";
import { createScanner, type Scanner } from "./scan-records.ts";
import { markContinued, portionOf, type ScannedRecords, type ScanOptions, tooLongRecord } from "./scanned-records.ts";
import { markUnnamedValues } from "./unnamed-columns.ts";

export interface RecordRange extends Omit<ScanOptions, "atEnd" | "stopAfterBytes"> {
    /** Where the chunk begins, for its hash, and where its first record does: behind the header in a file's first chunk. */
    firstByte: number;
    recordsFrom: number;
    /** Stop at the first record end at or behind this byte. */
    stopAt: number;
    /** Stop behind this many records at the latest; without one, however many there are. */
    mostRecords?: number;
    /** The file's size as it was when it was opened: nothing behind it is read. */
    sizeBytes: number;
    /** Whether an unfinished record at `sizeBytes` counts as one. */
    takeTail: boolean;
    /** Bytes before it were taken already, the last record among them unfinished; 0: none that may be a row. */
    takenTo?: number;
    /** The fields whose columns have no name: see unnamed-columns.ts. */
    unnamedFields?: readonly number[];
    /** The hash of the bytes from `firstByte` to `sizeBytes`, when it is known already. */
    contentHash?: string | null;
}

/** Some whole records, with the bytes they stand in. Overwritten by the next piece: use it before asking for that. */
export interface RecordPiece {
    bytes: Buffer;
    records: ScannedRecords;
    /** Where `bytes[0]` stands in the file. */
    firstByte: number;
    /** Records and lines of the chunk before this piece. */
    recordsBefore: number;
    linesBefore: number;
}

/** A block of two-byte lines holds half a million records, and a row of its problem each takes fifty times their bytes. */
const mostPortionRecords = 16_384;

/** The records of a piece in portions of which each is staged by itself: so a block's memory does not grow with their number. */
export function* portionsOf(piece: RecordPiece): Generator<RecordPiece> {
    const { records } = piece;
    for (let from = 0; from < records.count; from += mostPortionRecords) {
        const to = Math.min(records.count, from + mostPortionRecords);
        yield { ...piece, records: portionOf(records, from, to), recordsBefore: piece.recordsBefore + from };
    }
}

/** How a range was read: known once the stream has ended. */
export interface ReadOutcome {
    endByte: number;
    records: number;
    lines: number;
    contentHash: string;
    /** A value may have white space around it, or be an empty quoted one. */
    isPadded: boolean;
    /** The tail, when it was taken: its byte in the file, and how many records and lines of the chunk come before it. */
    tail: { byte: number; recordsBefore: number; linesBefore: number } | null;
    /** A line that is, or ends with, a header of other columns ended the reading before `stopAt`: how many lines of the
     * chunk come before it; and those of its names that are known. */
    otherHeader: { linesBefore: number; names: string[]; followsRecord: boolean } | null;
}

const blockBytes = 1024 * 1024;

/** The records of `range`, and what was read, by the shorter way where it lies in memory. */
export function recordsOf(
    file: InputFile,
    range: RecordRange,
    scanner: Scanner,
): Generator<RecordPiece, ReadOutcome, void> | AsyncGenerator<RecordPiece, ReadOutcome, void> {
    const { content } = file;
    const isAtOnce = content !== null && range.sizeBytes - range.recordsFrom <= blockBytes;
    return isAtOnce ? readInMemory(content, range, scanner) : readRecords(file, range, scanner);
}

/** Yields the records of `range` and returns what was read. Reads until `stopAt`, or until only an unfinished tail is left. */
export async function* readRecords(
    file: InputFile,
    range: RecordRange,
    scanner: Scanner = createScanner(),
): AsyncGenerator<RecordPiece, ReadOutcome, void> {
    const { firstByte, recordsFrom, stopAt, sizeBytes, maxRecordBytes, mostRecords = Number.POSITIVE_INFINITY } = range;
    let hasher = new Bun.CryptoHasher("sha256");
    const outcome = nothingRead(range);
    if (recordsFrom > firstByte) hasher.update(await file.read(firstByte, recordsFrom - firstByte));
    const join = createWindow();
    let carried: Buffer = Buffer.alloc(0);
    let readTo = recordsFrom;
    while (outcome.endByte < stopAt && outcome.records < mostRecords) {
        const length = Math.min(blockBytes, sizeBytes - readTo);
        const bytes = await join(carried, length, (into) => file.read(readTo, length, into));
        readTo += length;
        const piece = take(bytes, range, scanner, outcome, readTo >= sizeBytes);
        const { consumedBytes } = piece.records;
        if (consumedBytes > 0) {
            hasher.update(bytes.subarray(0, consumedBytes));
            yield piece;
        }
        carried = bytes.subarray(consumedBytes);
        if (outcome.otherHeader !== null) break;
        if (consumedBytes === 0 && bytes.length > maxRecordBytes + blockBytes) {
            const withLine = hasher.copy().update(bytes);
            const line = await skipLongLine(file, range, withLine, readTo);
            if (!line.isEnded && !range.takeTail) break;
            hasher = withLine;
            const record = tooLongRecord(bytes.length, line.isEnded);
            yield pieceOf(bytes, record, outcome);
            addRead(outcome, record);
            outcome.endByte = line.next;
            readTo = line.next;
            carried = Buffer.alloc(0);
        }
        if (readTo >= sizeBytes) break;
    }
    return { ...outcome, contentHash: hasher.digest("hex") };
}

/** Beside a block, what of a record is mostly carried over from the one before. */
const carriedRoom = 64 * 1024;

/**
 * Blocks in one buffer, each behind the bytes that are carried over from the last: new ones for every megabyte were most of
 * what the runtime had to collect. What it gives is overwritten by the next call.
 */
function createWindow() {
    let window = Buffer.alloc(0);
    return async (carried: Buffer, length: number, read: (into: Buffer) => Promise<Buffer>): Promise<Buffer> => {
        const end = carried.length + length;
        const larger = end > window.length ? Buffer.allocUnsafe(end + carriedRoom) : window;
        // Source and target may overlap: copy() allows that.
        carried.copy(larger);
        window = larger;
        const into = window.subarray(carried.length, end);
        const block = await read(into);
        if (block !== into) block.copy(into);
        return window.subarray(0, end);
    };
}

/** The same for a range that lies in memory and is no longer than a block: one piece at most, and no waiting. */
export function* readInMemory(
    content: Buffer,
    range: RecordRange,
    scanner: Scanner = createScanner(),
): Generator<RecordPiece, ReadOutcome, void> {
    const outcome = nothingRead(range);
    if (outcome.endByte < range.stopAt) {
        const piece = take(content.subarray(range.recordsFrom, range.sizeBytes), range, scanner, outcome, true);
        if (piece.records.consumedBytes > 0) yield piece;
    }
    const isAll = outcome.endByte === range.sizeBytes;
    const contentHash =
        (isAll && range.contentHash) ||
        Bun.CryptoHasher.hash("sha256", content.subarray(range.firstByte, outcome.endByte), "hex");
    return { ...outcome, contentHash };
}

type OutcomeSoFar = Omit<ReadOutcome, "contentHash">;

function nothingRead({ recordsFrom }: RecordRange): OutcomeSoFar {
    return { endByte: recordsFrom, records: 0, lines: 0, isPadded: false, tail: null, otherHeader: null };
}

/** The records of the bytes that come next, added to the outcome. */
function take(
    bytes: Buffer,
    range: RecordRange,
    scanner: Scanner,
    outcome: OutcomeSoFar,
    isLast: boolean,
): RecordPiece {
    const records = scan(bytes, range, scanner, outcome, isLast);
    const piece = pieceOf(bytes, records, outcome);
    addRead(outcome, records);
    if (records.otherHeader !== -1) outcome.otherHeader = otherHeaderOf(bytes, records, range, outcome);
    return piece;
}

function scan(
    bytes: Buffer,
    range: RecordRange,
    scanner: Scanner,
    { endByte, records: recordsBefore }: OutcomeSoFar,
    isLast: boolean,
): ScannedRecords {
    const { unnamedFields, takeTail, stopAt, takenTo = 0, mostRecords = Number.POSITIVE_INFINITY } = range;
    const options = { ...range, atEnd: isLast && takeTail };
    let records = scanner(bytes, { ...options, stopAfterBytes: stopAt - endByte });
    const room = mostRecords - recordsBefore;
    if (records.count > room) {
        // Rare: scanned once more, up to the last that there is room for, so that the scanner need not count.
        records = scanner(bytes, { ...options, stopAfterBytes: records.ends[room - 1]! });
    }
    if (takenTo > endByte) markContinued(records, takenTo - endByte);
    if (unnamedFields) markUnnamedValues(bytes, records, unnamedFields, range.grammar ?? defaultGrammar);
    return records;
}

function otherHeaderOf(
    bytes: Buffer,
    { otherHeader }: ScannedRecords,
    { grammar, header }: RecordRange,
    { lines }: OutcomeSoFar,
): ReadOutcome["otherHeader"] {
    const { end } = findLineEnd(bytes, otherHeader, grammar?.takesReturn ?? false);
    const line = bytes.subarray(otherHeader, end === -1 ? bytes.length : end);
    return { linesBefore: lines, ...(header?.namesOf(line) ?? { names: [], followsRecord: false }) };
}

function pieceOf(bytes: Buffer, records: ScannedRecords, { endByte, ...before }: OutcomeSoFar): RecordPiece {
    return { bytes, records, firstByte: endByte, recordsBefore: before.records, linesBefore: before.lines };
}

function addRead(outcome: OutcomeSoFar, records: ScannedRecords): void {
    if (records.tailIndex !== -1) {
        outcome.tail = {
            byte: outcome.endByte + records.starts[records.tailIndex]!,
            recordsBefore: outcome.records + records.tailIndex,
            linesBefore: outcome.lines + records.lines[records.tailIndex]!,
        };
    }
    outcome.records += records.count;
    outcome.lines += records.consumedLines;
    if (records.isPadded) outcome.isPadded = true;
    outcome.endByte += records.consumedBytes;
}

/** Hashes the rest of a line that does not fit in memory. Gives where the next line begins. */
async function skipLongLine(
    file: InputFile,
    { sizeBytes, grammar }: RecordRange,
    hasher: Bun.CryptoHasher,
    from: number,
): Promise<{ next: number; isEnded: boolean }> {
    for (let at = from; at < sizeBytes; at += blockBytes) {
        const block = await file.read(at, Math.min(blockBytes, sizeBytes - at));
        const line = findLineEnd(block, 0, grammar?.takesReturn ?? false);
        // The LF of a CRLF that lies in two blocks becomes a blank line.
        const end = line.end === -1 ? block.length : Math.min(line.next, block.length);
        hasher.update(block.subarray(0, end));
        if (line.end !== -1) return { next: at + end, isEnded: true };
    }
    return { next: sizeBytes, isEnded: false };
}
