/**
 * The trigger that drives discover → load → merge, until it is stopped or, for available-now, all is done.
 *
 * One loop loads (in the process that holds the loader's lease), one per merge worker merges, one renews the lease.
 * They share nothing but signals: what one leaves to the other is in the ledger. Loading overlaps merging.
 */
import { randomUUID } from "node:crypto";
import type { IngestConfig } from "../config.ts";
import { connect } from "../database/connect.ts";
import type { DatabaseTarget } from "../database/database-target.ts";
import { isConnectionFault, isRetryable, sqlStateOf } from "../database/sql-states.ts";
import type { SluiceError } from "../errors.ts";
import { faultSettings } from "../faults/pass-fault-point.ts";
import { createArchiver } from "./archive-files.ts";
import type { IngestContext, IngestLog } from "./context.ts";
import { createCopyConnection } from "./copy-connection.ts";
import { createDiscovery } from "./discover-files.ts";
import { isInputFolderError } from "./input-folder.ts";
import { judgeFiles } from "./judge-files.ts";
import { createHeaderReader } from "./known-headers.ts";
import { createLease, type Lease, refuseOtherFolder } from "./lease.ts";
import { countFilesSince, hasWork, readBacklog, readClock, retireWorker } from "./ledger.ts";
import { loadRound } from "./load-files.ts";
import { createLoaderState } from "./loader-state.ts";
import { allSlices, type Batch, createMerger } from "./merge-batch.ts";
import { createOutage, type Outage } from "./outage.ts";
import { addBatch, type BatchProgress, type IngestSummary, progressOf } from "./progress.ts";
import { createSignal, type Signal } from "./signal.ts";
import { createStagingRoom, type StagingRoom } from "./staging-room.ts";
import { watchFolder } from "./watch-folder.ts";
import { createTailWatch } from "./watch-tails.ts";

export interface IngestOptions {
    target: DatabaseTarget;
    config: IngestConfig;
    log: IngestLog;
    onBatch?: (progress: BatchProgress) => void;
    /** Stops the run: nothing more is read, the batch in progress ends or is rolled back. */
    signal?: AbortSignal;
    /** Restarts an embedded server that died. */
    revive?: (() => Promise<void>) | null;
}

/**
 * Staged records from which on all merge workers share the slices; below, one takes them all. Where one batch may take
 * fewer than that, what is more than a batch is shared: staging never holds more than a few of those.
 */
const parallelFromRecords = 20_000;
/** No lock that the ingest waits for is held for long: by then it is somebody's who forgot it. */
const lockTimeout = "60s";
/** Shorter than the lease (lease.ts): a server that was killed may leave a connection attempt without an answer. */
const connectTimeoutSeconds = 3;
/** How long a merge or a load may go on after a stop before it is rolled back. */
const stopGraceMs = 2_500;
/** How long a run that ends waits for the database's answer to its last words. */
const lastWordsMs = 1_000;
const pollMs = 1_000;
/**
 * A run that only waits for its merges is woken by each of them; what other processes do it looks for after this pause,
 * then after twice that, up to `pollMs`: a whole round each time cost more than all of its loads.
 */
const firstIdlePauseMs = 100;

export async function runIngest(options: IngestOptions): Promise<IngestSummary> {
    const { config, log, target } = options;
    const startedAt = performance.now();
    const stopper = new AbortController();
    const { signal } = stopper;
    options.signal?.addEventListener("abort", () => stopper.abort(), { once: true });
    if (options.signal?.aborted) stopper.abort();

    const workerId = randomUUID();
    const applicationName = `sluice-${workerId.slice(0, 8)}`;
    const faults = faultSettings(applicationName);
    const sql = connect(target, {
        applicationName,
        max: config.mergeWorkers + 3,
        connectTimeoutSeconds,
        ...faults,
        settings: { lock_timeout: lockTimeout, ...faults.settings },
    });
    const copyConnection = createCopyConnection(target, `${applicationName}-copy`);
    const context: IngestContext = { config, sql, copyConnection, readHeader: createHeaderReader(), workerId, log };
    const outage = createOutage({ sql, log, signal, revive: options.revive ?? null });
    const merged = createSignal();
    const records = { read: 0, inserted: 0, duplicate: 0, conflict: 0, rejected: 0 };
    const run: Run = {
        context,
        signal,
        staged: createSignal(),
        merged,
        lease: createLease(context, outage, records),
        room: createStagingRoom(context, merged, signal),
        isLoadingDone: false,
        isDone: false,
        isFolderAway: false,
        begunAt: null,
        records,
        batches: 0,
        previousStartedAt: null,
        survive: outage.survive,
        onBatch: options.onBatch ?? (() => {}),
    };
    const timers: ReturnType<typeof setTimeout>[] = [];
    const unanswered = Promise.withResolvers<"unanswered">();
    signal.addEventListener("abort", () => {
        const rollBack = () => {
            cancelMerges(run, applicationName);
            copyConnection.discard();
        };
        timers.push(setTimeout(rollBack, stopGraceMs));
        timers.push(setTimeout(() => unanswered.resolve("unanswered"), stopGraceMs + lastWordsMs));
        run.staged.give();
        run.merged.give();
    });
    let isAnswered = true;
    try {
        const work = runLoops(run, stopper).catch(endWith(stopper));
        // A server that is frozen, or whose machine is gone, would be waited for by every loop, for ever.
        isAnswered = (await Promise.race([work, unanswered.promise])) !== "unanswered";
        if (!isAnswered) {
            const facts = { event: "stopped_early" };
            log.warn("Not all of the work ended in time. What it did not commit will be done again.", facts);
        }
        if (stopper.signal.reason instanceof FatalError) throw stopper.signal.reason.cause;
        return await summarize(run, startedAt, isAnswered);
    } finally {
        for (const timer of timers) clearTimeout(timer);
        // When it fails, the lease runs out by itself.
        if (isAnswered) await lastWords(retireWorker(sql, workerId)).catch(() => null);
        const closing = Promise.all([copyConnection.discard(), sql.end({ timeout: isAnswered ? 1 : 0 })]);
        await Promise.race([closing, Bun.sleep(2 * lastWordsMs)]);
    }
}

async function runLoops(run: Run, stopper: AbortController): Promise<void> {
    const { context, signal, lease, room } = run;
    run.begunAt = await run.survive(() => readClock(context.sql));
    await run.survive(() => refuseOtherFolder(context));
    await lease.renew();
    const heartbeat = lease.keep(() => run.isDone || signal.aborted).catch(endWith(stopper));
    const work = [
        loadLoop(run),
        ...Array.from({ length: context.config.mergeWorkers }, (_, index) => mergeLoop(run, index)),
    ];
    await Promise.all(work.map((loop) => loop.catch(endWith(stopper))));
    run.isDone = true;
    run.merged.give();
    await heartbeat;
    // Also what earlier runs left behind that were killed before they could.
    await run.survive(room.sweep);
}

class FatalError extends Error {}

/** One loop's failure ends the others; the first one is what the run throws. */
function endWith(stopper: AbortController): (error: unknown) => void {
    return (error) => {
        if (!stopper.signal.aborted) stopper.abort(new FatalError("The run failed.", { cause: error }));
    };
}

interface Run {
    context: IngestContext;
    signal: AbortSignal;
    /** Given when there is something to merge. */
    staged: Signal;
    /** Given when something was merged, and when the folder is to be looked at. */
    merged: Signal;
    lease: Lease;
    room: StagingRoom;
    /** Available-now: nothing is left to load. */
    isLoadingDone: boolean;
    isDone: boolean;
    /** By the database's clock. */
    begunAt: string | null;
    /** The watched folder was gone at the last look. */
    isFolderAway: boolean;
    records: IngestSummary["records"];
    batches: number;
    previousStartedAt: Date | null;
    survive: Outage["survive"];
    onBatch(progress: BatchProgress): void;
}

async function loadLoop(run: Run): Promise<void> {
    const { context, signal, lease, room } = run;
    const { trigger } = context.config;
    const isAvailableNow = trigger.kind === "available-now";
    const tails = createTailWatch(isAvailableNow ? 0 : context.config.tailSettleMs);
    const state = createLoaderState(tails);
    let discovery = createDiscovery(context, tails);
    const archiver = createArchiver(context, isAvailableNow ? 0 : context.config.tailSettleMs);
    const changed = createSignal();
    let hasLooked = false;
    let wasLoader = false;
    let idlePauseMs = firstIdlePauseMs;
    const folder = watchFolder(context.config.inputDir, () => changed.give());
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
                if (isAllDone) break;
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
            run.isFolderAway = false;
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

/** Available-now: whether the ledger has nothing more to load, whoever loads. */
async function isAllLoaded(run: Run): Promise<boolean> {
    return (await run.survive(() => hasWork(run.context.sql))) === false;
}

async function mergeLoop(run: Run, index: number): Promise<void> {
    const { context, signal } = run;
    const { mergeWorkers, maxBatchRecords } = context.config;
    const sharedFrom = Math.min(parallelFromRecords, maxBatchRecords);
    const merger = createMerger(context);
    while (!signal.aborted) {
        const seen = run.staged.count();
        const batch = await run.survive(async () => {
            const { stagedRecords, stagedChunks } = await readBacklog(context.sql);
            if (stagedChunks === 0 && !merger.owesAnswer()) return null;
            const isShared = stagedRecords >= sharedFrom;
            const slices = isShared ? shareOfSlices(index, mergeWorkers) : index === 0 ? allSlices : 0;
            return slices === 0 && !merger.owesAnswer() ? null : await merger.merge(slices);
        });
        if (batch) {
            finishBatch(run, batch);
        } else {
            if (run.isLoadingDone) break;
            await run.staged.wait(seen, pollMs);
        }
    }
}

/** The mask of every `count`-th slice. */
function shareOfSlices(index: number, count: number): number {
    let mask = 0;
    for (let slice = index; slice < 16; slice += count) mask |= 1 << slice;
    return mask;
}

function finishBatch(run: Run, batch: Batch): void {
    addBatch(run.records, batch);
    run.batches += 1;
    run.room.addMerged(batch.read);
    run.onBatch(progressOf(batch, run.previousStartedAt));
    run.previousStartedAt = batch.startedAt;
    run.merged.give();
    // The others may have waited for slices that this merge held.
    run.staged.give();
}

async function cancelMerges(run: Run, applicationName: string): Promise<void> {
    await run.context.sql`
        select pg_cancel_backend(pid)
        from pg_stat_activity
        where application_name = ${applicationName} and state = 'active' and pid <> pg_backend_pid()`.catch(() => {});
}

async function summarize(run: Run, startedAt: number, isAnswered: boolean): Promise<IngestSummary> {
    const count = () => countFilesSince(run.context.sql, run.begunAt);
    const countNow = () => (isAnswered ? lastWords(count()) : null);
    return {
        type: "summary",
        files: run.signal.aborted ? await countNow() : await run.survive(count),
        records: run.records,
        batches: run.batches,
        seconds: Math.round(performance.now() - startedAt) / 1000,
    };
}

/** For the last words of a run, which must not keep it from ending: null when the database is away, or too slow. */
async function lastWords<Answer>(query: Promise<Answer>): Promise<Answer | null> {
    const given = query.catch((error: unknown) => {
        if (!isConnectionFault(error) && !isRetryable(error)) throw error;
        return null;
    });
    return await Promise.race([given, Bun.sleep(lastWordsMs).then(() => null)]);
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
        const done = () => {
            clearTimeout(timer);
            signal.removeEventListener("abort", done);
            resolve();
        };
        const timer = setTimeout(done, ms);
        signal.addEventListener("abort", done);
    });
}
