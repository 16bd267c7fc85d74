/**
 * Stages chunks again whose rows the UNLOGGED staging table lost. Their bytes must be the same: promise 5. A chunk
 * whose source is gone or changed is failed, visibly; one that cannot be read now waits and holds nobody back.
 */
import { stagedExtraColumns } from "../contract.ts";
import { isDataFault } from "../database/sql-states.ts";
import type { IngestContext } from "./context.ts";
import { type FileFailure, failChunk, type LedgerChunk } from "./ledger.ts";
import { type LoadPart, loadChunks, NeedsTolerantWay, SourceChanged } from "./load-chunks.ts";
import { hashRange, holdInMemory, InputChanged, InputFault, type InputFile, openInput } from "./open-input.ts";
import { readHeader } from "./read-header.ts";
import { copyStatement, type Way } from "./stage-records.ts";

const groupBytes = 8 * 1024 * 1024;

/** Loads the first of `chunks` and as many that follow as fit the same load. */
export async function stageChunksAgain(
    context: IngestContext,
    chunks: LedgerChunk[],
): Promise<{ records: number; bytes: number }> {
    const parts: LoadPart[] = [];
    let bytes = 0;
    try {
        for (const chunk of chunks) {
            const part = await prepareAgain(context, chunk);
            if (part === null) continue;
            if (parts[0] && copyStatement(part.shape, "raw") !== copyStatement(parts[0].shape, "raw")) {
                await part.file.close();
                break;
            }
            parts.push(part);
            bytes += chunk.endByte - chunk.firstByte;
            if (bytes >= groupBytes) break;
        }
        if (parts.length > 0) await loadAgain(context, parts);
    } finally {
        for (const part of parts) await part.file.close();
    }
    return { records: parts.reduce((sum, part) => sum + part.again!.records, 0), bytes };
}

async function prepareAgain(context: IngestContext, chunk: LedgerChunk): Promise<LoadPart | null> {
    let file: InputFile | null = null;
    try {
        file = await openInput(context.config.inputDir, chunk.path);
        if (file.seen.sizeBytes < chunk.endByte) throw new InputChanged("The source is shorter than it was.");
        if (file.seen.sizeBytes <= groupBytes) file = await holdInMemory(file);
        if ((await hashRange(file, chunk.firstByte, chunk.endByte)) !== chunk.contentHash) {
            throw new InputChanged("The source's bytes are not those that were staged before.");
        }
        return await partAgain(chunk, file);
    } catch (error) {
        await file?.close();
        if (!(error instanceof InputFault || error instanceof InputChanged)) throw error;
        await giveUp(context, chunk, error);
        return null;
    }
}

async function partAgain(chunk: LedgerChunk, file: InputFile): Promise<LoadPart> {
    const shape = readHeader(await file.read(0, Math.min(file.seen.sizeBytes, 80 * 1024)), true);
    if ("problem" in shape) throw new InputChanged("The source's header is not what it was.");
    const isFirst = chunk.firstByte === 0;
    const recordsFrom = isFirst ? shape.headerBytes : chunk.firstByte;
    // The last record was taken without its line end: then the chunk ends the input, whatever has come since.
    const lastByte = chunk.endByte > recordsFrom ? (await file.read(chunk.endByte - 1, 1))[0] : 0x0a;
    return {
        fileId: chunk.fileId,
        path: chunk.path,
        file,
        shape,
        firstByte: chunk.firstByte,
        recordsFrom,
        stopAt: chunk.endByte,
        takeTail: lastByte !== 0x0a || chunk.endByte === file.seen.sizeBytes,
        firstRecordNo: chunk.firstRecordNo,
        firstLineNo: chunk.firstLineNo,
        again: chunk,
    };
}

async function loadAgain(context: IngestContext, parts: LoadPart[]): Promise<void> {
    const needsTolerantWay = (parts[0]!.shape.extraColumns?.length ?? 0) > stagedExtraColumns;
    let way: Way = needsTolerantWay ? "tolerant" : "raw";
    try {
        await loadChunks(context, parts, way);
    } catch (error) {
        if (error instanceof SourceChanged) {
            // The same bytes cut otherwise: a quote that was open at the end has been closed by what came since.
            if (!error.part.takeTail) {
                await loadChunks(context, [{ ...error.part, takeTail: true }], way);
                return;
            }
            const chunk = { ...error.part, ...error.part.again! };
            await giveUp(
                context,
                chunk,
                new InputChanged("The source's records are not those that were staged before."),
            );
            return;
        }
        const isRefused = error instanceof NeedsTolerantWay || isDataFault(error);
        if (!isRefused || way === "tolerant") throw error;
        way = "tolerant";
        await loadChunks(context, parts, way);
    }
}

async function giveUp(
    context: IngestContext,
    chunk: Pick<LedgerChunk, "chunkId" | "path" | "firstByte" | "endByte">,
    fault: InputFault | InputChanged,
): Promise<void> {
    const place = `bytes ${chunk.firstByte} to ${chunk.endByte}, staged but not yet merged when the database lost them,`;
    const detail = `Its ${place} cannot be staged again: ${fault.message}`;
    const failure: FileFailure =
        fault instanceof InputFault
            ? { ...fault.failure, detail }
            : { problem: "source_changed", detail, retryAfterMs: null };
    await failChunk(context.sql, chunk.chunkId, failure);
    context.log.error(`${chunk.path}: ${detail}`);
}
