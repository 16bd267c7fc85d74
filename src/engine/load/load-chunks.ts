/**
 * One load: one COPY of the records of one or many chunks into staging, then one statement that makes them count.
 *
 * Input: parts (byte ranges of open files, all of one COPY statement). Output: the ledger names the load as the one
 * that counts for their chunks. Guarantee: the load stands in the ledger before its COPY begins, and nothing counts
 * before record_load has committed; whatever fails on the way leaves rows that nobody names, to be swept.
 */

import type { IngestConfig } from "../../config/config.ts";
import { passFaultPoint } from "../../database/faults/pass-fault-point.ts";
import { hasSources } from "../../streams/source-of.ts";
import type { IngestContext } from "../context.ts";
import { abandonLoads, type RecordedShape, recordLoad, type StagedChunk } from "../ledger/loads.ts";
import type { FileShape } from "../read/file-shape.ts";
import { InputChanged } from "../read/open-input.ts";
import type { ReadOutcome } from "../read/read-records.ts";
import { type LoadPart, type StagedOutcome, stageParts } from "../stage/stage-parts.ts";
import { copyStatement, type Way } from "../stage/stage-records.ts";
import { isHeldBack } from "./held-files.ts";
import type { Loader } from "./loader.ts";

export interface LoadedPart {
    part: LoadPart;
    outcome: StagedOutcome;
    /** False when the part held no finished record: it is not in the ledger. */
    isRecorded: boolean;
}

/** Bytes that are staged again are not those that were staged before. */
export class SourceChanged extends InputChanged {
    readonly part: LoadPart;
    constructor(part: LoadPart) {
        super("The source's records have changed since they were staged.");
        this.part = part;
    }
}

/**
 * Stages `parts` in their order. Throws what the COPY or the files throw, with the load given up and its connection
 * discarded; then nothing of it counts.
 */
export async function loadChunks(
    context: Pick<Loader, keyof IngestContext | "copyConnection">,
    parts: LoadPart[],
    way: Way,
): Promise<LoadedPart[]> {
    const { stream, config, copyConnection, sql, workerId } = context;
    const { loadId, chunkIds, lane } = await copyConnection.beginLoad(
        stream.id,
        workerId,
        way === "typed" ? "verbatim" : way,
        parts.length,
    );
    try {
        await passFaultPoint("before-copy");
        const outcomes: StagedOutcome[] = [];
        const source = stageParts(config, parts, way, loadId, chunkIds, outcomes);
        await copyConnection.copy(copyStatement(parts[0]!.shape, way, `${stream.home}.staging_${lane}`), source);
        const loaded = await Promise.all(parts.map((part, index) => verifyPart(part, outcomes[index]!)));
        // Small files of one load mostly share a shape: known-headers.ts gives them the same object.
        const shapes = [...new Set(parts.map(({ shape }) => shape))];
        const chunks = loaded.flatMap(({ part, outcome, isRecorded }, index) => {
            const place = { chunkId: part.again?.chunkId ?? chunkIds[index]!, shapeNo: shapes.indexOf(part.shape) };
            return isRecorded ? [stagedChunk(isHeldBack(context), part, outcome, place, way)] : [];
        });
        const bytes = chunks.reduce((sum, chunk) => sum + chunk.endByte - chunk.firstByte, 0);
        await passFaultPoint("before-record-load");
        const recorded = shapes.map((shape) => recordedShape(config, shape));
        await recordLoad(sql, loadId, bytes, recorded, chunks);
        await passFaultPoint("after-record-load");
        return loaded;
    } catch (error) {
        await copyConnection.discard();
        await abandonLoads(sql, [loadId]).catch(() => {
            // The database is unreachable: whoever holds the lease next abandons what is left 'loading'.
        });
        throw error;
    }
}

/** After the last byte: is it still the file that was opened, and is a chunk staged again the same? */
export async function verifyPart(part: LoadPart, outcome: StagedOutcome): Promise<LoadedPart> {
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

export function stagedChunk(
    isHeld: boolean,
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
        isTyped: outcome.typedRecords === outcome.records,
        sliceRecords: outcome.sliceRecords,
        contentHash: outcome.contentHash,
        isPadded: outcome.isPadded || way === "parsed",
        atEnd: outcome.endByte >= part.file.sizeBytes,
        ...tailOf(part, outcome),
        isAgain: part.again !== null,
        isHeld,
    };
}

export function recordedShape({ sources }: IngestConfig, shape: FileShape): RecordedShape {
    const { header, extraColumns, missingColumns, dialect, source, targets } = shape;
    const ignored = header.filter((_, index) => targets[index] === "ignored");
    const ignoredColumns = ignored.length > 0 ? ignored : null;
    const isUnmatched = source === null && hasSources(sources);
    return { header, extraColumns, missingColumns, ignoredColumns, dialect, source, isUnmatched };
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
