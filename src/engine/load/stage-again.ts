/**
 * Stages chunks again whose rows the UNLOGGED staging table lost. Their bytes must be the same: promise 5. A chunk
 * whose source is gone or changed is failed, visibly; one that cannot be read now waits and holds nobody back.
 */
import { defaultDialect } from "../../streams/dialect.ts";
import { failChunk, type LedgerChunk } from "../ledger/chunks.ts";
import { type FileFailure, printOf } from "../ledger/files.ts";
import type { FileShape } from "../read/file-shape.ts";
import { openContent } from "../read/open-content.ts";
import { hashRange, InputChanged, InputFault, type InputFile, readIntoMemory } from "../read/open-input.ts";
import { readShape } from "../read/read-shape.ts";
import type { LoadPart } from "../stage/stage-parts.ts";
import { haveOneStatement, loadByLadder } from "./ladder.ts";
import { loadChunks, SourceChanged } from "./load-chunks.ts";
import { groupBytes } from "./load-group.ts";
import type { KeptStream, Loader } from "./loader.ts";

/** Loads the first of `chunks` and as many that follow as fit the same load. */
export async function stageChunksAgain(loader: Loader, chunks: LedgerChunk[]): Promise<void> {
    const parts: LoadPart[] = [];
    /** By path: a file of many small chunks is opened, and held in memory, once. */
    const sources = new Map<string, Source>();
    let bytes = 0;
    try {
        for (const chunk of chunks) {
            const isNew = !sources.has(chunk.path);
            const part = await prepareAgain(loader, chunk, sources);
            if (part === null) continue;
            if (parts[0] && !haveOneStatement(part, parts[0])) break;
            parts.push(part);
            bytes += chunk.endByte - chunk.firstByte;
            if (isNew && part.file.sizeBytes <= groupBytes) bytes += part.file.sizeBytes;
            if (bytes >= groupBytes) break;
        }
        if (parts.length > 0) await loadAgain(loader, parts);
    } finally {
        for (const { file } of sources.values()) await file.close();
    }
    loader.wakeMergers();
}

/** A file that lost chunks are staged from, read as it was before. */
interface Source {
    file: InputFile;
    shape: FileShape;
}

async function prepareAgain(
    loader: Loader,
    chunk: LedgerChunk,
    sources: Map<string, Source>,
): Promise<LoadPart | null> {
    try {
        const source = sources.get(chunk.path) ?? (await openSource(loader, chunk));
        sources.set(chunk.path, source);
        const { file } = source;
        if (file.sizeBytes < chunk.endByte) throw new InputChanged("The source has become shorter.");
        // A stream is hashed while it is loaded: to go back would be to expand it from its start again.
        const isAhead = file.sizeBytes > groupBytes && !isStream(file);
        if (isAhead && (await hashRange(file, chunk.firstByte, chunk.endByte)) !== chunk.contentHash) {
            throw new InputChanged("The source's bytes have changed since they were staged.");
        }
        return await partAgain(loader, source, chunk);
    } catch (error) {
        if (!(error instanceof InputFault)) throw error;
        await failAgain(loader, chunk, error);
        return null;
    }
}

const isStream = ({ isCompressed, encoding }: InputFile) => isCompressed || encoding !== "utf-8";

/**
 * As it was read before: by the dialect and the source that the ledger has. A stream stays open from chunk to chunk, and
 * keeps its shape: to read its header again would be to expand it from its start.
 */
async function openSource(loader: Loader, { path, source, dialect }: LedgerChunk): Promise<Source> {
    const { config, inbox, readHeader, keptStream } = loader;
    if (keptStream?.path === path && (await isUnchanged(loader, keptStream))) return keptStream;
    await forgetKeptStream(loader);
    let file = await openContent(inbox, config, path, { source, encoding: dialect?.encoding ?? "utf-8" });
    try {
        if (file.sizeBytes <= groupBytes) file = await readIntoMemory(file);
        const shape = await readShape(readHeader, file, true, {
            source,
            dialect: dialect ?? defaultDialect,
            maxRecordBytes: config.maxRecordBytes,
        });
        if ("problem" in shape) throw new InputChanged("The source's header has changed.");
        if (!isStream(file) || file.content !== null) return { file, shape };
        loader.keptStream = { path, shape, file: { ...file, close: async () => {} }, release: file.close };
        return loader.keptStream;
    } catch (error) {
        await file.close();
        throw error;
    }
}

async function partAgain({ stream }: Loader, { file, shape }: Source, chunk: LedgerChunk): Promise<LoadPart> {
    const { fileId, path, firstByte, endByte, firstRecordNo, firstLineNo } = chunk;
    const recordsFrom = firstByte === 0 ? shape.headerBytes : firstByte;
    // The last record was taken without its line end: then the chunk ends the input, whatever has come since. (A stream
    // is not read ahead for that: loadAgain tries both.)
    const lastByte = endByte > recordsFrom && !isStream(file) ? (await file.read(endByte - 1, 1))[0] : 0x0a;
    const isLineEnd = lastByte === 0x0a || (lastByte === 0x0d && shape.dialect.lineEnd === "any");
    return {
        ...{ fileId, path, file, shape, firstByte, recordsFrom, firstRecordNo, firstLineNo },
        stopAt: endByte,
        mostRecords: Number.POSITIVE_INFINITY,
        takeTail: !isLineEnd || endByte === file.sizeBytes,
        takenTo: stream.mode.name === "append" ? chunk.takenTo : 0,
        contentHash: null,
        again: chunk,
    };
}

/** Closes the file that is kept open: it was opened by what the ledger said of it. */
export async function forgetKeptStream(loader: Loader): Promise<void> {
    const kept = loader.keptStream;
    loader.keptStream = null;
    await kept?.release();
}

async function isUnchanged({ inbox }: Loader, { path, file: { seen } }: KeptStream): Promise<boolean> {
    const now = await inbox.open(path);
    await now.close();
    return printOf(now.seen) === printOf(seen);
}

/** Throws faults of the database; anything else that goes wrong is one chunk's fault, and that chunk is failed. */
async function loadAgain(loader: Loader, parts: LoadPart[]): Promise<void> {
    await loadByLadder(parts, {
        attempt: (tried, way) => loadChunks(loader, tried, way),
        async giveUp(tried, fault) {
            if (fault instanceof SourceChanged) {
                const { part } = fault;
                // The same bytes cut otherwise: a quote that was open at the end has been closed by what came since.
                if (!part.takeTail) await loadAgain(loader, [{ ...part, takeTail: true }]);
                else await failAgain(loader, { ...part, ...part.again! }, fault);
            } else if (tried.length > 1) {
                for (const part of tried) await loadAgain(loader, [part]);
            } else {
                await failAgain(loader, { ...tried[0]!, ...tried[0]!.again! }, fault);
            }
            return [];
        },
    });
}

async function failAgain(
    { sql, log }: Loader,
    chunk: Pick<LedgerChunk, "chunkId" | "path" | "firstByte" | "endByte">,
    fault: InputFault,
): Promise<void> {
    const place = `bytes ${chunk.firstByte} to ${chunk.endByte}, staged but not yet merged when the database lost them,`;
    const detail = `Its ${place} cannot be staged again: ${fault.message}`;
    const failure: FileFailure =
        fault instanceof InputChanged
            ? { problem: "source_changed", detail, retryAfterMs: null }
            : { ...fault.failure, detail };
    await failChunk(sql, chunk.chunkId, failure);
    const facts = { event: "chunk_failed", file: chunk.path, chunk: chunk.chunkId, code: failure.problem };
    log.error(`${chunk.path}: ${detail}`, facts);
}
