/** The loop that looks at the folder, loads and, between loads, tidies up. */

import { sqlStateOf } from "../database/sql-states.ts";
import type { SluiceError } from "../errors.ts";
import { createArchiver } from "./archive-files.ts";
import { createDiscovery } from "./discover-files.ts";
import { fileAgeMs, presentAgeMs, seenAgeMs } from "./file-age.ts";
import { pollMs, type Run } from "./ingest-run.ts";
import { isInputFolderError } from "./input-folder.ts";
import { judgeFiles } from "./judge-files.ts";
import { type SeenFile, waitingFiles } from "./ledger.ts";
import { loadRound } from "./load-files.ts";
import { createLoaderState } from "./loader-state.ts";
import { hasWork } from "./read-backlog.ts";
import { createSignal } from "./signal.ts";
import { sleep } from "./sleep.ts";
import { watchFolder } from "./watch-folder.ts";
import { createTailWatch } from "./watch-tails.ts";

/**
 * A run that only waits for its merges is woken by each of them; what other processes do it looks for after this pause,
 * then after twice that, up to `pollMs`: a whole round each time cost more than all of its loads.
 */
const firstIdlePauseMs = 100;

export async function loadLoop(run: Run): Promise<void> {
    const { context, signal, lease, room } = run;
    const { trigger, inputDir, tailSettleMs } = context.config;
    const isAvailableNow = trigger.kind === "available-now";
    const ageOf = (path: string, seen: SeenFile) => seenAgeMs(inputDir, path, seen);
    const tails = createTailWatch(tailSettleMs, isAvailableNow ? { ageOf } : {});
    const state = createLoaderState(tails, context.log);
    let discovery = createDiscovery(context, tails);
    const archiver = createArchiver(context, tailSettleMs, isAvailableNow ? { ageOf: fileAgeMs } : {});
    const changed = createSignal();
    let hasLooked = false;
    let wasLoader = false;
    let idlePauseMs = firstIdlePauseMs;
    const folder = watchFolder(inputDir, () => changed.give());
    const hooks = {
        waitForRoom: room.wait,
        onLoad: () => run.staged.give(),
        isStopped: () => signal.aborted || !lease.isLoader(),
    };
    try {
        while (!signal.aborted) {
            const startedAt = performance.now();
            const seenChanges = changed.count();
            const seenMerges = run.merged.count();
            let hasLoaded = false;
            // Looking needs no lease: an available-now run must see the folder whoever loads.
            if (lease.isLoader() || isAvailableNow) {
                // What the loader before us saw of a file, and how much of that it read, only another look can tell.
                if (lease.isLoader() && !wasLoader) {
                    discovery = createDiscovery(context, tails);
                    hasLooked = false;
                }
                wasLoader = lease.isLoader();
                await runRounds(run, async () => {
                    // Available-now takes what is there when it begins, or it might never end.
                    if (!isAvailableNow || !hasLooked) await discovery.look(folder.take());
                    hasLooked = true;
                    // Here alone: what the archiver has nothing to do in is not back.
                    run.isFolderAway = false;
                    state.heldCopies.clear();
                    let hasProgress = true;
                    while (!hooks.isStopped() && hasProgress) {
                        hasProgress = (await loadRound(context, state, hooks)).hasProgress;
                        if (!hooks.isStopped() && (await judgeFiles(context, state))) hasProgress = true;
                        if (hasProgress) hasLoaded = true;
                        if (context.config.maxRejects) run.staged.give();
                    }
                });
                if (lease.isLoader() && room.isSweepDue()) await run.survive(room.sweep);
            }
            const isAllDone = isAvailableNow && (await isAllLoaded(run));
            if (lease.isLoader() && !signal.aborted) await runRounds(run, async () => void (await archiver.pass()));
            if (isAvailableNow) {
                run.youngMerged = archiver.young().files;
                if (isAllDone && archiver.young().undated === 0) break;
                idlePauseMs = hasLoaded ? firstIdlePauseMs : Math.min(idlePauseMs * 2, pollMs);
                await run.merged.wait(seenMerges, idlePauseMs);
            } else if (trigger.kind === "continuous") {
                await changed.wait(seenChanges, lease.isLoader() ? pollMs : firstIdlePauseMs);
            } else {
                const pauseMs = trigger.ms - (performance.now() - startedAt);
                if (pauseMs > 0) await sleep(lease.isLoader() ? pauseMs : Math.min(pauseMs, 100), signal);
            }
        }
    } finally {
        folder.close();
        run.isLoadingDone = true;
        run.staged.give();
    }
}

/** Raised by the ledger's functions. */
const loadFenced = "SL001";
const fencedPauseMs = 200;

/** SL001: another worker has taken over, or moved a file on; the ledger knows better, so it is simply read again. */
async function runRounds(run: Run, rounds: () => Promise<void>): Promise<void> {
    await run.survive(async () => {
        try {
            await rounds();
        } catch (error) {
            if (sqlStateOf(error) === loadFenced) {
                const facts = { event: "load_fenced" };
                run.context.log.warn("A load was taken over by another worker; its files are looked at again.", facts);
                // Or our lease ran out while the heartbeat waited for a connection: then it is ours again at once.
                await Bun.sleep(fencedPauseMs);
                await run.lease.renew();
            } else if (isInputFolderError(error)) {
                if (!run.isFolderAway) {
                    const facts = { event: "folder_away", code: (error as SluiceError).code };
                    run.context.log.warn(`${error.message} Waiting for it.`, facts);
                }
                run.isFolderAway = true;
            } else {
                throw error;
            }
        }
    });
}

/**
 * Available-now: whether the ledger has nothing more to load, whoever loads. What waits and is young is left to the next
 * run; what waits and is old enough is about to be taken, as is what the loader times on its own clock.
 */
async function isAllLoaded(run: Run): Promise<boolean> {
    const { sql, config } = run.context;
    if ((await run.survive(() => hasWork(sql))) !== false) return false;
    const isLeft = ({ path }: { path: string }) => {
        const age = presentAgeMs(config.inputDir, path);
        return age === undefined || (age !== null && age < config.tailSettleMs);
    };
    return (await run.survive(() => waitingFiles(sql)))?.every(isLeft) ?? false;
}
