/**
 * A round of loading: chunks whose staged rows were lost first, then pending files in path order, small ones grouped
 * into one load, a big one chunk by chunk.
 *
 * Only the holder of the loader's lease runs rounds. All that must survive is in the ledger; the loader's state (who
 * waits for what) may be lost at any time.
 */
import { hasSources } from "../../streams/source-of.ts";
import { collectWhenLarge } from "../discover/collect-when-large.ts";
import { sayRewritten } from "../discover/recheck-files.ts";
import {
    chunksToStageAgain,
    failFile,
    type LedgerFile,
    nextFiles,
    noteWaiting,
    replaceFile,
    settleFile,
} from "../ledger/ledger.ts";
import type { IngestContext } from "../run/context.ts";
import { closeUnless, groupFiles, type LoadGroup, startGroup } from "./load-group.ts";
import { loadLargeFile } from "./load-large-file.ts";
import type { LoaderState, LoadHooks } from "./loader-state.ts";
import { fitsOneChunk, type PreparedFile, prepareFile } from "./prepare-file.ts";
import { stageChunksAgain } from "./stage-again.ts";

export interface RoundOutcome {
    /** Whether the round moved anything: if so another may find more. */
    hasProgress: boolean;
}

export async function loadRound(context: IngestContext, state: LoaderState, hooks: LoadHooks): Promise<RoundOutcome> {
    const lost = await chunksToStageAgain(context.sql, context.stream.id, groupFiles);
    if (lost.length > 0) {
        const restaged = await stageChunksAgain(context, lost);
        hooks.onLoad(restaged.records, restaged.bytes);
        return { hasProgress: true };
    }
    const files = await filesFromHere(context, state);
    let hasProgress = false;
    const group = startGroup(context, state, hooks);
    try {
        for (const ledgerFile of files) {
            if (hooks.isStopped()) break;
            const prepared = await prepareFile(context, ledgerFile, (seen) => state.tails.isSettled(ledgerFile, seen));
            if (await takePrepared(context, state, hooks, group, ledgerFile, prepared)) hasProgress = true;
        }
        if (await group.flush()) hasProgress = true;
    } finally {
        await group.close();
    }
    await noteWaiting(context.sql, state.tails.unnoted());
    state.tails.noted();
    if (hasProgress) state.fromPath = files[0]!.path;
    collectWhenLarge();
    return { hasProgress };
}

/**
 * From where the last round began, if that moved anything, so that what it left is the first of this one; from the start
 * again when nothing is left there, for what became due meanwhile. A round from the start each time would pass the index
 * entries of all files that were loaded before it: they cannot go as long as a merge runs that began before.
 */
async function filesFromHere({ stream, sql }: IngestContext, state: LoaderState): Promise<LedgerFile[]> {
    const exceptFileIds = [...state.tails.waiting(), ...state.heldCopies];
    const { fromPath } = state;
    state.fromPath = null;
    const files = fromPath === null ? [] : await nextFiles(sql, stream.id, groupFiles, exceptFileIds, fromPath);
    return files.length > 0 ? files : await nextFiles(sql, stream.id, groupFiles, exceptFileIds);
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
            await prepared.file.close();
            // Those behind it in the order of paths have their turn in the next round.
            return state.tails.wait(ledgerFile, prepared.file.seen);
        case "same":
            await prepared.file.close();
            await settleFile(
                sql,
                ledgerFile.fileId,
                prepared.file.seen,
                prepared.isCompared ? (prepared.file.seen.ctimeNs ?? null) : null,
            );
            return true;
        case "rewritten":
            await prepared.file.close();
            await replaceFile(sql, ledgerFile.fileId, prepared.file.seen, prepared.detail);
            sayRewritten(context, ledgerFile.path, prepared.detail);
            return true;
        case "load": {
            const { part } = prepared;
            const isUnmatched = part.shape.source === null && hasSources(context.config.sources);
            if (isUnmatched) state.sayUnmatched(part.path, { file: part.path });
            if (fitsOneChunk(part)) return await group.add(ledgerFile, part);
            await closeUnless(part.file, group.flush());
            return await loadLargeFile(context, state, hooks, ledgerFile, part);
        }
    }
}
