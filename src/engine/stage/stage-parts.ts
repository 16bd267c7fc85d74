/** The records of parts, read and written as the bytes of one COPY. */
import type { IngestConfig } from "../../config/config.ts";
import { passFaultPoint } from "../../database/faults/pass-fault-point.ts";
import type { FileShape } from "../read/file-shape.ts";
import type { InputFile } from "../read/open-input.ts";
import { portionsOf, type ReadOutcome, type RecordPiece, type RecordRange, recordsOf } from "../read/read-records.ts";
import { scanOptionsOf } from "../read/scan-options.ts";
import { createScanner } from "../read/scan-records.ts";
import { type CopyBytes, createCopyBytes, writtenBytes } from "./copy-bytes.ts";
import { emptyTally, type StagedTally, stageRecords, type Way } from "./stage-records.ts";

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
    /** The hash of the whole content, when that is one chunk and its hash is known. */
    contentHash: string | null;
    firstRecordNo: number;
    firstLineNo: number;
    /** As in RecordRange. */
    takenTo?: number;
    /** All bytes that were read before were compared at this opening, and are the same. */
    isCompared?: boolean;
    /** COPY may make values typed: of a snapshot, where no reject is expected. */
    isTyped?: boolean;
    /** The chunk in the ledger, when its staged rows were lost: the bytes must be the same ones. */
    again: {
        chunkId: number;
        endByte: number;
        records: number;
        contentHash: string;
        /** Null in a ledger that is older than the count. */
        sliceRecords: number[] | null;
    } | null;
}

export type StagedOutcome = ReadOutcome & StagedTally;

/** A load that goes verbatim met values that only parsing can carry. */
export class NeedsParsing extends Error {}

/** Small parts are sent together: a write for each of them cost as much CPU as reading it. */
const writeBytes = 256 * 1024;

/**
 * The COPY bytes of all parts, one after the other; `outcomes` gets an entry per part as it ends. Each block overwrites
 * the one before it.
 */
export async function* stageParts(
    config: Pick<IngestConfig, "maxRecordBytes">,
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
        const pieces = recordsOf(part.file, rangeOf(config, part), scanner);
        let next = await pieces.next();
        while (!next.done) {
            if (next.value.records.hasEndMarker && way !== "parsed") throw new NeedsParsing();
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

export function rangeOf({ maxRecordBytes }: Pick<IngestConfig, "maxRecordBytes">, part: LoadPart): RecordRange {
    return {
        ...part,
        sizeBytes: part.again && part.takeTail ? part.again.endByte : part.file.sizeBytes,
        ...scanOptionsOf(part.shape),
        unnamedFields: part.shape.unnamedFields,
        maxRecordBytes,
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
    const isSlicedByNumber = slicesByNumber(part);
    const place = { loadId, chunkId, path: part.path, firstRecordNo, firstLineNo, firstByte, isSlicedByNumber };
    stageRecords(bytes, records, part.shape, place, way, out, tally);
}

/**
 * Of a stream that appends, a chunk that is staged again keeps the slices that it had: some of them may be merged, and an index that
 * was made or dropped since must not move its records to others.
 */
function slicesByNumber({ again, shape: { stream } }: LoadPart): boolean {
    const before = stream.mode.name === "append" ? again?.sliceRecords : null;
    return before ? before.some((records, slice) => slice > 0 && records > 0) : stream.isSlicedByNumber;
}
