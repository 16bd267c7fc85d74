/** The loop that looks at the folder, loads and, between loads, tidies up. */

import { sluiceStates, sqlStateOf } from "../../database/sql-states.ts";
import type { SluiceError } from "../../errors.ts";
import { type Archiver, createArchiver } from "../archive/archive-files.ts";
import { createDiscovery, type Discovery } from "../discover/discover-files.ts";
import { fileAgeMs, presentAgeMs, seenAgeMs } from "../discover/file-age.ts";
import { isInputFolderError } from "../discover/input-folder.ts";
import { recheckAll } from "../discover/recheck-files.ts";
import { watchFolder } from "../discover/watch-folder.ts";
import { createTailWatch } from "../discover/watch-tails.ts";
import { type SeenFile, waitingFiles } from "../ledger/ledger.ts";
import { hasWork } from "../ledger/read-backlog.ts";
import type { IngestContext } from "../run/context.ts";
import { pollMs, type Run } from "../run/ingest-run.ts";
import { createSignal } from "../run/signal.ts";
import { sleep } from "../run/sleep.ts";
import { judgeFiles } from "./judge-files.ts";
import { loadRound } from "./load-files.ts";
import { createLoaderState, type LoaderState, type LoadHooks } from "./loader-state.ts";
import { forgetKeptStream } from "./stage-again.ts";

/**
 * A run that only waits for its merges is woken by each of them; what other processes do it looks for after this pause,
 * then after twice that, up to `pollMs`: a whole round each time cost more than all of its loads.
 */
const firstIdlePauseMs = 100;

export async function loadLoop(run: Run): Promise<void> {
    const { context, signal, lease, room } = run;
    const { trigger, inputDir } = context.config;
    const isAvailableNow = trigger.kind === "available-now";
    let memory = createMemory(context);
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
                if ((lease.isLoader() && !wasLoader) || context.proof.breaks() !== memory.breaks) {
                    memory = createMemory(context);
                    await forgetKeptStream(context);
                    context.rechecks.clear();
                    hasLooked = false;
                }
                await runRounds(run, async () => {
                    // Available-now takes what is there when it begins, or it might never end.
                    if (!isAvailableNow || !hasLooked || context.proof.hasDoubtful()) {
                        await memory.discovery.look(folder.take());
                    }
                    hasLooked = true;
                    // Here alone: what the archiver has nothing to do in is not back.
                    run.isFolderAway = false;
                    if (await loadAll(run, memory.state, hooks)) hasLoaded = true;
                });
                if (lease.isLoader() && room.isSweepDue()) await run.survive(room.sweep);
            }
            wasLoader = lease.isLoader();
            const isAllDone = isAvailableNow && (await isAllLoaded(run, memory));
            if (lease.isLoader() && !signal.aborted)
                await runRounds(run, async () => void (await memory.archiver.pass()));
            if (isAvailableNow) {
                const young = memory.archiver.young();
                run.youngMerged = young.files;
                if (isAllDone && young.undated === 0) break;
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

/** All that waits, round by round. Returns whether there was any. */
async function loadAll(run: Run, state: LoaderState, hooks: LoadHooks): Promise<boolean> {
    const { context } = run;
    let hasLoaded = false;
    let hasProgress = true;
    state.heldCopies.clear();
    while (!hooks.isStopped() && hasProgress) {
        hasProgress = (await loadRound(context, state, hooks)).hasProgress;
        if (!hooks.isStopped() && (await judgeFiles(context, state))) hasProgress = true;
        if (hasProgress) hasLoaded = true;
        if (context.config.maxRejects) run.staged.give();
    }
    return hasLoaded;
}

const fencedPauseMs = 200;

/** Where another worker has taken over, or moved a file on, it is simply read again. */
async function runRounds(run: Run, rounds: () => Promise<void>): Promise<void> {
    await run.survive(async () => {
        try {
            await rounds();
        } catch (error) {
            if (sqlStateOf(error) === sluiceStates.loadFenced) {
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

/** What the loader remembers of folder and ledger. All of it is forgotten when the ledger is not the one that it knew. */
interface Memory {
    /** As of context.proof, when this began. */
    breaks: number;
    state: LoaderState;
    discovery: Discovery;
    archiver: Archiver;
}

function createMemory(context: IngestContext): Memory {
    const { trigger, inputDir, tailSettleMs } = context.config;
    const isAvailableNow = trigger.kind === "available-now";
    const ageOf = (path: string, seen: SeenFile) => seenAgeMs(inputDir, path, seen);
    const tails = createTailWatch(tailSettleMs, isAvailableNow ? { ageOf } : {});
    return {
        breaks: context.proof.breaks(),
        state: createLoaderState(tails, context.log),
        discovery: createDiscovery(context, tails),
        archiver: createArchiver(context, tailSettleMs, isAvailableNow ? { ageOf: fileAgeMs } : {}),
    };
}

/**
 * Available-now: whether the ledger has nothing more to load, whoever loads, and is still the one that was loaded into.
 * What waits and is young is left to the next run; what waits and is old enough is about to be taken, as is what the
 * loader times on its own clock.
 */
async function isAllLoaded(run: Run, memory: Memory): Promise<boolean> {
    const { context, lease, survive } = run;
    const { sql, config, proof } = context;
    if ((await survive(() => hasWork(sql))) !== false) return false;
    const isLeft = ({ path }: { path: string }) => {
        const age = presentAgeMs(config.inputDir, path);
        return age === undefined || (age !== null && age < config.tailSettleMs);
    };
    if ((await survive(() => waitingFiles(sql)))?.every(isLeft) !== true) return false;
    if (await recheckAll(run)) return false;
    await lease.renew();
    return proof.breaks() === memory.breaks && !proof.hasDoubtful();
}
