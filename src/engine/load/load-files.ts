/**
 * Rounds of loading: chunks whose staged rows were lost first, then pending files in path order, small ones grouped into
 * one load, a large one chunk by chunk. Only the holder of the loader's lease runs them.
 */
import { hasSources } from "../../streams/source-of.ts";
import { collectWhenLarge } from "../discover/collect-when-large.ts";
import { takeRewritten } from "../discover/recheck-files.ts";
import { chunksToStageAgain } from "../ledger/chunks.ts";
import { failFile, type LedgerFile, markFileUnchanged, nextFiles, noteWaiting } from "../ledger/files.ts";
import { asLoader } from "../ledger/lease.ts";
import { decideOnHeldFiles, isHeldBack } from "./held-files.ts";
import { closeUnless, groupFiles, type LoadGroup, startGroup } from "./load-group.ts";
import { loadLargeFile } from "./load-large-file.ts";
import type { Loader } from "./loader.ts";
import { fitsOneChunk, isUntouched, type PreparedFile, prepareFile } from "./prepare-file.ts";
import { stageChunksAgain } from "./stage-again.ts";

/** Loads all that waits, round by round. Returns whether there was any. */
export async function loadAll(loader: Loader): Promise<boolean> {
    let hasLoaded = false;
    let hasProgress = true;
    loader.waitingCopies.clear();
    while (!loader.isStopped() && hasProgress) {
        hasProgress = await loadRound(loader);
        if (!loader.isStopped() && (await decideOnHeldFiles(loader, hasProgress))) hasProgress = true;
        if (hasProgress) hasLoaded = true;
        if (isHeldBack(loader)) loader.wakeMergers();
    }
    return hasLoaded;
}

/** Returns whether the round moved anything: if so another may find more. */
export async function loadRound(loader: Loader): Promise<boolean> {
    const { sql, stream, tails } = loader;
    const lost = await chunksToStageAgain(sql, stream.id, groupFiles);
    if (lost.length > 0) {
        await stageChunksAgain(loader, lost);
        return true;
    }
    const files = await filesFromHere(loader);
    let hasProgress = false;
    const group = startGroup(loader);
    loader.inbox.expect(files.filter(isUntouched));
    try {
        for (const ledgerFile of files) {
            if (loader.isStopped()) break;
            const prepared = await prepareOwn(loader, ledgerFile);
            if (await takePrepared(loader, group, ledgerFile, prepared)) hasProgress = true;
        }
        if (await group.flush()) hasProgress = true;
    } finally {
        await group.close();
        loader.noteLoading(null);
    }
    await noteWaiting(sql, tails.unnoted());
    tails.noted();
    if (hasProgress) loader.fromPath = files[0]!.path;
    collectWhenLarge();
    return hasProgress;
}

/** Not what other streams claim, too; and a file of no declared stream says which would be nearest. */
async function prepareOwn(loader: Loader, ledgerFile: LedgerFile): Promise<PreparedFile> {
    const refusal = loader.refusalOf(ledgerFile.path);
    if (refusal !== null) return { kind: "fault", seen: null, source: null, failure: refusal };
    const prepared = await prepareFile(loader, ledgerFile, (seen) => loader.tails.isSettled(ledgerFile, seen));
    if (prepared.kind !== "fault" || prepared.failure.problem !== "header_missing_columns") return prepared;
    const note = loader.nearestNote(ledgerFile.path);
    if (note === null) return prepared;
    return { ...prepared, failure: { ...prepared.failure, detail: `${prepared.failure.detail} ${note}` } };
}

/**
 * From where the last round began, if that moved anything, so that what it left is the first of this one; from the start
 * again when nothing is left there, for what became due meanwhile. A round from the start each time would pass the index
 * entries of all files that were loaded before it: they cannot go as long as a merge runs that began before.
 */
async function filesFromHere(loader: Loader): Promise<LedgerFile[]> {
    const { stream, sql, fromPath } = loader;
    const exceptFileIds = [...loader.tails.waiting(), ...loader.waitingCopies];
    loader.fromPath = null;
    const files = fromPath === null ? [] : await nextFiles(sql, stream.id, groupFiles, exceptFileIds, fromPath);
    return files.length > 0 ? files : await nextFiles(sql, stream.id, groupFiles, exceptFileIds);
}

async function takePrepared(
    loader: Loader,
    group: LoadGroup,
    ledgerFile: LedgerFile,
    prepared: PreparedFile,
): Promise<boolean> {
    const { log, tails, config } = loader;
    const { fileId, path } = ledgerFile;
    switch (prepared.kind) {
        case "fault": {
            await group.flush();
            const { seen, failure, source } = prepared;
            const detail = await asLoader(loader, (sql) => failFile(sql, fileId, seen, failure, source));
            // Said at each start, for as long as it is so (discover/input-tree.ts).
            if (failure.problem === "stream_ambiguous") return true;
            log.error(`${path} failed: ${detail}`, { event: "file_failed", file: path, code: failure.problem });
            return true;
        }
        case "wait":
            await prepared.file.close();
            // The files behind it in the order of paths have their turn in the next round.
            return tails.wait(ledgerFile, prepared.file.seen);
        case "same": {
            const { seen, close } = prepared.file;
            await close();
            const comparedCtimeNs = prepared.isCompared ? (seen.ctimeNs ?? null) : null;
            await asLoader(loader, (sql) => markFileUnchanged(sql, fileId, seen, comparedCtimeNs));
            return true;
        }
        case "rewritten":
            await prepared.file.close();
            await takeRewritten(loader, ledgerFile, prepared.file.seen, prepared.detail);
            return true;
        case "load": {
            const { part } = prepared;
            loader.noteLoading(path);
            const isUnmatched = part.shape.source === null && hasSources(config.sources);
            if (isUnmatched) loader.sayUnmatched(path, { file: path });
            if (fitsOneChunk(part)) return await group.add(ledgerFile, part);
            await closeUnless(part.file, group.flush());
            return await loadLargeFile(loader, ledgerFile, part);
        }
    }
}
