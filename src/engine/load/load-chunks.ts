/**
 * One load: one COPY of the records of one or many chunks into staging, then one statement that makes them count.
 *
 * Input: parts (byte ranges of open files, all of one COPY statement). Output: the ledger names the load as the one
 * that counts for their chunks. Guarantee: the load stands in the ledger before its COPY begins, and nothing counts
 * before record_load has committed; whatever fails on the way leaves rows that nobody names, to be swept.
 */

import { passFaultPoint } from "../../database/faults/pass-fault-point.ts";
import { hasSources } from "../../streams/source-of.ts";
import { abandonLoads, type RecordedShape, recordLoad, type StagedChunk } from "../ledger/ledger.ts";
import type { FileShape } from "../read/file-shape.ts";
import { InputChanged, type InputFile } from "../read/open-input.ts";
import { portionsOf, type ReadOutcome, type RecordPiece, type RecordRange, recordsOf } from "../read/read-records.ts";
import { scanOptionsOf } from "../read/scan-options.ts";
import { createScanner } from "../read/scan-records.ts";
import type { IngestContext } from "../run/context.ts";
import { type CopyBytes, createCopyBytes, writtenBytes } from "../stage/copy-bytes.ts";
import { copyStatement, emptyTally, type StagedTally, stageRecords, type Way } from "../stage/stage-records.ts";

export interface LoadPart {
    fileId: number;
    path: string;
    file: InputFile;
    shape: FileShape;
    firstByte: number;
    /** Where the first record begins: behind the header in a file's first chunk, else `firstByte`. */
    recordsFrom: number;
    /** The chunk ends with the first record that reaches this byte. */
    stopAt: number;
    /** Or behind this many records: a merge takes a chunk as a whole. */
    mostRecords: number;
    takeTail: boolean;
    /** Of the whole content, when that is one chunk and its hash is known. */
    contentHash: string | null;
    firstRecordNo: number;
    firstLineNo: number;
    /** The chunk in the ledger, when its staged rows were lost: the bytes must be the same ones. */
    /** What was read of the file before is known to be still the same, as of this opening. */
    isCompared?: boolean;
    again: { chunkId: number; endByte: number; records: number; contentHash: string } | null;
}

export type StagedOutcome = ReadOutcome & StagedTally;

export interface LoadedPart {
    part: LoadPart;
    outcome: StagedOutcome;
    /** False when the part held no finished record: it is not in the ledger. */
    isRecorded: boolean;
}

/** Values that only the tolerant way carries turned up in a load of the raw way. */
export class NeedsTolerantWay extends Error {
    override readonly name = "NeedsTolerantWay";
}

/** Bytes that are staged again are not those that were staged before. */
export class SourceChanged extends Error {
    override readonly name = "SourceChanged";
    readonly part: LoadPart;
    constructor(part: LoadPart) {
        super("The bytes of a chunk have changed since they were first staged.");
        this.part = part;
    }
}

/**
 * Stages `parts` in their order. Throws what the COPY or the files throw, with the load given up and its connection
 * discarded; then nothing of it counts.
 */
export async function loadChunks(context: IngestContext, parts: LoadPart[], way: Way): Promise<LoadedPart[]> {
    const { stream, copyConnection, sql, workerId } = context;
    const { loadId, chunkIds, lane } = await copyConnection.beginLoad(stream.id, workerId, way, parts.length);
    try {
        await passFaultPoint("before-copy");
        const outcomes: StagedOutcome[] = [];
        const source = stageParts(context, parts, way, loadId, chunkIds, outcomes);
        await copyConnection.copy(copyStatement(parts[0]!.shape, way, `ingest.staging_${lane}`), source);
        const loaded = await Promise.all(parts.map((part, index) => settlePart(part, outcomes[index]!)));
        const { shapes, shapeNoOf } = shapesOf(context, parts);
        const chunks = loaded.flatMap(({ part, outcome, isRecorded }, index) => {
            const place = { chunkId: part.again?.chunkId ?? chunkIds[index]!, shapeNo: shapeNoOf(part.shape) };
            return isRecorded ? [stagedChunk(context, part, outcome, place, way)] : [];
        });
        const bytes = chunks.reduce((sum, chunk) => sum + chunk.endByte - chunk.firstByte, 0);
        await passFaultPoint("before-record-load");
        await recordLoad(sql, loadId, bytes, shapes, chunks);
        await passFaultPoint("after-record-load");
        return loaded;
    } catch (error) {
        await copyConnection.discard();
        await abandonLoads(sql, [loadId]).catch(() => {
            // The database is away: whoever holds the lease next abandons what is left 'loading'.
        });
        throw error;
    }
}

/** What small parts have to say is sent together: a write for each of them cost as much CPU as reading it. */
const writeBytes = 256 * 1024;

/**
 * The COPY bytes of all parts, one after the other; `outcomes` gets an entry per part as it ends. What it gives is
 * overwritten by what comes next.
 */
export async function* stageParts(
    context: Pick<IngestContext, "config">,
    parts: LoadPart[],
    way: Way,
    loadId: number,
    chunkIds: number[],
    outcomes: StagedOutcome[],
): AsyncGenerator<Uint8Array> {
    const scanner = createScanner();
    const out = createCopyBytes();
    for (const [index, part] of parts.entries()) {
        const chunkId = part.again?.chunkId ?? chunkIds[index]!;
        const tally = emptyTally();
        const pieces = recordsOf(part.file, rangeOf(context, part), scanner);
        let next = await pieces.next();
        while (!next.done) {
            if (next.value.records.hasEndMarker && way === "raw") throw new NeedsTolerantWay();
            for (const portion of portionsOf(next.value)) {
                stagePiece(portion, part, way, loadId, chunkId, out, tally);
                if (out.length >= writeBytes) yield* taken(out);
            }
            await passFaultPoint("in-copy");
            next = await pieces.next();
        }
        outcomes[index] = { ...next.value, ...tally };
    }
    if (out.length > 0) yield* taken(out);
    await passFaultPoint("after-copy-bytes");
}

function* taken(out: CopyBytes): Generator<Uint8Array> {
    yield writtenBytes(out);
    out.length = 0;
}

function rangeOf({ config }: Pick<IngestContext, "config">, part: LoadPart): RecordRange {
    return {
        ...part,
        sizeBytes: part.again && part.takeTail ? part.again.endByte : part.file.sizeBytes,
        ...scanOptionsOf(part.shape),
        unnamedFields: part.shape.unnamedFields,
        maxRecordBytes: config.maxRecordBytes,
    };
}

function stagePiece(
    { bytes, records, firstByte, recordsBefore, linesBefore }: RecordPiece,
    part: LoadPart,
    way: Way,
    loadId: number,
    chunkId: number,
    out: CopyBytes,
    tally: StagedTally,
): void {
    const firstRecordNo = part.firstRecordNo + recordsBefore;
    const firstLineNo = part.firstLineNo + linesBefore;
    const place = { loadId, chunkId, path: part.path, firstRecordNo, firstLineNo, firstByte };
    stageRecords(bytes, records, part.shape, place, way, out, tally);
}

/** After the last byte: is it still the file that was opened, and is a chunk staged again the same? */
async function settlePart(part: LoadPart, outcome: StagedOutcome): Promise<LoadedPart> {
    const { sizeBytes } = part.file.seen;
    const sizeNow = await part.file.currentSize();
    if (sizeNow < sizeBytes) {
        throw new InputChanged(`The file shrank from ${sizeBytes} to ${sizeNow} bytes while it was read.`);
    }
    const { again } = part;
    if (again) {
        const isSame =
            outcome.endByte === again.endByte &&
            outcome.records === again.records &&
            outcome.contentHash === again.contentHash;
        if (!isSame) throw new SourceChanged(part);
    }
    // A header alone is a chunk when the file ends with it; an unfinished first record waits.
    const isRecorded = outcome.endByte > part.recordsFrom || part.recordsFrom === part.file.sizeBytes;
    return { part, outcome, isRecorded };
}

function stagedChunk(
    { config }: Pick<IngestContext, "config">,
    part: LoadPart,
    outcome: StagedOutcome,
    place: Pick<StagedChunk, "chunkId" | "shapeNo">,
    way: Way,
): StagedChunk {
    return {
        ...part.file.seen,
        ctimeNs: part.firstByte === 0 || part.isCompared ? part.file.seen.ctimeNs : undefined,
        ...place,
        fileId: part.fileId,
        firstByte: part.firstByte,
        endByte: outcome.endByte,
        firstRecordNo: part.firstRecordNo,
        firstLineNo: part.firstLineNo,
        endLineNo: part.firstLineNo + outcome.lines - 1,
        records: outcome.records,
        plainRecords: outcome.plainRecords,
        sliceRecords: outcome.sliceRecords,
        contentHash: outcome.contentHash,
        isPadded: outcome.isPadded || way === "tolerant",
        atEnd: outcome.endByte >= part.file.sizeBytes,
        ...tailOf(part, outcome),
        isAgain: part.again !== null,
        isHeld: Boolean(config.maxRejects),
    };
}

/** Each shape once: small files of one load are mostly read the same way (known-headers.ts gives them the same object). */
function shapesOf(
    context: IngestContext,
    parts: LoadPart[],
): { shapes: RecordedShape[]; shapeNoOf(shape: FileShape): number } {
    const distinct = [...new Set(parts.map(({ shape }) => shape))];
    const numbers = new Map(distinct.map((shape, shapeNo) => [shape, shapeNo]));
    return {
        shapes: distinct.map((shape) => recordedShape(context, shape)),
        shapeNoOf: (shape) => numbers.get(shape)!,
    };
}

function recordedShape({ config }: IngestContext, shape: FileShape): RecordedShape {
    const { header, extraColumns, missingColumns, dialect, source } = shape;
    const isUnmatched = source === null && hasSources(config.sources);
    const ignoredColumns = ignoredColumnsOf(shape);
    return { header, extraColumns, missingColumns, ignoredColumns, dialect, source, isUnmatched };
}

function ignoredColumnsOf({ header, targets }: FileShape): string[] | null {
    const ignored = header.filter((_, index) => targets[index] === "ignored");
    return ignored.length > 0 ? ignored : null;
}

type Tail = Pick<StagedChunk, "tailByte" | "tailRecordNo" | "tailLineNo">;

/** Where to read again from if the file grows. A header without its line end may go on too: then from the start. */
export function tailOf(part: LoadPart, { tail }: ReadOutcome): Tail {
    if (tail) {
        return {
            tailByte: tail.byte,
            tailRecordNo: part.firstRecordNo + tail.recordsBefore,
            tailLineNo: part.firstLineNo + tail.linesBefore,
        };
    }
    if (part.firstByte === 0 && !part.shape.hasLineEnd) return { tailByte: 0, tailRecordNo: 1, tailLineNo: 1 };
    return { tailByte: null, tailRecordNo: null, tailLineNo: null };
}
