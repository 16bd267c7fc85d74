/** A load, what it leaves for the loader to remember, and what is done when it fails for its files' sake. */
import { isDataFault } from "../../database/sql-states.ts";
import { type FileFailure, failFile } from "../ledger/ledger.ts";
import { InputChanged, InputFault } from "../read/open-input.ts";
import type { ReadOutcome } from "../read/read-records.ts";
import type { IngestContext } from "../run/context.ts";
import { copyStatement, type Way } from "../stage/stage-records.ts";
import { type LoadedPart, type LoadPart, loadChunks, NeedsTolerantWay } from "./load-chunks.ts";
import type { LoaderState, LoadHooks } from "./loader-state.ts";
import { changedFailure } from "./prepare-file.ts";

export function wayOf({ shape }: LoadPart): Way {
    return shape.needsTolerantWay ? "tolerant" : "raw";
}

/** Parts with the same statement can share a load, whichever lane it fills. */
export function statementOf(part: LoadPart): string {
    return copyStatement(part.shape, wayOf(part), "ingest.staging");
}

/**
 * A load, and what a failure of its own says about its files: refused records go the tolerant way, then each file on
 * its own, until the one that cannot pass is failed and the rest has gone on. All of that here and now, so that what
 * comes after is not merged before it (promise 10). Faults of the database pass through.
 */
export async function loadOrExplain(
    context: IngestContext,
    state: LoaderState,
    parts: LoadPart[],
    way: Way,
): Promise<LoadedPart[]> {
    try {
        const loaded = await loadChunks(context, parts, way);
        for (const { part, outcome } of loaded) {
            const failure = otherHeaderFailure(part, outcome);
            if (failure) await failPart(context, part, failure);
        }
        return loaded;
    } catch (error) {
        if (error instanceof InputFault || error instanceof InputChanged) {
            await explainInputFault(context, state, parts, error);
            return [];
        }
        const isRefused = error instanceof NeedsTolerantWay || isDataFault(error);
        if (!isRefused) throw error;
        if (way === "raw") return await loadOrExplain(context, state, parts, "tolerant");
        if (parts.length === 1) {
            const detail = "Postgres refused its records on both ways of loading.";
            await failPart(context, parts[0]!, { problem: "copy_refused", detail, retryAfterMs: null });
            return [];
        }
        const loaded: LoadedPart[] = [];
        for (const part of parts) loaded.push(...(await loadOrExplain(context, state, [part], way)));
        return loaded;
    }
}

/** Null when a file could not be read to its end; what that means for it is in the ledger then. */
export async function unlessInputFault<Result>(
    context: IngestContext,
    state: LoaderState,
    parts: LoadPart[],
    work: () => Promise<Result>,
): Promise<Result | null> {
    try {
        return await work();
    } catch (error) {
        if (!(error instanceof InputFault || error instanceof InputChanged)) throw error;
        await explainInputFault(context, state, parts, error);
        return null;
    }
}

/**
 * Of several files none is blamed: each is tried alone. One that changed while it was read is looked at again at once;
 * when that happens to it again, after a pause, or a file that is never what it says would keep the run busy for ever.
 */
async function explainInputFault(
    context: IngestContext,
    { aloneFiles }: LoaderState,
    parts: LoadPart[],
    error: InputFault | InputChanged,
): Promise<void> {
    const [part] = parts;
    const isFirstTime = parts.length > 1 || !aloneFiles.has(part!.fileId);
    for (const { fileId } of parts) aloneFiles.add(fileId);
    if (parts.length > 1 || (error instanceof InputChanged && isFirstTime)) return;
    await failPart(context, part!, error instanceof InputFault ? error.failure : changedFailure(error));
}

/**
 * Of a file in which a header of other columns follows: from there on its values would get into the wrong ones. What
 * stands before is loaded; whoever loads the file again, after a kill or when it has grown, ends at the same place.
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

async function failPart(context: IngestContext, part: LoadPart, failure: FileFailure): Promise<void> {
    const detail = await failFile(context.sql, part.fileId, part.file.seen, failure, part.shape.source);
    const facts = { event: "file_failed", file: part.path, code: failure.problem };
    context.log.error(`${part.path} failed: ${detail}`, facts);
}

/** Whether any part got into the ledger; the others wait for the rest of their tail. */
export function afterLoad(state: LoaderState, hooks: LoadHooks, loaded: LoadedPart[]): boolean {
    let records = 0;
    let bytes = 0;
    for (const { part, outcome, isRecorded } of loaded) {
        if (endsInTail(part, outcome)) state.tails.wait(part, part.file.seen);
        else state.tails.forget(part.fileId);
        if (!isRecorded) continue;
        state.aloneFiles.delete(part.fileId);
        records += outcome.records;
        bytes += outcome.endByte - part.firstByte;
    }
    hooks.onLoad(records, bytes);
    return loaded.some(({ isRecorded }) => isRecorded);
}

/**
 * Whether an unfinished record ended it. A chunk that ended at its bound does not wait: if the next one failed to load, the
 * file would be left alone, and those behind it would be merged before its rest (promise 10).
 */
function endsInTail(part: LoadPart, { endByte, records, otherHeader }: LoadedPart["outcome"]): boolean {
    const isShort = endByte < Math.min(part.stopAt, part.file.sizeBytes) && records < part.mostRecords;
    return isShort && otherHeader === null;
}
