/**
 * Decides what of a pending file is to be loaded now. Reads its header and, when some of it was loaded before, checks
 * that those bytes are still the same.
 */

import type { IngestConfig } from "../../config/config.ts";
import { isArchive, placeOf } from "../../streams/archive-path.ts";
import { defaultDialect } from "../../streams/dialect.ts";
import type { SourceConfig } from "../../streams/source-config.ts";
import { hasSources, type ReadingSource, readingSourceOf, unmatchedNote } from "../../streams/source-of.ts";
import { chunksOfFile, takenBefore } from "../ledger/chunks.ts";
import { type FileFailure, type LedgerFile, printOf, type SeenFile, wantsText } from "../ledger/files.ts";
import { compressionOf } from "../read/dialect/expand.ts";
import type { FileShape } from "../read/file-shape.ts";
import { type ContentConfig, type Openable, openContent } from "../read/open-content.ts";
import {
    hashRange,
    InputChanged,
    InputFault,
    type InputFile,
    readIntoMemory,
    smallFileBytes,
} from "../read/open-input.ts";
import { readShape } from "../read/read-shape.ts";
import type { LoadPart } from "../stage/stage-parts.ts";
import type { Loader } from "./loader.ts";

export type PreparedFile =
    /** Close `part.file`. */
    | { kind: "load"; part: LoadPart }
    /** Nothing but an unfinished tail: to be looked at again when it changes or has been still for a while. */
    | { kind: "wait"; file: InputFile }
    /** Nothing new: only its times or inode differ. */
    | { kind: "same"; file: InputFile; isCompared: boolean }
    /** Bytes that were loaded before have changed. */
    | { kind: "rewritten"; file: InputFile; detail: string }
    | { kind: "fault"; seen: SeenFile | null; source: SourceConfig | null; failure: FileFailure };

/** All that it takes to read a file: a dry run has no more. */
export interface Reader extends Pick<Loader, "sql" | "readHeader" | "stream"> {
    inbox: Openable;
    config: ContentConfig & Pick<IngestConfig, "sources" | "maxChunkBytes" | "maxBatchRecords">;
    /** Where the inbox is, if paths do not say it: its folders may have values of columns. */
    above?: string;
}

/** `isSettled` says whether an unfinished last record counts. Never throws InputFault: that is the kind "fault". */
export async function prepareFile(
    loader: Reader,
    ledgerFile: LedgerFile,
    isSettled: (seen: SeenFile) => boolean,
): Promise<PreparedFile> {
    let file: InputFile | null = null;
    const { source, fault } = readingSource(loader, ledgerFile);
    try {
        if (fault !== null) throw new InputFault({ ...fault, retryAfterMs: null });
        if (isPacked(ledgerFile.path) || isSnapshot(loader)) {
            // Only a file that is still can be whole.
            file = await loader.inbox.open(ledgerFile.path);
            if (!isSettled(file.seen)) return { kind: "wait", file };
            await file.close();
            file = null;
        }
        const encoding = isBegun(ledgerFile) ? (ledgerFile.dialect?.encoding ?? "utf-8") : null;
        file = await openContent(loader.inbox, loader.config, ledgerFile.path, {
            source,
            encoding,
            as: isUntouched(ledgerFile) ? ledgerFile : null,
        });
        if (file.sizeBytes <= smallFileBytes) file = await readIntoMemory(file);
        return await prepareOpenFile(loader, ledgerFile, file, source, isSettled(file.seen));
    } catch (error) {
        await file?.close();
        if (!(error instanceof InputFault)) throw error;
        // A file that changes while it is read was not seen as it is now.
        const seen = error instanceof InputChanged ? null : (file?.seen ?? error.seen);
        return { kind: "fault", seen, source, failure: error.failure };
    }
}

async function prepareOpenFile(
    loader: Reader,
    ledgerFile: LedgerFile,
    file: InputFile,
    source: SourceConfig | null,
    takeTail: boolean,
): Promise<PreparedFile> {
    const { sizeBytes } = file;
    let isCompared = false;
    if (ledgerFile.loadedBytes > 0) {
        const found = await findRewrite(loader, ledgerFile, file);
        if (found.detail !== null) return { kind: "rewritten", file, detail: found.detail };
        isCompared = found.isCompared;
        if (sizeBytes === ledgerFile.loadedBytes) return { kind: "same", file, isCompared };
    }
    const shape = await readShape(loader.readHeader, file, takeTail, {
        source,
        dialect: isBegun(ledgerFile) ? (ledgerFile.dialect ?? defaultDialect) : null,
        encoding: file.encoding,
        maxRecordBytes: loader.config.maxRecordBytes,
    });
    if ("problem" in shape) {
        if (shape.problem === "header_unfinished") return { kind: "wait", file };
        await file.close();
        // The likeliest cause where sources are declared.
        const isUnmatched = source === null && hasSources(loader.config.sources);
        const detail = isUnmatched ? `${shape.detail} ${unmatchedNote}` : shape.detail;
        return { kind: "fault", seen: file.seen, source, failure: { ...shape, detail, retryAfterMs: null } };
    }
    const part = nextPart(loader, await withoutEndedTail(loader, ledgerFile, file, shape), file, shape, takeTail);
    if (isAppend(loader)) part.takenTo = await takenBefore(loader.sql, ledgerFile.fileId, part.firstRecordNo);
    // A file of several chunks is not hashed as a whole yet: findCopy compares it chunk by chunk.
    if (isUntouched(ledgerFile) && fitsOneChunk(part)) part.contentHash = await hashRange(file, 0, sizeBytes);
    part.isCompared = isCompared;
    part.isTyped = loader.stream.typed !== null && !(await wantsText(loader.sql, part.fileId));
    return { kind: "load", part };
}

const isPacked = (path: string) => compressionOf(path) !== null || isArchive(placeOf(path));
const isSnapshot = ({ stream }: Reader) => stream.mode.name === "snapshot";
const isAppend = ({ stream }: Reader) => stream.mode.name === "append";

/** A record of it was taken without its line end. (A header alone, or a blank line, may have been taken so, too.) */
const hasTakenTail = ({ tailRecordNo, loadedRecords }: LedgerFile) =>
    tailRecordNo !== null && tailRecordNo <= loadedRecords;

/**
 * Of a stream that appends, a record is read once: what was taken stays taken. Where the line of the last one is at its end, or its line
 * end has come since, reading goes on behind it. Else its continuation has come, and nextPart reads it again, to be rejected.
 */
async function withoutEndedTail(
    loader: Reader,
    ledgerFile: LedgerFile,
    file: InputFile,
    { dialect }: FileShape,
): Promise<LedgerFile> {
    const { loadedBytes, loadedLines } = ledgerFile;
    if (!isAppend(loader) || !hasTakenTail(ledgerFile)) return ledgerFile;
    const behind = { ...ledgerFile, tailByte: null, tailRecordNo: null, tailLineNo: null };
    const [last, next, afterNext] = await file.read(loadedBytes - 1, Math.min(3, file.sizeBytes - loadedBytes + 1));
    const takesReturn = dialect.lineEnd === "any";
    // Lines behind a quote that was open.
    if (last === LF || (last === CR && takesReturn)) return behind;
    const isReturn = next === CR && (takesReturn || afterNext === undefined || afterNext === LF);
    // The line that ends now was counted with the record.
    return next === LF || isReturn ? { ...behind, loadedLines: loadedLines - 1 } : ledgerFile;
}

/**
 * Nothing of it is in the ledger, so that it may yet turn out to be a copy. A header that was taken without its line end is
 * there, although its part is read from the first byte again.
 */
export function isUntouched({ loadedBytes }: LedgerFile): boolean {
    return loadedBytes === 0;
}

/** Records of it are in the ledger: it goes on being read as it was. */
function isBegun({ tailByte, loadedBytes }: LedgerFile): boolean {
    return (tailByte ?? loadedBytes) > 0;
}

function readingSource({ config, above }: Reader, ledgerFile: LedgerFile): ReadingSource {
    if (isBegun(ledgerFile)) return { source: ledgerFile.source, fault: null };
    const { path } = ledgerFile;
    return readingSourceOf(config.sources ?? [], path, above === undefined ? path : `${above}/${path}`);
}

/** Sure to be one chunk to the file's end. */
export function fitsOneChunk({ file, recordsFrom, stopAt, mostRecords }: LoadPart): boolean {
    if (file.sizeBytes > stopAt) return false;
    // A record has a byte and a line end at least; where that says too little, line ends in memory are soon counted.
    const isShort = file.sizeBytes - recordsFrom <= 2 * mostRecords;
    return (
        isShort ||
        (file.content !== null && countLineEnds(file.content.subarray(recordsFrom), mostRecords) < mostRecords)
    );
}

const LF = 0x0a;
const CR = 0x0d;

/** Up to `most` of them; CR LF counts twice. */
function countLineEnds(bytes: Uint8Array, most: number): number {
    let count = 0;
    for (let at = 0; at < bytes.length && count < most; at += 1) if (bytes[at] === LF || bytes[at] === CR) count += 1;
    return count;
}

/** The part of a file that comes after what the ledger has of it. */
export function nextPart(
    { config }: Pick<Reader, "config">,
    ledgerFile: LedgerFile,
    file: InputFile,
    shape: FileShape,
    takeTail: boolean,
): LoadPart {
    // A record that was taken unfinished is read again, under its own number, together with its continuation.
    const firstByte = ledgerFile.tailByte ?? ledgerFile.loadedBytes;
    const isFirst = firstByte === 0;
    const recordsFrom = isFirst ? shape.headerBytes : firstByte;
    return {
        fileId: ledgerFile.fileId,
        path: ledgerFile.path,
        file,
        shape,
        firstByte,
        recordsFrom,
        // At least one record, however long the header: a chunk of none would be no progress.
        stopAt: Math.max(firstByte + config.maxChunkBytes, recordsFrom + 1),
        mostRecords: config.maxBatchRecords,
        takeTail,
        contentHash: null,
        firstRecordNo: ledgerFile.tailRecordNo ?? ledgerFile.loadedRecords + 1,
        firstLineNo: isFirst ? shape.headerLines + 1 : (ledgerFile.tailLineNo ?? ledgerFile.loadedLines + 1),
        again: null,
    };
}

/** `detail`: why the file no longer has the bytes that were loaded, or null. `isCompared`: all of them were compared. */
interface Rewrite {
    detail: string | null;
    isCompared: boolean;
}

/**
 * Growth with the same inode re-checks the first and the last chunk at once, and of what was not much the whole, the
 * rest is left to recheck-files.ts; anything else re-checks the whole.
 */
async function findRewrite(loader: Reader, ledgerFile: LedgerFile, file: InputFile): Promise<Rewrite> {
    const { seen, sizeBytes } = file;
    const isSameSize = seen.sizeBytes === ledgerFile.sizeBytes;
    const isSame = printOf(seen) === printOf(ledgerFile);
    // One that was refused for its bytes looks as it did then, and is refused again.
    if (isSame && (!isAppend(loader) || (seen.ctimeNs ?? null) === ledgerFile.comparedCtimeNs)) {
        return { detail: null, isCompared: false };
    }
    if (sizeBytes < ledgerFile.loadedBytes) {
        return changed(`It shrank to ${sizeBytes} bytes; ${ledgerFile.loadedBytes} had been read.`);
    }
    if (file.isCompressed && (ledgerFile.state === "merged" || sizeBytes !== ledgerFile.loadedBytes) && !isSameSize) {
        return changed("The compressed file is not the one that was read.");
    }
    if (isSnapshot(loader) && !isSameSize) {
        return changed(`It grew to ${seen.sizeBytes} bytes: a snapshot is read as a whole.`);
    }
    const chunks = await chunksOfFile(loader.sql, ledgerFile.fileId);
    // An object grows by being written anew: all of them have one inode.
    const hasGrown = seen.sizeBytes > ledgerFile.sizeBytes && seen.inode === ledgerFile.inode;
    const isCompared = !hasGrown || chunks.length <= 2 || ledgerFile.loadedBytes <= smallFileBytes;
    for (const chunk of isCompared ? chunks : [chunks[0]!, chunks.at(-1)!]) {
        if ((await hashRange(file, chunk.firstByte, chunk.endByte)) !== chunk.contentHash) {
            return changed(`Bytes ${chunk.firstByte} to ${chunk.endByte} have changed since they were read.`);
        }
    }
    return { detail: null, isCompared };
}

const changed = (detail: string): Rewrite => ({ detail, isCompared: true });
