/**
 * The trigger that drives discover → load → merge, until it is stopped or, for available-now, all is done.
 *
 * One loop loads (load-loop.ts, in the process that holds the loader's lease), one per merge worker merges (merge-loop.ts),
 * one renews the lease.
 * They share a `Run` (ingest-run.ts): wake-up signals, the lease, the room in staging, counts for the summary. What one leaves
 * to the other is in the ledger alone. Loading overlaps merging.
 */
import { randomUUID } from "node:crypto";
import type { IngestConfig } from "../config.ts";
import { connect } from "../database/connect.ts";
import type { DatabaseTarget } from "../database/database-target.ts";
import { meaningOf } from "../database/sql-states.ts";
import { faultSettings } from "../faults/pass-fault-point.ts";
import type { IngestContext, IngestLog } from "./context.ts";
import { createCopyConnection } from "./copy-connection.ts";
import type { Run } from "./ingest-run.ts";
import { refuseArchiveAsInput } from "./input-folder.ts";
import { createHeaderReader } from "./known-headers.ts";
import { createLease, refuseOtherFolder } from "./lease.ts";
import { createLedgerProof } from "./ledger-proof.ts";
import { loadLoop } from "./load-loop.ts";
import { mergeLoop } from "./merge-loop.ts";
import { createOutage } from "./outage.ts";
import type { BatchProgress, IngestSummary } from "./progress.ts";
import { countFilesFailedBefore, countFilesSince, countWaitingFiles, readClock } from "./read-backlog.ts";
import { createRechecks, recheckLoop } from "./recheck-files.ts";
import { createSignal } from "./signal.ts";
import { createStagingRoom } from "./staging-room.ts";
import { retireWorker } from "./worker-leases.ts";

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

/** No lock that the ingest waits for is held for long: by then it is somebody's who forgot it. */
const lockTimeout = "60s";
/** Shorter than the lease (lease.ts): a server that was killed may leave a connection attempt without an answer. */
const connectTimeoutSeconds = 3;
/** How long a merge or a load may go on after a stop before it is rolled back. */
const stopGraceMs = 2_500;
/** How long a run that ends waits for the database's answer to its last words. */
const lastWordsMs = 1_000;

export async function runIngest(options: IngestOptions): Promise<IngestSummary> {
    const { config, log, target } = options;
    const startedAt = performance.now();
    refuseArchiveAsInput(config);
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
    const context: IngestContext = {
        ...{ config, sql, copyConnection, workerId, log },
        readHeader: createHeaderReader(),
        proof: createLedgerProof(),
        rechecks: createRechecks(),
    };
    const outage = createOutage({ sql, log, signal, revive: options.revive ?? null });
    const merged = createSignal();
    const records = { read: 0, inserted: 0, duplicate: 0, conflict: 0, rejected: 0 };
    const run: Run = {
        context,
        signal,
        staged: createSignal(),
        merged,
        lease: createLease(context, outage, records, () => run.isFolderAway),
        room: createStagingRoom(context, merged, signal, outage),
        isLoadingDone: false,
        isDone: false,
        isFolderAway: false,
        youngMerged: 0,
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
    run.begunAt = await run.survive(() => readClock(context.sql), { isFirst: true });
    await run.survive(() => refuseOtherFolder(context.sql, context.config.inputDir), { isFirst: true });
    await lease.renew();
    const heartbeat = lease.keep(() => run.isDone || signal.aborted).catch(endWith(stopper));
    const work = [
        loadLoop(run),
        recheckLoop(run),
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

async function cancelMerges(run: Run, applicationName: string): Promise<void> {
    await run.context.sql`
        select pg_cancel_backend(pid)
        from pg_stat_activity
        where application_name = ${applicationName} and state = 'active' and pid <> pg_backend_pid()`.catch(() => {});
}

async function summarize(run: Run, startedAt: number, isAnswered: boolean): Promise<IngestSummary> {
    const { sql, config } = run.context;
    const count = async () => ({
        files: await countFilesSince(sql, run.begunAt),
        failedBefore: await countFilesFailedBefore(sql, run.begunAt),
        left: {
            ...(await countWaitingFiles(sql)),
            merged: run.youngMerged,
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
        records: run.records,
        batches: run.batches,
        seconds: Math.round(performance.now() - startedAt) / 1000,
    };
}

/** For the last words of a run, which must not keep it from ending: null when the database is away, or too slow. */
async function lastWords<Answer>(query: Promise<Answer>): Promise<Answer | null> {
    const given = query.catch((error: unknown) => {
        if (meaningOf(error) === null) throw error;
        return null;
    });
    return await Promise.race([given, Bun.sleep(lastWordsMs).then(() => null)]);
}
