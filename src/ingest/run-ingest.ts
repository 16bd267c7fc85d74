/**
 * The trigger that drives discover → load → merge, until it is stopped or, for available-now, all is done.
 *
 * One loop loads (in the process that holds the loader's lease), one per merge worker merges, one renews the lease.
 * They share nothing but signals: what one leaves to the other is in the ledger. Loading overlaps merging.
 */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { resolve } from "node:path";
import type { IngestConfig } from "../config.ts";
import { connect } from "../database/connect.ts";
import type { DatabaseTarget } from "../database/database-target.ts";
import { isConnectionFault, isRetryable, sqlStateOf } from "../database/sql-states.ts";
import { exitCodes, SluiceError } from "../errors.ts";
import { faultSettings } from "../faults/pass-fault-point.ts";
import { createArchiver } from "./archive-files.ts";
import type { IngestContext, IngestLog } from "./context.ts";
import { createCopyConnection } from "./copy-connection.ts";
import { createDiscovery } from "./discover-files.ts";
import { isInputFolderError } from "./input-folder.ts";
import { judgeFiles } from "./judge-files.ts";
import { createHeaderReader } from "./known-headers.ts";
import { nextFiles, readBacklog, retireWorker, sweepStaging, takeLoaderLease } from "./ledger.ts";
import { type LoaderState, loadRound } from "./load-files.ts";
import { allSlices, type Batch, createMerger } from "./merge-batch.ts";
import { answerInTime, createOutage, type Retries } from "./outage.ts";
import { addBatch, type BatchProgress, type IngestSummary, progressOf } from "./progress.ts";
import { createSignal } from "./signal.ts";
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
const leaseMs = 10_000;
/** No lock that the ingest waits for is held for long: by then it is somebody's who forgot it. */
const lockTimeout = "60s";
/** Shorter than the lease: a server that was killed may leave a connection attempt without an answer. */
const connectTimeoutSeconds = 3;
const heartbeatMs = 2_000;
/** How long a merge or a load may go on after a stop before it is rolled back. */
const stopGraceMs = 2_500;
/** How long a run that ends waits for the database's answer to its last words. */
const lastWordsMs = 1_000;
/** Swept at once; less than that waits for a quiet moment. */
const sweepFromRecords = 200_000;
const quietSweepMs = 5_000;
const pollMs = 1_000;
const quickPollMs = 5;

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
    const run: Run = {
        context,
        signal,
        staged: createSignal(),
        merged: createSignal(),
        isLoader: false,
        isLoadingDone: false,
        isDone: false,
        isFolderAway: false,
        begunAt: null,
        mergedSinceSweep: 0,
        records: { read: 0, inserted: 0, duplicate: 0, conflict: 0, rejected: 0 },
        batches: 0,
        previousStartedAt: null,
        survive: outage.survive,
        onBatch: options.onBatch ?? (() => {}),
        awaySince: outage.since,
        retries: outage.retries,
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
    run.begunAt = await run.survive(() => clockOf(run));
    await run.survive(() => refuseOtherFolder(run));
    await renewLease(run);
    const heartbeat = keepLease(run).catch(endWith(stopper));
    const work = [
        loadLoop(run),
        ...Array.from({ length: run.context.config.mergeWorkers }, (_, index) => mergeLoop(run, index)),
    ];
    await Promise.all(work.map((loop) => loop.catch(endWith(stopper))));
    run.isDone = true;
    run.merged.give();
    await heartbeat;
    // Also what earlier runs left behind that were killed before they could.
    await run.survive(() => sweep(run));
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
    staged: ReturnType<typeof createSignal>;
    /** Given when something was merged, and when the folder is to be looked at. */
    merged: ReturnType<typeof createSignal>;
    isLoader: boolean;
    /** Available-now: nothing is left to load. */
    isLoadingDone: boolean;
    isDone: boolean;
    /** By the database's clock. */
    begunAt: string | null;
    /** The watched folder was gone at the last look. */
    isFolderAway: boolean;
    mergedSinceSweep: number;
    records: IngestSummary["records"];
    batches: number;
    previousStartedAt: Date | null;
    survive<Result>(step: () => Promise<Result>): Promise<Result | null>;
    onBatch(progress: BatchProgress): void;
    awaySince(): Date | null;
    retries(): Retries | null;
}

async function clockOf({ context }: Run): Promise<string> {
    const [row] = await context.sql<{ now: string }[]>`select clock_timestamp()::text as now`;
    return row!.now;
}

/**
 * The ledger's paths are relative to one folder, so one database serves one folder at a time. Workers on other hosts
 * are trusted to see the same folder under whatever path it is mounted there.
 */
async function refuseOtherFolder({ context }: Run): Promise<void> {
    const inputDir = resolve(context.config.inputDir);
    const [other] = await context.sql<{ pid: number; inputDir: string }[]>`
        select pid, input_dir as "inputDir"
        from ingest.workers
        where lease_until > clock_timestamp() and host = ${hostname()} and input_dir <> ${inputDir}
        limit 1`;
    if (!other) return;
    throw new SluiceError({
        code: "other_folder_in_use",
        what: `An ingest of another folder, ${other.inputDir} (pid ${other.pid}), is at work on this database.`,
        remedy: "Stop it first, or give this folder a database of its own with --database-url or --data-dir.",
        exitCode: exitCodes.configuration,
    });
}

async function keepLease(run: Run): Promise<void> {
    while (!run.isDone && !run.signal.aborted) {
        const wakeAt = performance.now() + heartbeatMs;
        while (!run.isDone && !run.signal.aborted && performance.now() < wakeAt) await Bun.sleep(50);
        await renewLease(run);
    }
}

async function renewLease(run: Run): Promise<void> {
    const { sql, workerId, config } = run.context;
    const wasLoader = run.isLoader;
    await run.survive(async () => {
        const report = JSON.stringify({
            trigger: config.trigger,
            isLoader: wasLoader,
            records: run.records,
            retries: run.retries(),
        });
        // A server that is silent is found out here: the other loops ask what may take its time.
        const renewed = sql`
            select ingest.renew_worker(
                ${workerId}, ${hostname()}, ${process.pid}, ${resolve(config.inputDir)},
                ${leaseMs}::float8 * interval '1 millisecond', ${report}::text::jsonb
            )`;
        await answerInTime(renewed);
        run.isLoader = await answerInTime(takeLoaderLease(sql, workerId, leaseMs));
    });
}

async function loadLoop(run: Run): Promise<void> {
    const { context, signal } = run;
    const { trigger } = context.config;
    const isAvailableNow = trigger.kind === "available-now";
    const tails = createTailWatch(isAvailableNow ? 0 : context.config.tailSettleMs);
    const state: LoaderState = { tails, aloneFiles: new Set(), heldCopies: new Set() };
    let discovery = createDiscovery(context, tails);
    const archiver = createArchiver(context, isAvailableNow ? 0 : context.config.tailSettleMs);
    const changed = createSignal();
    let hasLooked = false;
    let wasLoader = false;
    const folder = watchFolder(context.config.inputDir, () => changed.give());
    const hooks = {
        waitForRoom: () => waitForRoom(run),
        onLoad: () => run.staged.give(),
        isStopped: () => signal.aborted || !run.isLoader,
    };
    try {
        while (!signal.aborted) {
            const startedAt = performance.now();
            const seenChanges = changed.count();
            const seenMerges = run.merged.count();
            // Looking needs no lease: an available-now run must see the folder whoever loads.
            if (run.isLoader || isAvailableNow) {
                // What the loader before us saw of a file, and how much of that it read, only another look can tell.
                if (run.isLoader && !wasLoader) {
                    discovery = createDiscovery(context, tails);
                    hasLooked = false;
                }
                wasLoader = run.isLoader;
                await runRounds(run, async () => {
                    // Available-now takes what is there when it begins, or it might never end.
                    if (!isAvailableNow || !hasLooked) await discovery.look(folder.take());
                    hasLooked = true;
                    state.heldCopies.clear();
                    let hasProgress = true;
                    while (!hooks.isStopped() && hasProgress) {
                        hasProgress = (await loadRound(context, state, hooks)).hasProgress;
                        if (!hooks.isStopped() && (await judgeFiles(context, state))) hasProgress = true;
                        if (context.config.maxRejects) run.staged.give();
                    }
                });
                if (run.isLoader) await sweepWhenWorthIt(run);
            }
            const isAllDone = isAvailableNow && (await isAllLoaded(run));
            if (run.isLoader && !signal.aborted) await runRounds(run, async () => void (await archiver.pass()));
            if (isAvailableNow) {
                if (isAllDone) break;
                await run.merged.wait(seenMerges, quickPollMs * 20);
            } else if (trigger.kind === "continuous") {
                await changed.wait(seenChanges, run.isLoader ? pollMs : quickPollMs * 20);
            } else {
                const pauseMs = trigger.ms - (performance.now() - startedAt);
                if (pauseMs > 0) await sleep(run.isLoader ? pauseMs : Math.min(pauseMs, 100), signal);
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
                await renewLease(run);
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
    const { sql } = run.context;
    const isDone = await run.survive(async () => {
        const { stagedChunks, lostChunks, heldChunks } = await readBacklog(sql);
        if (stagedChunks > 0 || lostChunks > 0 || heldChunks > 0) return false;
        return (await nextFiles(sql, 1, [])).length === 0;
    });
    return isDone === true;
}

/** Back-pressure: staging holds a few batches, not the folder. False: see LoadHooks. */
async function waitForRoom(run: Run): Promise<boolean> {
    const { sql, config } = run.context;
    const mostStaged = config.maxBatchRecords * 3;
    while (!run.signal.aborted) {
        const seen = run.merged.count();
        const { stagedRecords, lostChunks } = await readBacklog(sql);
        if (lostChunks > 0) return false;
        if (run.mergedSinceSweep >= sweepFromRecords) await sweep(run);
        if (stagedRecords < mostStaged) return true;
        await run.merged.wait(seen, pollMs);
    }
    return false;
}

async function sweep(run: Run): Promise<void> {
    run.mergedSinceSweep = 0;
    lastSweepAt.set(run, performance.now());
    await sweepStaging(run.context.sql, run.context.workerId);
}

const lastSweepAt = new WeakMap<Run, number>();

async function sweepWhenWorthIt(run: Run): Promise<void> {
    const quietMs = performance.now() - (lastSweepAt.get(run) ?? 0);
    const isDue = run.mergedSinceSweep > 0 && quietMs >= quietSweepMs;
    if (isDue || run.mergedSinceSweep >= sweepFromRecords) await run.survive(() => sweep(run));
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
    run.mergedSinceSweep += batch.read;
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
    const count = () => countFiles(run);
    const countNow = () => (isAnswered ? lastWords(count()) : null);
    return {
        type: "summary",
        files: run.signal.aborted ? await countNow() : await run.survive(count),
        records: run.records,
        batches: run.batches,
        seconds: Math.round(performance.now() - startedAt) / 1000,
    };
}

/** A file with a chunk that waits to be staged again some time later counts as failed: not all of it is in. */
async function countFiles({ context, begunAt }: Run): Promise<NonNullable<IngestSummary["files"]>> {
    const [files] = await context.sql<NonNullable<IngestSummary["files"]>[]>`
        select
            count(*) filter (where state = 'merged' and merged_at >= ${begunAt}::text::timestamptz) as merged,
            count(*) filter (where state = 'skipped' and updated_at >= ${begunAt}::text::timestamptz) as skipped,
            count(*) filter (
                where
                    (state = 'failed' and updated_at >= ${begunAt}::text::timestamptz)
                    or (
                        state = 'loaded'
                        and file_id in (
                            select chunks.file_id from ingest.chunks where chunks.state = 'pending' and chunks.attempts > 0
                        )
                    )
            ) as failed
        from ingest.files`;
    return { ...files! };
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
