/**
 * Stages chunks again whose rows the UNLOGGED staging table lost. Their bytes must be the same: promise 5. A chunk
 * whose source is gone or changed is failed, visibly; one that cannot be read now waits and holds nobody back.
 */
import { isDataFault } from "../database/sql-states.ts";
import type { IngestContext } from "./context.ts";
import { defaultDialect } from "./dialect/dialect.ts";
import { type FileFailure, failChunk, type LedgerChunk } from "./ledger.ts";
import { type LoadPart, loadChunks, NeedsTolerantWay, SourceChanged } from "./load-chunks.ts";
import { openContent } from "./open-content.ts";
import { hashRange, holdInMemory, InputChanged, InputFault, type InputFile, openInput } from "./open-input.ts";
import { type FileShape, readHeader } from "./read-header.ts";
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
            if (parts[0] && statementOf(part) !== statementOf(parts[0])) {
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

function wayOf({ shape }: LoadPart): Way {
    return shape.needsTolerantWay ? "tolerant" : "raw";
}

function statementOf(part: LoadPart): string {
    return copyStatement(part.shape, wayOf(part));
}

async function prepareAgain(context: IngestContext, chunk: LedgerChunk): Promise<LoadPart | null> {
    let file: InputFile | null = null;
    try {
        file = await openAgain(context, chunk);
        if (file.sizeBytes < chunk.endByte) throw new InputChanged("The source is shorter than it was.");
        const isStream = file.isCompressed || file.encoding !== "utf-8";
        if (file.sizeBytes <= groupBytes) file = await holdInMemory(file);
        // A stream is hashed while it is loaded: to go back would be to expand it from its start again.
        else if (!isStream && (await hashRange(file, chunk.firstByte, chunk.endByte)) !== chunk.contentHash) {
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
    const shape = await shapeAgain(chunk, file);
    const isFirst = chunk.firstByte === 0;
    const recordsFrom = isFirst ? shape.headerBytes : chunk.firstByte;
    const isStream = file.isCompressed || file.encoding !== "utf-8";
    // The last record was taken without its line end: then the chunk ends the input, whatever has come since. (A stream
    // is not read ahead for that: loadAgain tries both.)
    const lastByte = chunk.endByte > recordsFrom && !isStream ? (await file.read(chunk.endByte - 1, 1))[0] : 0x0a;
    const isLineEnd = lastByte === 0x0a || (lastByte === 0x0d && shape.dialect.lineEnd === "any");
    return {
        fileId: chunk.fileId,
        path: chunk.path,
        file,
        shape,
        firstByte: chunk.firstByte,
        recordsFrom,
        stopAt: chunk.endByte,
        takeTail: !isLineEnd || chunk.endByte === file.sizeBytes,
        firstRecordNo: chunk.firstRecordNo,
        firstLineNo: chunk.firstLineNo,
        again: chunk,
    };
}

const shapes = new WeakMap<InputFile, FileShape>();

/** As it was read before: by the dialect and the source that the ledger has of it. */
async function shapeAgain({ dialect, source }: LedgerChunk, file: InputFile): Promise<FileShape> {
    const known = shapes.get(file);
    if (known) return known;
    const probe = await file.read(0, Math.min(file.sizeBytes, 80 * 1024));
    const shape = readHeader(probe, true, { source, dialect: dialect ?? defaultDialect });
    if ("problem" in shape) throw new InputChanged("The source's header is not what it was.");
    shapes.set(file, shape);
    return shape;
}

interface KeptStream extends InputFile {
    release(): Promise<void>;
}

const keptStreams = new WeakMap<IngestContext, { path: string; file: KeptStream }>();

/** A stream stays open from chunk to chunk, or each would expand the file from its start. */
async function openAgain(context: IngestContext, { path, source, dialect }: LedgerChunk): Promise<InputFile> {
    const kept = keptStreams.get(context);
    if (kept?.path === path && (await isUnchanged(context, kept.file, path))) return kept.file;
    keptStreams.delete(context);
    await kept?.file.release();
    const file = await openContent(context, path, { source, encoding: dialect?.encoding ?? "utf-8" });
    if ((!file.isCompressed && file.encoding === "utf-8") || file.sizeBytes <= groupBytes) return file;
    const stream = { ...file, close: async () => {}, release: file.close };
    keptStreams.set(context, { path, file: stream });
    return stream;
}

async function isUnchanged(context: IngestContext, { seen }: InputFile, path: string): Promise<boolean> {
    const now = await openInput(context.config.inputDir, path);
    await now.close();
    return now.seen.sizeBytes === seen.sizeBytes && now.seen.mtimeNs === seen.mtimeNs && now.seen.inode === seen.inode;
}

async function loadAgain(context: IngestContext, parts: LoadPart[]): Promise<void> {
    let way = wayOf(parts[0]!);
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
