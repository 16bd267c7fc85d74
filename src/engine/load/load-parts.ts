/** Loads parts of pending files, and remembers what that says about the files. */
import { type FileFailure, failFile } from "../ledger/files.ts";
import { asLoader } from "../ledger/lease.ts";
import { InputChanged, InputFault } from "../read/open-input.ts";
import type { ReadOutcome } from "../read/read-records.ts";
import type { LoadPart } from "../stage/stage-parts.ts";
import { type Candidate, findCopies, reportCopies } from "./find-copies.ts";
import { type Climb, canBeTyped, loadByLadder } from "./ladder.ts";
import { type LoadedPart, loadChunks } from "./load-chunks.ts";
import type { Loader } from "./loader.ts";

/** The parts that were loaded; none when the files must be looked at again, or have failed. */
export async function loadParts(loader: Loader, parts: LoadPart[]): Promise<LoadedPart[]> {
    const climb: Climb<LoadedPart> = {
        async attempt(tried, way) {
            const loadedNow = await loadChunks(loader, tried, way);
            for (const { part, outcome } of loadedNow) {
                const failure = otherHeaderFailure(part, outcome);
                if (failure) await failPart(loader, part, failure);
            }
            return loadedNow;
        },
        async giveUp(tried, fault) {
            await noteFault(loader, tried, fault);
            return [];
        },
    };
    const loaded = await loadByLadder(parts, climb, parts.every(canBeTyped) ? "typed" : undefined);
    if (loaded.length > 0) noteLoaded(loader, loaded);
    return loaded;
}

/** Skips the copies among the candidates. Null when one of them could not be read to its end: the ledger knows why. */
export async function skipCopiesOf(
    loader: Loader,
    candidates: Candidate[],
): Promise<{ toLoad: Candidate[]; hasSkipped: boolean } | null> {
    try {
        const { toLoad, copies, waiting, unsettled } = await findCopies(loader, candidates);
        for (const { ledgerFile, part } of unsettled) loader.tails.wait(ledgerFile, part.file.seen);
        for (const { ledgerFile } of waiting) loader.waitingCopies.add(ledgerFile.fileId);
        if (copies.length > 0) await reportCopies(loader, copies);
        return { toLoad, hasSkipped: copies.length > 0 };
    } catch (error) {
        if (!(error instanceof InputFault)) throw error;
        const parts = candidates.map(({ part }) => part);
        await noteFault(loader, parts, error);
        return null;
    }
}

/**
 * A fault in a group blames no file: each is tried alone. A file that changed while it was read is looked at again at
 * once; the next time that happens it fails and is retried after a pause, or it would keep the run busy for ever.
 */
async function noteFault(loader: Loader, parts: LoadPart[], fault: InputFault): Promise<void> {
    const { triedAlone } = loader;
    const [part] = parts;
    const isFirstTime = parts.length > 1 || !triedAlone.has(part!.fileId);
    for (const { fileId } of parts) triedAlone.add(fileId);
    if (parts.length > 1 || (fault instanceof InputChanged && isFirstTime)) return;
    await failPart(loader, part!, fault.failure);
}

/**
 * From a header of other columns on, values would get into the wrong ones. The records before it are loaded; whoever loads
 * the file again, after a kill or when it has grown, ends at the same place.
 */
export function otherHeaderFailure({ shape, firstLineNo }: LoadPart, { otherHeader }: ReadOutcome): FileFailure | null {
    if (otherHeader === null) return null;
    const list = (names: string[]) => names.slice(0, 20).join(", ");
    const { linesBefore, names, followsRecord } = otherHeader;
    const line = firstLineNo + linesBefore;
    const what = followsRecord
        ? `Line ${line} ends with a header of other columns, right behind a record that has no line end`
        : `Line ${line} is a header of other columns`;
    const detail =
        `${what}: it names ${list(names)}, where the file begins with ${list(shape.header)}. The records ` +
        `before ${followsRecord ? "that line" : "it"} got in. Split the file there, and give each part its own header.`;
    return { problem: "header_changed", detail, retryAfterMs: null };
}

async function failPart(loader: Loader, part: LoadPart, failure: FileFailure): Promise<void> {
    const detail = await asLoader(loader, (sql) =>
        failFile(sql, part.fileId, part.file.seen, failure, part.shape.source),
    );
    loader.log.error(`${part.path} failed: ${detail}`, {
        event: "file_failed",
        file: part.path,
        code: failure.problem,
    });
}

export function hasRecords(loaded: LoadedPart[]): boolean {
    return loaded.some(({ isRecorded }) => isRecorded);
}

/** Parts without a finished record wait for the rest of their tail. */
function noteLoaded({ tails, triedAlone, wakeMergers }: Loader, loaded: LoadedPart[]): void {
    for (const { part, outcome, isRecorded } of loaded) {
        if (endsInTail(part, outcome)) tails.wait(part, part.file.seen);
        else tails.forget(part.fileId);
        if (isRecorded) triedAlone.delete(part.fileId);
    }
    wakeMergers();
}

/**
 * Whether an unfinished record ended it. A chunk that ended at its bound does not wait: if the next one failed to load, the
 * file would be left alone, and those behind it would be merged before its rest (promise 10).
 */
function endsInTail(part: LoadPart, { endByte, records, otherHeader }: LoadedPart["outcome"]): boolean {
    const isShort = endByte < Math.min(part.stopAt, part.file.sizeBytes) && records < part.mostRecords;
    return isShort && otherHeader === null;
}
