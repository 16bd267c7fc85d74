/**
 * Drives discover → load → merge until it is stopped or, for available-now, all is done.
 *
 * One loop loads (load-loop.ts, in the process that holds the loader's lease), one per merge worker merges (merge-loop.ts),
 * and one renews the lease. They share a `Run` (loops.ts). Loading overlaps merging.
 */
import { randomUUID } from "node:crypto";
import type { IngestConfig } from "../../config/config.ts";
import { connect } from "../../database/connect.ts";
import type { DatabaseTarget } from "../../database/database-target.ts";
import { faultSettings } from "../../database/faults/pass-fault-point.ts";
import { meaningOf } from "../../database/sql-states.ts";
import type { Stream } from "../../streams/stream.ts";
import type { IngestContext, IngestLog } from "../context.ts";
import { createRechecks } from "../discover/recheck-files.ts";
import { refuseArchiveAsInput } from "../input-folder.ts";
import { createLease, refuseOtherFolder } from "../ledger/lease.ts";
import { createLedgerProof } from "../ledger/ledger-proof.ts";
import { countFilesFailedBefore, countFilesSince, countWaitingFiles, readClock } from "../ledger/read-backlog.ts";
import { retireWorker } from "../ledger/worker-leases.ts";
import { loadLoop } from "../load/load-loop.ts";
import { recheckLoop } from "../load/recheck-loop.ts";
import type { Run } from "../loops.ts";
import { mergeLoop } from "../merge/merge-loop.ts";
import { ConnectionsChanged, createOutage } from "../outage/outage.ts";
import { createWakeUp } from "../outage/wake-up.ts";
import { createCopyConnection } from "../stage/copy-connection.ts";
import { createStagingRoom } from "../stage/staging-room.ts";
import { type ConnectionPlan, canGrow, planIngest, planIngestAgain } from "./plan-connections.ts";
import { type BatchProgress, createTally, type IngestSummary, type RunTally } from "./progress.ts";

export interface IngestOptions {
    target: DatabaseTarget;
    stream: Stream;
    config: IngestConfig;
    log: IngestLog;
    onBatch?: (progress: BatchProgress) => void;
    /** Stops the run: nothing more is read, the batch in progress ends or is rolled back. */
    signal?: AbortSignal;
    /** Restarts an embedded server that died. */
    revive?: (() => Promise<void>) | null;
    /** How often a run with fewer connections than it would like looks for more. Default: a minute. */
    growEveryMs?: number;
}

/** No lock that the ingest waits for lasts long: after this time somebody has forgotten it. */
const lockTimeout = "60s";
/** Shorter than the lease (lease.ts): a server that was killed may leave a connection attempt without an answer. */
const connectTimeoutSeconds = 3;
/** How long a merge or a load may go on after a stop before it is rolled back. */
const stopGraceMs = 2_500;
/** How long a run that ends waits for the database's answer to its last words. */
const lastWordsMs = 1_000;

/** A load that is cut off for it is done again: not worth it for a gap of seconds. */
const defaultGrowEveryMs = 60_000;

/** @throws what ends a run for good; SluiceError too_many_connections when there are too few of them from the start. */
export async function runIngest(options: IngestOptions): Promise<IngestSummary> {
    refuseArchiveAsInput(options.config);
    const tally = createTally(options.onBatch);
    let plan = await planIngest(options);
    while (true) {
        try {
            return await runPlanned(options, tally, plan);
        } catch (error) {
            if (!(error instanceof ConnectionsChanged)) throw error;
            plan = await planIngestAgain(options);
        }
    }
}

async function runPlanned(options: IngestOptions, tally: RunTally, plan: ConnectionPlan): Promise<IngestSummary> {
    const { log, target, stream } = options;
    const config = { ...options.config, mergeWorkers: plan.mergeWorkers };
    const stopper = new AbortController();
    options.signal?.addEventListener("abort", () => stopper.abort(), { once: true });
    if (options.signal?.aborted) stopper.abort();

    const workerId = randomUUID();
    const connections = openConnections(target, plan, workerId);
    const { sql, leaseSql, copyConnection } = connections;
    const run = createRun(options, { stream, config, sql, workerId, log }, connections, tally, stopper.signal);
    const timers: ReturnType<typeof setTimeout>[] = [];
    const unanswered = limitStop(run, timers, () => {
        cancelMerges(connections);
        copyConnection.discard();
    });
    if (plan.isReduced) timers.push(growWhenPossible(options, plan, connections, stopper));
    let isAnswered = true;
    try {
        const work = runLoops(run, tally, stopper).catch(endWith(stopper));
        // A server that is frozen, or whose machine is gone, would be waited for by every loop, for ever.
        isAnswered = (await Promise.race([work, unanswered])) !== "unanswered";
        if (!isAnswered) {
            const facts = { event: "stopped_early" };
            log.warn("Not all of the work ended in time. What it did not commit will be done again.", facts);
        }
        if (stopper.signal.reason instanceof FatalError) throw stopper.signal.reason.cause;
        return await summarize(run, tally, isAnswered);
    } finally {
        for (const timer of timers) clearTimeout(timer);
        // When it fails, the lease runs out by itself.
        if (isAnswered) await lastWords(retireWorker(leaseSql, workerId)).catch(() => null);
        await connections.close(isAnswered);
    }
}

type Connections = ReturnType<typeof openConnections>;

function openConnections(target: DatabaseTarget, { poolConnections }: ConnectionPlan, workerId: string) {
    const applicationName = `sluice-${workerId.slice(0, 8)}`;
    const faults = faultSettings(applicationName);
    const session = { applicationName, connectTimeoutSeconds, settings: { lock_timeout: lockTimeout } };
    const settings = { ...session.settings, ...faults.settings };
    const sql = connect(target, { ...session, ...faults, max: poolConnections, settings });
    // A separate connection: behind a merge a heartbeat would come too late, and a cancel would wait for its own target.
    const leaseSql = connect(target, { ...session, max: 1 });
    const copyConnection = createCopyConnection(target, `${applicationName}-copy`);
    const close = async (isAnswered: boolean) => {
        const ending = { timeout: isAnswered ? 1 : 0 };
        const closing = Promise.all([copyConnection.discard(), sql.end(ending), leaseSql.end(ending)]);
        await Promise.race([closing, Bun.sleep(2 * lastWordsMs)]);
    };
    return { applicationName, sql, leaseSql, copyConnection, close };
}

function createRun(
    { log, revive = null }: IngestOptions,
    context: IngestContext,
    { leaseSql, copyConnection }: Connections,
    tally: RunTally,
    signal: AbortSignal,
): Run {
    const outage = createOutage({ sql: leaseSql, log, signal, revive });
    const merged = createWakeUp();
    const proof = createLedgerProof();
    return {
        ...context,
        ...{ copyConnection, tally, signal, merged, proof },
        survive: outage.survive,
        staged: createWakeUp(),
        rechecks: createRechecks(),
        lease: createLease({ ...context, sql: leaseSql }, proof, outage, tally),
        room: createStagingRoom(context, merged, signal, outage),
        isLoadingDone: false,
    };
}

/** Begins the run again once it can have more connections. */
function growWhenPossible(
    { log, config, growEveryMs = defaultGrowEveryMs }: IngestOptions,
    plan: ConnectionPlan,
    { leaseSql, applicationName }: Connections,
    stopper: AbortController,
): ReturnType<typeof setInterval> {
    const grow = async () => {
        const isRoom = await canGrow(leaseSql, plan, config.mergeWorkers, applicationName);
        if (!isRoom || stopper.signal.aborted) return;
        log.info("There are more connections again; the ingest takes them.", { event: "more_connections" });
        endWith(stopper)(new ConnectionsChanged("There are more connections."));
    };
    return setInterval(() => void grow().catch(() => {}), growEveryMs);
}

/** After a stop: wakes the loops, rolls back what takes too long, and resolves when even that is not answered. */
function limitStop(run: Run, timers: ReturnType<typeof setTimeout>[], rollBack: () => void): Promise<"unanswered"> {
    const unanswered = Promise.withResolvers<"unanswered">();
    run.signal.addEventListener("abort", () => {
        timers.push(setTimeout(rollBack, stopGraceMs));
        timers.push(setTimeout(() => unanswered.resolve("unanswered"), stopGraceMs + lastWordsMs));
        run.staged.give();
        run.merged.give();
    });
    return unanswered.promise;
}

async function runLoops(run: Run, tally: RunTally, stopper: AbortController): Promise<void> {
    const { config, sql, signal, lease, room, survive } = run;
    let isDone = false;
    tally.begunAt ??= await survive(() => readClock(sql), { isFirst: true });
    await survive(() => refuseOtherFolder(sql, config.inputDir), { isFirst: true });
    await lease.renew();
    const heartbeat = lease.keep(() => isDone || signal.aborted).catch(endWith(stopper));
    const mergers = Array.from({ length: config.mergeWorkers }, (_, index) => mergeLoop(run, index));
    const work = [loadLoop(run), recheckLoop(run), ...mergers];
    await Promise.all(work.map((loop) => loop.catch(endWith(stopper))));
    isDone = true;
    run.merged.give();
    await heartbeat;
    // Also what earlier runs left behind that were killed before they could.
    await survive(room.sweep);
}

class FatalError extends Error {}

/** One loop's failure ends the others; the first one is what the run throws. */
function endWith(stopper: AbortController): (error: unknown) => void {
    return (error) => {
        if (!stopper.signal.aborted) stopper.abort(new FatalError("The run failed.", { cause: error }));
    };
}

async function cancelMerges({ leaseSql, applicationName }: Connections): Promise<void> {
    await leaseSql`
        select pg_cancel_backend(pid)
        from pg_stat_activity
        where application_name = ${applicationName} and state = 'active' and pid <> pg_backend_pid()`.catch(() => {});
}

async function summarize(run: Run, tally: RunTally, isAnswered: boolean): Promise<IngestSummary> {
    const { sql, config } = run;
    const { begunAt, records, batches, youngMerged, startedAt } = tally;
    const count = async () => ({
        files: await countFilesSince(sql, begunAt),
        failedBefore: await countFilesFailedBefore(sql, begunAt),
        left: {
            ...(await countWaitingFiles(sql)),
            merged: youngMerged,
            youngerThanMs: config.tailSettleMs,
        },
    });
    const countNow = () => (isAnswered ? lastWords(count()) : null);
    const counted = run.signal.aborted ? await countNow() : await run.survive(count);
    return {
        type: "summary",
        files: counted?.files ?? null,
        failedBefore: counted?.failedBefore ?? null,
        left: counted?.left ?? null,
        records,
        batches,
        seconds: Math.round(performance.now() - startedAt) / 1000,
    };
}

/** For the last words of a run, which must not keep it from ending: null if the database is unreachable, or too slow. */
async function lastWords<Answer>(query: Promise<Answer>): Promise<Answer | null> {
    const given = query.catch((error: unknown) => {
        if (meaningOf(error) === null) throw error;
        return null;
    });
    return await Promise.race([given, Bun.sleep(lastWordsMs).then(() => null)]);
}
