/**
 * Drives discover → load → merge until it is stopped or, for available-now, all is done: for any number of streams.
 *
 * Each stream has its own loops (stream-worker.ts): one loads (load-loop.ts, in the process that holds the stream's loader's
 * lease), one per merge worker merges (merge-loop.ts). They share a `Run` (loops.ts). The streams of a process share its
 * connections, one heartbeat that renews all leases, and turns at merging and copying. Loading overlaps merging.
 */
import { randomUUID } from "node:crypto";
import type { IngestConfig } from "../../config/config.ts";
import type { DatabaseTarget } from "../../database/database-target.ts";
import type { SourceConfig } from "../../streams/source-config.ts";
import type { Stream } from "../../streams/stream.ts";
import { addRecordCounts, type RecordCounts } from "../../terminal/record-counts.ts";
import type { IngestLog } from "../context.ts";
import { openInboxes } from "../discover/open-inboxes.ts";
import { refuseArchiveAsInput } from "../input-folder.ts";
import { createHeartbeat, refuseOtherFolder } from "../ledger/lease.ts";
import { readClock } from "../ledger/read-backlog.ts";
import { createWorkWatch } from "../ledger/watch-work.ts";
import { retireWorkers } from "../ledger/worker-leases.ts";
import { ConnectionsChanged, createOutage, createRecovery, recoverPrepared } from "../outage/outage.ts";
import { createOutageVoice } from "../outage/say-outage.ts";
import type { Trouble } from "../outage/troubles.ts";
import { keepRetrying, retryAll } from "../retry/retry-loop.ts";
import { type Connections, openConnections } from "./open-connections.ts";
import { type ConnectionPlan, canGrow, planIngest, planIngestAgain } from "./plan-connections.ts";
import { type BatchProgress, createTally, type IngestSummary, type RunTally } from "./progress.ts";
import { logOfStream } from "./stream-log.ts";
import { createStreamWorker, type Shared, type StreamWorker } from "./stream-worker.ts";
import { lastWords, lastWordsMs, summarize } from "./summarize.ts";
import type { RefreshStream } from "./table-block.ts";

export interface IngestOptions {
    target: DatabaseTarget;
    /** At least one. */
    streams: readonly Stream[];
    /** All that are active, also those that this process does not run: their files are theirs. Default: `streams`. */
    activeStreams?: readonly Stream[];
    config: IngestConfig;
    /** How the files of a stream are read. Default: as it says itself, else by the sources of the settings. */
    sourcesOf?: (stream: Stream) => readonly SourceConfig[] | undefined;
    /** By name of a stream, what is in the way of its table from the start: it begins blocked, and comes by itself. */
    faults?: ReadonlyMap<string, unknown>;
    /** Reads a stream's table anew. Without it the stream is tried again as it was. */
    refresh?: RefreshStream;
    log: IngestLog;
    onBatch?: (progress: BatchProgress) => void;
    /** Stops the run: nothing more is read, the batch in progress ends or is rolled back. */
    signal?: AbortSignal;
    /** Restarts an embedded server that died. */
    revive?: (() => Promise<void>) | null;
    /**
     * Called about every two seconds while the loops come round, also while the database is away; for the first time when the run
     * has begun. A run that calls it no more is frozen.
     */
    onSignOfLife?: (sign: SignOfLife) => void;
    /** Called when an available-now run is done with a stream, while its worker is still known. */
    onStreamDone?: (stream: string) => Promise<void>;
    /** How often a run with fewer connections than it would like looks for more. Default: a minute. */
    growEveryMs?: number;
}

export interface SignOfLife {
    /** Of the run so far, all streams together. */
    records: RecordCounts;
    /** What the run waits for; null when it goes on. */
    trouble: Trouble | null;
}

/** How long a merge or a load may go on after a stop before it is rolled back. */
const stopGraceMs = 2_500;

/** A load that is cut off for it is done again: not worth it for a gap of seconds. */
const defaultGrowEveryMs = 60_000;

/**
 * @throws what ends a run for good; SluiceError too_many_connections when there are too few of them from the start. With several
 * streams what ends one of them is in the summary; it is thrown when none is left.
 */
export async function runIngest(options: IngestOptions): Promise<IngestSummary> {
    const { streams } = options;
    refuseArchiveAsInput(options.config);
    const isAlone = streams.length === 1;
    const tallies = streams.map(({ name }) => createTally(options.onBatch, isAlone ? null : name));
    let plan = await planIngest(options);
    while (true) {
        try {
            return await runPlanned(options, tallies, plan);
        } catch (error) {
            if (!(error instanceof ConnectionsChanged)) throw error;
            plan = await planIngestAgain({ ...options, onAttempt: () => tellSign(options, tallies, null) });
        }
    }
}

async function runPlanned(options: IngestOptions, tallies: RunTally[], plan: ConnectionPlan): Promise<IngestSummary> {
    const { log, target } = options;
    const stopper = new AbortController();
    options.signal?.addEventListener("abort", () => stopper.abort(), { once: true });
    if (options.signal?.aborted) stopper.abort();

    const processId = randomUUID();
    const connections = openConnections(target, plan, processId);
    const { shared, workers, begin } = createProcess(options, tallies, plan, connections, stopper, processId);
    const timers: ReturnType<typeof setTimeout>[] = [];
    const unanswered = limitStop(stopper.signal, timers, () => {
        connections.cancelMerges();
        connections.copyConnections.discard();
    });
    if (plan.isReduced) timers.push(growWhenPossible(options, plan, connections, stopper));
    let isAnswered = true;
    try {
        const work = runWorkers(shared, workers, begin).catch(endWith(stopper));
        // A server that is frozen, or whose machine is gone, would be waited for by every loop, for ever.
        isAnswered = (await Promise.race([work, unanswered])) !== "unanswered";
        if (!isAnswered) {
            const facts = { event: "stopped_early" };
            log.warn("Some work did not end in time. Whatever it did not commit will be done again.", facts);
        }
        if (stopper.signal.reason instanceof FatalError) throw stopper.signal.reason.cause;
        return await summarize(shared, workers, isAnswered);
    } finally {
        for (const timer of timers) clearTimeout(timer);
        const workerIds = workers.map(({ workerId }) => workerId);
        // When it fails, the leases run out by themselves.
        if (isAnswered) await lastWords(retireWorkers(connections.leaseSql, workerIds)).catch(() => null);
        shared.tree.close();
        await connections.close(isAnswered);
    }
}

function createProcess(
    options: IngestOptions,
    tallies: RunTally[],
    plan: ConnectionPlan,
    connections: Connections,
    stopper: AbortController,
    processId: string,
) {
    const { streams, log, revive = null } = options;
    const { sourcesOf = ({ source }) => (source === null ? options.config.sources : [source]) } = options;
    const config = { ...options.config, mergeWorkers: plan.mergeWorkers };
    const rest = (options.activeStreams ?? streams).find(({ files }) => files === null);
    const restSources = rest && sourcesOf(rest);
    const voice = createOutageVoice(log);
    const { signal } = stopper;
    const onAttempt = () => {
        if (tallies.every(({ begunAt }) => begunAt !== null)) tellSign(options, tallies, shared.heartbeat.trouble());
    };
    const recovery = createRecovery({ sql: connections.leaseSql, signal, revive, voice, onAttempt });
    const outage = createOutage({ sql: connections.leaseSql, log, signal, revive, recovery, voice });
    const shared: Shared = {
        ...{ connections, recovery, revive, signal, work: createWorkWatch(connections.sql, outage.survive) },
        heartbeat: createHeartbeat({ sql: connections.leaseSql, config }, outage, onAttempt),
        tree: openInboxes({
            config: { ...config, sources: restSources },
            log,
            streams: options.activeStreams ?? streams,
        }),
        refresh: options.refresh ?? (async (_, stream) => stream),
        onStreamDone: options.onStreamDone ?? (async () => {}),
        isAlone: streams.length === 1,
        endAll: endWith(stopper),
    };
    const workers = streams.map((stream, index) => {
        const own = shared.isAlone ? log : logOfStream(log, stream.name);
        return createStreamWorker(shared, {
            ...{ stream, log: own, voice: shared.isAlone ? voice : createOutageVoice(own), tally: tallies[index]! },
            config: { ...config, sources: sourcesOf(stream) },
            workerId: index === 0 ? processId : undefined,
            fault: options.faults?.get(stream.name) ?? null,
        });
    });
    /** What has to be right before anything begins: a fault of it ends the run. */
    const begin = async () => {
        const begunAt = await outage.survive(() => readClock(connections.sql), { isFirst: true });
        await outage.survive(() => recoverPrepared(connections.leaseSql), { isFirst: true });
        const streamIds = streams.map(({ id }) => id);
        await outage.survive(() => refuseOtherFolder(connections.sql, config.inputDir, streamIds), { isFirst: true });
        await shared.heartbeat.renew();
        // A stream that is paused takes nothing, not even in its first second.
        await shared.work.look();
        for (const tally of tallies) tally.begunAt ??= begunAt;
        onAttempt();
    };
    return { shared, workers, begin };
}

async function runWorkers(shared: Shared, workers: StreamWorker[], begin: () => Promise<void>): Promise<void> {
    const over = new AbortController();
    const { signal } = shared;
    await begin();
    const heartbeat = shared.heartbeat.keep(() => over.signal.aborted || signal.aborted).catch(shared.endAll);
    signal.addEventListener("abort", () => over.abort());
    const watching = shared.work.keep(over.signal).catch(shared.endAll);
    const isEnding = workers[0]!.config.trigger.kind === "available-now";
    const retrying = isEnding ? null : keepRetrying(retryingOf(workers), over.signal).catch(shared.endAll);
    await Promise.all(workers.map((worker) => worker.run()));
    if (isEnding) await retryAll(retryingOf(workers), signal).catch(shared.endAll);
    over.abort();
    await Promise.all([heartbeat, watching, retrying]);
    const failures = workers.map(({ failure }) => failure());
    if (failures.every((failure) => failure !== null)) throw failures[0];
}

function tellSign({ onSignOfLife }: IngestOptions, tallies: readonly RunTally[], trouble: Trouble | null): void {
    onSignOfLife?.({ records: addRecordCounts(tallies.map(({ records }) => records)), trouble });
}

const retryingOf = (workers: readonly StreamWorker[]) =>
    workers
        .filter(({ failure, isLeftPaused }) => failure() === null && !isLeftPaused())
        .map(({ retrying }) => retrying);

/** Begins the run again once it can have more connections. */
function growWhenPossible(
    options: IngestOptions,
    plan: ConnectionPlan,
    { leaseSql, applicationName }: Connections,
    stopper: AbortController,
): ReturnType<typeof setInterval> {
    const { log, growEveryMs = defaultGrowEveryMs } = options;
    const grow = async () => {
        const isRoom = await canGrow(leaseSql, plan, options, applicationName);
        if (!isRoom || stopper.signal.aborted) return;
        log.info("More connections are available again; the ingest uses them.", { event: "more_connections" });
        endWith(stopper)(new ConnectionsChanged("There are more connections."));
    };
    return setInterval(() => void grow().catch(() => {}), growEveryMs);
}

/** After a stop: rolls back what takes too long, and resolves when even that is not answered. */
function limitStop(
    signal: AbortSignal,
    timers: ReturnType<typeof setTimeout>[],
    rollBack: () => void,
): Promise<"unanswered"> {
    const unanswered = Promise.withResolvers<"unanswered">();
    const limit = () => {
        timers.push(setTimeout(rollBack, stopGraceMs));
        timers.push(setTimeout(() => unanswered.resolve("unanswered"), stopGraceMs + lastWordsMs));
    };
    signal.addEventListener("abort", limit);
    return unanswered.promise;
}

class FatalError extends Error {}

/** One failure ends everything; the first one is what the run throws. */
function endWith(stopper: AbortController): (error: unknown) => void {
    return (error) => {
        if (!stopper.signal.aborted) stopper.abort(new FatalError("The run failed.", { cause: error }));
    };
}
