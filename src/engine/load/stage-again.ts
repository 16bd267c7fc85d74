/**
 * Stages chunks again whose rows the UNLOGGED staging table lost. Their bytes must be the same: promise 5. A chunk
 * whose source is gone or changed is failed, visibly; one that cannot be read now waits and holds nobody back.
 */
import { isDataFault } from "../../database/sql-states.ts";
import { defaultDialect } from "../../streams/dialect.ts";
import { type FileFailure, failChunk, type LedgerChunk } from "../ledger/ledger.ts";
import type { FileShape } from "../read/file-shape.ts";
import { openContent } from "../read/open-content.ts";
import { hashRange, InputChanged, InputFault, type InputFile, openInput, readIntoMemory } from "../read/open-input.ts";
import { readShape } from "../read/read-shape.ts";
import type { IngestContext } from "../run/context.ts";
import type { Way } from "../stage/stage-records.ts";
import { type LoadPart, loadChunks, NeedsTolerantWay, SourceChanged } from "./load-chunks.ts";
import { statementOf, wayOf } from "./load-or-explain.ts";

const groupBytes = 8 * 1024 * 1024;

/** Loads the first of `chunks` and as many that follow as fit the same load. */
export async function stageChunksAgain(
    context: IngestContext,
    chunks: LedgerChunk[],
): Promise<{ records: number; bytes: number }> {
    const parts: LoadPart[] = [];
    /** By path: a file of many small chunks is opened, and held in memory, once. */
    const files = new Map<string, InputFile>();
    let bytes = 0;
    try {
        for (const chunk of chunks) {
            const isNew = !files.has(chunk.path);
            const part = await prepareAgain(context, chunk, files);
            if (part === null) continue;
            if (parts[0] && statementOf(part) !== statementOf(parts[0])) break;
            parts.push(part);
            bytes += chunk.endByte - chunk.firstByte;
            if (isNew && part.file.sizeBytes <= groupBytes) bytes += part.file.sizeBytes;
            if (bytes >= groupBytes) break;
        }
        if (parts.length > 0) await loadAgain(context, parts);
    } finally {
        for (const file of files.values()) await file.close();
    }
    return { records: parts.reduce((sum, part) => sum + part.again!.records, 0), bytes };
}

async function prepareAgain(
    context: IngestContext,
    chunk: LedgerChunk,
    files: Map<string, InputFile>,
): Promise<LoadPart | null> {
    try {
        const file = files.get(chunk.path) ?? (await openForGroup(context, chunk, files));
        if (file.sizeBytes < chunk.endByte) throw new InputChanged("The source is shorter than it was.");
        const isStream = file.isCompressed || file.encoding !== "utf-8";
        // A stream is hashed while it is loaded: to go back would be to expand it from its start again.
        const isAhead = file.sizeBytes > groupBytes && !isStream;
        if (isAhead && (await hashRange(file, chunk.firstByte, chunk.endByte)) !== chunk.contentHash) {
            throw new InputChanged("The source's bytes are not those that were staged before.");
        }
        return await partAgain(context, chunk, file);
    } catch (error) {
        if (!(error instanceof InputFault || error instanceof InputChanged)) throw error;
        await giveUp(context, chunk, error);
        return null;
    }
}

async function openForGroup(
    context: IngestContext,
    chunk: LedgerChunk,
    files: Map<string, InputFile>,
): Promise<InputFile> {
    const file = await openAgain(context, chunk);
    files.set(chunk.path, file);
    if (file.sizeBytes > groupBytes) return file;
    const held = await readIntoMemory(file);
    files.set(chunk.path, held);
    return held;
}

async function partAgain(context: IngestContext, chunk: LedgerChunk, file: InputFile): Promise<LoadPart> {
    const shape = await shapeAgain(context, chunk, file);
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
        mostRecords: Number.POSITIVE_INFINITY,
        takeTail: !isLineEnd || chunk.endByte === file.sizeBytes,
        contentHash: null,
        firstRecordNo: chunk.firstRecordNo,
        firstLineNo: chunk.firstLineNo,
        again: chunk,
    };
}

const shapes = new WeakMap<InputFile, FileShape>();

/** As it was read before: by the dialect and the source that the ledger has of it. */
async function shapeAgain(
    { config, readHeader }: IngestContext,
    { dialect, source }: LedgerChunk,
    file: InputFile,
): Promise<FileShape> {
    const known = shapes.get(file);
    if (known) return known;
    const shape = await readShape(readHeader, file, true, {
        source,
        dialect: dialect ?? defaultDialect,
        maxRecordBytes: config.maxRecordBytes,
    });
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
    await forgetKeptStream(context);
    const file = await openContent(context.config, path, { source, encoding: dialect?.encoding ?? "utf-8" });
    if ((!file.isCompressed && file.encoding === "utf-8") || file.sizeBytes <= groupBytes) return file;
    const stream = { ...file, close: async () => {}, release: file.close };
    keptStreams.set(context, { path, file: stream });
    return stream;
}

/** What of a file is kept open was read by what the ledger said of it. */
export async function forgetKeptStream(context: IngestContext): Promise<void> {
    const kept = keptStreams.get(context);
    keptStreams.delete(context);
    await kept?.file.release();
}

async function isUnchanged(context: IngestContext, { seen }: InputFile, path: string): Promise<boolean> {
    const now = await openInput(context.config.inputDir, path);
    await now.close();
    return now.seen.sizeBytes === seen.sizeBytes && now.seen.mtimeNs === seen.mtimeNs && now.seen.inode === seen.inode;
}

/** Throws faults of the database; what else goes wrong is one chunk's fault, and that is given up. */
async function loadAgain(context: IngestContext, parts: LoadPart[], way: Way = wayOf(parts[0]!)): Promise<void> {
    try {
        await loadChunks(context, parts, way);
    } catch (error) {
        const isRefused = error instanceof NeedsTolerantWay || isDataFault(error);
        const isInputFault = error instanceof InputFault || error instanceof InputChanged;
        if (error instanceof SourceChanged && !error.part.takeTail) {
            // The same bytes cut otherwise: a quote that was open at the end has been closed by what came since.
            await loadAgain(context, [{ ...error.part, takeTail: true }], way);
        } else if (error instanceof SourceChanged) {
            const fault = new InputChanged("The source's records are not those that were staged before.");
            await giveUp(context, { ...error.part, ...error.part.again! }, fault);
        } else if (isRefused && way === "raw") {
            await loadAgain(context, parts, "tolerant");
        } else if (!isRefused && !isInputFault) {
            throw error;
        } else if (parts.length > 1) {
            for (const part of parts) await loadAgain(context, [part], way);
        } else {
            const detail = "Postgres refuses its records.";
            const fault = isInputFault
                ? error
                : new InputFault({ problem: "copy_refused", detail, retryAfterMs: null });
            await giveUp(context, { ...parts[0]!, ...parts[0]!.again! }, fault);
        }
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
    context.log.error(`${chunk.path}: ${detail}`, {
        event: "chunk_failed",
        file: chunk.path,
        chunk: chunk.chunkId,
        code: failure.problem,
    });
}
