/**
 * A round of loading: chunks whose staged rows were lost first, then pending files in path order, small ones grouped
 * into one load, a big one chunk by chunk.
 *
 * Only the holder of the loader's lease runs rounds. All that must survive is in the ledger; the state here (who waits
 * for what) may be lost at any time.
 */
import { isDataFault } from "../database/sql-states.ts";
import type { IngestContext } from "./context.ts";
import { findCopies, findCopy } from "./find-copies.ts";
import {
    type Copy,
    chunksToStageAgain,
    type FileFailure,
    failFile,
    type LedgerFile,
    nextFiles,
    replaceFile,
    settleFile,
    skipCopies,
} from "./ledger.ts";
import { type LoadedPart, type LoadPart, loadChunks, NeedsTolerantWay, tailOf } from "./load-chunks.ts";
import { InputChanged, InputFault, type InputFile } from "./open-input.ts";
import { changedFailure, isUntouched, nextPart, type PreparedFile, prepareFile } from "./prepare-file.ts";
import { stageChunksAgain } from "./stage-again.ts";
import { copyStatement, type Way } from "./stage-records.ts";
import type { TailWatch } from "./watch-tails.ts";

export interface LoaderState {
    tails: TailWatch;
    /** Files that failed in a group and are now tried one by one. */
    aloneFiles: Set<number>;
    /** Copies of files that are loaded but not merged yet: skipped once they are. */
    heldCopies: Set<number>;
}

export interface LoadHooks {
    /**
     * True when staging has room. False when nothing new may be loaded now: the run was stopped, or staged rows were lost
     * and must come first. They hold back every merge, so that waiting for room without them would never end.
     */
    waitForRoom(): Promise<boolean>;
    /** After every load: there is something to merge. */
    onLoad(records: number, bytes: number): void;
    isStopped(): boolean;
}

export interface RoundOutcome {
    /** Whether the round moved anything: if so another may find more. */
    hasProgress: boolean;
}

const groupFiles = 500;
const groupBytes = 8 * 1024 * 1024;

export async function loadRound(context: IngestContext, state: LoaderState, hooks: LoadHooks): Promise<RoundOutcome> {
    const lost = await chunksToStageAgain(context.sql, groupFiles);
    if (lost.length > 0) {
        const restaged = await stageChunksAgain(context, lost);
        hooks.onLoad(restaged.records, restaged.bytes);
        return { hasProgress: true };
    }
    const files = await nextFiles(context.sql, groupFiles, [...state.tails.waiting(), ...state.heldCopies]);
    let hasProgress = false;
    const group = startGroup(context, state, hooks);
    try {
        for (const ledgerFile of files) {
            if (hooks.isStopped()) break;
            const prepared = await prepareFile(context, ledgerFile, state.tails.isSettled(ledgerFile));
            if (await takePrepared(context, state, hooks, group, ledgerFile, prepared)) hasProgress = true;
        }
        if (await group.flush()) hasProgress = true;
    } finally {
        await group.close();
    }
    collectWhenLarge();
    return { hasProgress };
}

/** From here on a round ends with a collection: left to itself, the runtime lets the heap double first (183 MB at the peak). */
const collectFromBytes = 125_000_000;
/** Not again before the process has grown by this much: what is not garbage stays, and each collection costs 30 ms. */
const growthBytes = 5_000_000;
let keptBytes = 0;

function collectWhenLarge(): void {
    if (process.memoryUsage.rss() < Math.max(collectFromBytes, keptBytes + growthBytes)) return;
    Bun.gc(true);
    keptBytes = process.memoryUsage.rss();
}

async function takePrepared(
    context: IngestContext,
    state: LoaderState,
    hooks: LoadHooks,
    group: LoadGroup,
    ledgerFile: LedgerFile,
    prepared: PreparedFile,
): Promise<boolean> {
    const { sql, log } = context;
    switch (prepared.kind) {
        case "fault": {
            await group.flush();
            const { seen, failure, source } = prepared;
            const detail = await failFile(sql, ledgerFile.fileId, seen, failure, source);
            const facts = { event: "file_failed", file: ledgerFile.path, code: failure.problem };
            log.error(`${ledgerFile.path} failed: ${detail}`, facts);
            return true;
        }
        case "wait":
            state.tails.wait(ledgerFile, prepared.file.seen);
            await prepared.file.close();
            return false;
        case "same":
            await prepared.file.close();
            await settleFile(sql, ledgerFile.fileId, prepared.file.seen);
            return true;
        case "rewritten":
            await prepared.file.close();
            await replaceFile(sql, ledgerFile.fileId, prepared.file.seen, prepared.detail);
            log.warn(`${ledgerFile.path} is read anew as another version: ${prepared.detail}`, {
                event: "file_rewritten",
                file: ledgerFile.path,
            });
            return true;
        case "load": {
            const { part } = prepared;
            if (part.stopAt >= part.file.sizeBytes) return await group.add(ledgerFile, part, prepared.contentHash);
            await closeUnless(part.file, group.flush());
            return await loadLargeFile(context, state, hooks, ledgerFile, part);
        }
    }
}

/** What is loaded before a file may fail (the database is away): then nobody has the file yet who would close it. */
async function closeUnless<Result>(file: InputFile, isDone: Promise<Result>): Promise<Result> {
    try {
        return await isDone;
    } catch (error) {
        await file.close();
        throw error;
    }
}

interface LoadGroup {
    add(ledgerFile: LedgerFile, part: LoadPart, contentHash: string | null): Promise<boolean>;
    flush(): Promise<boolean>;
    close(): Promise<void>;
}

interface GroupMember {
    ledgerFile: LedgerFile;
    part: LoadPart;
    contentHash: string | null;
}

/** Collects parts of the same COPY statement until they are worth a load. */
function startGroup(context: IngestContext, state: LoaderState, hooks: LoadHooks): LoadGroup {
    let members: GroupMember[] = [];
    let bytes = 0;
    const keyOf = ({ ledgerFile, part }: GroupMember): string => {
        const way = wayOf(part);
        const alone = state.aloneFiles.has(ledgerFile.fileId) ? String(ledgerFile.fileId) : "";
        return `${alone} ${copyStatement(part.shape, way)}`;
    };
    const flush = async (): Promise<boolean> => {
        const flushed = members;
        members = [];
        bytes = 0;
        return flushed.length > 0 && (await loadGroup(context, state, hooks, flushed));
    };
    return {
        async add(ledgerFile, part, contentHash) {
            const member = { ledgerFile, part, contentHash };
            const isFull = members.length >= groupFiles || bytes >= groupBytes;
            const isOther = members[0] && (isFull || keyOf(members[0]) !== keyOf(member));
            const hasMoved = isOther ? await closeUnless(part.file, flush()) : false;
            members.push(member);
            bytes += part.file.sizeBytes - part.firstByte;
            return hasMoved;
        },
        flush,
        async close() {
            await closeAll(members);
        },
    };
}

function wayOf({ shape }: LoadPart): Way {
    return shape.needsTolerantWay ? "tolerant" : "raw";
}

async function closeAll(members: { part: { file: InputFile } }[]): Promise<void> {
    for (const { part } of members) await part.file.close();
}

async function loadGroup(
    context: IngestContext,
    state: LoaderState,
    hooks: LoadHooks,
    members: GroupMember[],
): Promise<boolean> {
    try {
        const sorted = await unlessInputFault(
            context,
            state,
            members.map(({ part }) => part),
            () => findCopies(context, members),
        );
        if (sorted === null) return true;
        const { toLoad, copies, held } = sorted;
        for (const { ledgerFile } of held) state.heldCopies.add(ledgerFile.fileId);
        if (copies.length > 0) await reportCopies(context, copies);
        if (toLoad.length === 0) return copies.length > 0;
        if (!(await hooks.waitForRoom())) return true;
        const parts = toLoad.map((member) => member.part);
        const loaded = await loadOrExplain(context, state, parts, wayOf(parts[0]!));
        if (loaded.length === 0) return true;
        return afterLoad(state, hooks, loaded) || copies.length > 0;
    } finally {
        await closeAll(members);
    }
}

/** Whether any part got into the ledger; the others wait for the rest of their tail. */
function afterLoad(state: LoaderState, hooks: LoadHooks, loaded: LoadedPart[]): boolean {
    let records = 0;
    let bytes = 0;
    for (const { part, outcome, isRecorded } of loaded) {
        if (outcome.endByte < part.file.sizeBytes) state.tails.wait(part, part.file.seen);
        if (!isRecorded) continue;
        state.aloneFiles.delete(part.fileId);
        records += outcome.records;
        bytes += outcome.endByte - part.firstByte;
    }
    hooks.onLoad(records, bytes);
    return loaded.some(({ isRecorded }) => isRecorded);
}

/**
 * A load, and what a failure of its own says about its files: refused records go the tolerant way, then each file on
 * its own, until the one that cannot pass is failed and the rest has gone on. All of that here and now, so that what
 * comes after is not merged before it (promise 10). Faults of the database pass through.
 */
async function loadOrExplain(
    context: IngestContext,
    state: LoaderState,
    parts: LoadPart[],
    way: Way,
): Promise<LoadedPart[]> {
    try {
        return await loadChunks(context, parts, way);
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
async function unlessInputFault<Result>(
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

async function failPart(context: IngestContext, part: LoadPart, failure: FileFailure): Promise<void> {
    const detail = await failFile(context.sql, part.fileId, part.file.seen, failure, part.shape.source);
    const facts = { event: "file_failed", file: part.path, code: failure.problem };
    context.log.error(`${part.path} failed: ${detail}`, facts);
}

/** Chunk after chunk of one file that does not fit a group, until its end or its unfinished tail. */
async function loadLargeFile(
    context: IngestContext,
    state: LoaderState,
    hooks: LoadHooks,
    ledgerFile: LedgerFile,
    firstPart: LoadPart,
): Promise<boolean> {
    const { file, shape, takeTail } = firstPart;
    try {
        if (isUntouched(ledgerFile)) {
            const copy = await unlessInputFault(context, state, [firstPart], async () => ({
                found: await findCopy(context, ledgerFile, firstPart),
            }));
            if (copy === null) return true;
            if (copy.found === "held") {
                state.heldCopies.add(ledgerFile.fileId);
                return false;
            }
            if (copy.found !== null) {
                await reportCopies(context, [{ ledgerFile, copy: copy.found }]);
                return true;
            }
        }
        let part = firstPart;
        while (!hooks.isStopped()) {
            if (!(await hooks.waitForRoom())) return true;
            const loaded = await loadOrExplain(context, state, [part], wayOf(part));
            if (loaded.length === 0) return true;
            const { outcome, isRecorded } = loaded[0]!;
            afterLoad(state, hooks, loaded);
            if (!isRecorded || outcome.endByte >= file.sizeBytes) return isRecorded || part !== firstPart;
            part = nextPart(
                context,
                {
                    ...ledgerFile,
                    loadedBytes: outcome.endByte,
                    loadedRecords: part.firstRecordNo + outcome.records - 1,
                    loadedLines: part.firstLineNo + outcome.lines - 1,
                    ...tailOf(part, outcome),
                },
                file,
                shape,
                takeTail,
            );
        }
        return true;
    } finally {
        await file.close();
    }
}

async function reportCopies(context: IngestContext, copies: { ledgerFile: LedgerFile; copy: Copy }[]): Promise<void> {
    await skipCopies(
        context.sql,
        copies.map(({ copy }) => copy),
    );
    for (const { ledgerFile, copy } of copies) {
        const facts = { event: "file_skipped", file: ledgerFile.path, code: "copy" };
        context.log.info(`${ledgerFile.path} is skipped: ${copy.detail}`, facts);
    }
}
