/**
 * A stream at work in this process: its loops, which begin anew when its table has changed. What ends one stream for good leaves
 * the others alone.
 */
import { randomUUID } from "node:crypto";
import type { IngestConfig } from "../../config/config.ts";
import { meaningOf } from "../../database/sql-states.ts";
import { SluiceError } from "../../errors.ts";
import type { Stream } from "../../streams/stream.ts";
import type { IngestLog } from "../context.ts";
import { describeListing } from "../discover/find-in-bucket.ts";
import type { InputTree } from "../discover/input-tree.ts";
import { createRechecks } from "../discover/recheck-files.ts";
import type { Heartbeat, Member } from "../ledger/lease.ts";
import { createLedgerProof } from "../ledger/ledger-proof.ts";
import type { WorkWatch } from "../ledger/watch-work.ts";
import { retireWorkers } from "../ledger/worker-leases.ts";
import { loadLoop } from "../load/load-loop.ts";
import { recheckLoop } from "../load/recheck-loop.ts";
import type { Run } from "../loops.ts";
import { mergeLoop } from "../merge/merge-loop.ts";
import { ConnectionsChanged, createOutage, type Outage, type Recovery } from "../outage/outage.ts";
import type { OutageVoice } from "../outage/say-outage.ts";
import { createTroubles } from "../outage/troubles.ts";
import { createWakeUp } from "../outage/wake-up.ts";
import type { RetryingStream } from "../retry/retry-loop.ts";
import { createStagingRoom } from "../stage/staging-room.ts";
import type { Connections } from "./open-connections.ts";
import { describePause, StreamPaused, untilResumed } from "./pause.ts";
import type { RunTally } from "./progress.ts";
import { createTableBlock, type RefreshStream, StreamRenewed } from "./table-block.ts";

/** What the streams of a process share. */
export interface Shared {
    connections: Connections;
    heartbeat: Heartbeat;
    recovery: Recovery;
    revive: (() => Promise<void>) | null;
    tree: InputTree;
    work: WorkWatch;
    /** Of the process. */
    signal: AbortSignal;
    refresh: RefreshStream;
    onStreamDone(stream: string): Promise<void>;
    /** There is no other stream. */
    isAlone: boolean;
    /** Ends the process's run. */
    endAll(error: unknown): void;
}

/** What is a stream's own. */
export interface StreamPlace {
    stream: Stream;
    config: IngestConfig;
    log: IngestLog;
    voice: OutageVoice;
    tally: RunTally;
    workerId?: string;
    /** What is in the way of its table from the start. */
    fault?: unknown;
}

export type StreamWorker = ReturnType<typeof createStreamWorker>;

/** With others a stream that ends does not wait for its table for ever: it has failed, and they have not. */
const mostAttemptsOfMany = 5;

export function createStreamWorker(shared: Shared, place: StreamPlace) {
    const { heartbeat, signal, isAlone } = shared;
    const { stream, log, tally } = place;
    const inbox = shared.tree.of(stream);
    // An object appears whole: no tail of it has to settle.
    const config = inbox.place === null ? place.config : { ...place.config, tailSettleMs: 0 };
    const workerId = place.workerId ?? randomUUID();
    const troubles = createTroubles();
    const survive = openOutage(shared, place, troubles, signal).survive;
    const isEnding = config.trigger.kind === "available-now";
    const mustEnd = isEnding && (!isAlone || stream.source !== null);
    const table = createTableBlock({
        ...{ sql: shared.connections.sql, streamId: stream.id, refresh: shared.refresh, voice: place.voice },
        ...{ troubles, survive, signal, mostAttempts: mustEnd ? mostAttemptsOfMany : Number.POSITIVE_INFINITY },
        untilResumed: async () => (isEnding ? undefined : await untilResumed(waiting, log, signal)),
    });
    const outage = { retries: troubles.retries, trouble: troubles.longest };
    const member: Member = {
        ...{ streamId: stream.id, workerId, log, proof: createLedgerProof(), outage, tally },
        listing: () => describeListing(inbox),
        hints: inbox.hints,
    };
    const lease = heartbeat.join(member);
    const waiting = shared.work.of(stream.id);
    let failure: unknown = null;
    let isLeftPaused = false;

    /** One life of the loops. Returns what ended it, or null when they were done or the process was stopped. */
    async function work(current: Stream): Promise<unknown> {
        const ending = createEnding(signal);
        const run: Run = {
            ...createContext(shared, { ...place, config, stream: current }, workerId, troubles, ending.signal),
            ...{
                lease,
                inbox,
                work: waiting,
                checkTable: () => table.check(current),
                proof: member.proof,
                noteMergeable: table.passed,
            },
        };
        const watching = new AbortController();
        const wake = () => {
            watching.abort();
            run.staged.give();
            run.merged.give();
        };
        ending.signal.addEventListener("abort", wake);
        waiting.onStaged = run.staged.give;
        waiting.onHinted = inbox.changed.give;
        waiting.onPaused = () => ending.fail(new StreamPaused());
        try {
            const mergers = Array.from({ length: config.mergeWorkers }, (_, index) => mergeLoop(run, index));
            const watch = table.watch(current, watching.signal);
            const loops = [loadLoop(run), recheckLoop(run), ...mergers].map((loop) => loop.catch(ending.fail));
            const watched = watch.catch(ending.fail);
            await Promise.all(loops);
            watching.abort();
            await watched;
            // Also what earlier runs left behind that were killed before they could.
            await run.survive(run.room.sweep);
        } catch (error) {
            ending.fail(error);
        } finally {
            waiting.onPaused = null;
            ending.close();
        }
        return ending.cause();
    }

    async function live(): Promise<void> {
        let current: Stream | null = stream;
        let cause: unknown = place.fault ?? null;
        while (current !== null && !signal.aborted) {
            const pause = waiting.pause();
            if (pause !== null && isEnding) {
                isLeftPaused = true;
                return log.warn(describePause(pause, "Nothing is taken"), { event: "stream_paused" });
            }
            await untilResumed(waiting, log, signal);
            cause ??= await work(current);
            if (cause === null) return;
            if (cause instanceof StreamRenewed) {
                current = cause.now;
                const line = `The table ${current.table} has changed; new records use its current columns.`;
                log.info(line, { event: "table_renewed" });
            } else if (meaningOf(cause) === "schema") current = await table.waitFor(current, cause);
            else if (!(cause instanceof StreamPaused)) throw cause;
            cause = null;
        }
    }

    return {
        name: stream.name,
        streamId: stream.id,
        workerId,
        tally,
        survive,
        config,
        retrying: {
            ...{ stream, workerId, survive, log, waitingMark: waiting.waitingMark },
            isOurs: () => lease.isLoader() && waiting.pause() === null,
            async withTurn(step) {
                const turn = await shared.connections.turns.take(stream.id);
                try {
                    return await step(turn.sql);
                } finally {
                    turn.end();
                }
            },
            onRetried: tally.addRetried,
        } satisfies RetryingStream as RetryingStream,
        /** What ended it for good while the others went on. */
        failure: () => failure,
        /** It was paused, and the run ends by itself: what waits is left to the next. */
        isLeftPaused: () => isLeftPaused,
        async run(): Promise<void> {
            try {
                await live();
                if (!signal.aborted) await shared.onStreamDone(stream.name);
            } catch (error) {
                failure = error;
                if (isAlone || isOfAll(error)) return shared.endAll(error);
                const detail = error instanceof Error ? error.message : String(error);
                log.error(`It has ended for good: ${detail} The other streams continue.`, {
                    event: "stream_failed",
                    code: (error as { code?: string }).code ?? "internal_error",
                });
            } finally {
                if (!signal.aborted) {
                    await heartbeat.leave(member);
                    // When it fails the lease runs out by itself.
                    await retireWorkers(shared.connections.leaseSql, [workerId]).catch(() => {});
                }
            }
        },
    };
}

/** What is no stream's own: the connections, the database as a whole. */
function isOfAll(error: unknown): boolean {
    return error instanceof ConnectionsChanged || (error instanceof SluiceError && error.code === "database_missing");
}

function openOutage(
    { connections, recovery, revive }: Shared,
    { log, voice }: StreamPlace,
    troubles: ReturnType<typeof createTroubles>,
    signal: AbortSignal,
): Outage {
    return createOutage({
        ...{ sql: connections.leaseSql, log, signal, revive, recovery, voice, troubles },
        isSchemaThrown: true,
    });
}

function createContext(
    shared: Shared,
    place: StreamPlace,
    workerId: string,
    troubles: ReturnType<typeof createTroubles>,
    signal: AbortSignal,
): Omit<Run, "lease" | "inbox" | "work" | "checkTable" | "proof" | "noteMergeable"> {
    const { sql, turns, copyConnections } = shared.connections;
    const { stream, config, log, tally } = place;
    const context = { stream, config, sql, workerId, log };
    const outage = openOutage(shared, place, troubles, signal);
    const merged = createWakeUp();
    return {
        ...context,
        ...{ copyConnection: copyConnections.of(stream.id), copyBeside: copyConnections.of(stream.id) },
        ...{ turns, tally, signal, merged },
        survive: outage.survive,
        staged: createWakeUp(),
        lostAnswers: [],
        areMergesHeld: false,
        rechecks: createRechecks(),
        room: createStagingRoom(context, merged, signal, outage),
        isLoadingDone: false,
    };
}

/** The first failure of a loop ends the others. */
function createEnding(outer: AbortSignal) {
    const stopper = new AbortController();
    const stop = () => stopper.abort();
    outer.addEventListener("abort", stop);
    if (outer.aborted) stop();
    let first: { error: unknown } | null = null;
    return {
        signal: stopper.signal,
        fail(error: unknown): void {
            if (stopper.signal.aborted) return;
            first = { error };
            stopper.abort();
        },
        cause: () => first?.error ?? null,
        close: () => outer.removeEventListener("abort", stop),
    };
}
