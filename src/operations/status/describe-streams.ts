/** The verdict on each stream, and on all of them together. Pure. */
import { program } from "../../environment.ts";
import { formatDuration } from "../../terminal/format.ts";
import { noRecords } from "../../terminal/record-counts.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import { describeDeferred } from "./describe-deferred.ts";
import { describeBacklog, describeState, type FailingFile, type State, type StateFacts } from "./describe-state.ts";
import { arrivalWindowSeconds, type LargeMerge, measurePace } from "./measure-pace.ts";
import { roundTo } from "./round-to.ts";
import { type Status, type StreamStatus, states } from "./status-schema.ts";

/** As sql/stats/read_status.sql gives it: null where there is nothing. */
export interface StreamFacts
    extends Pick<
        StreamStatus,
        | "name"
        | "table"
        | "mode"
        | "problem"
        | "problemDetail"
        | "problemAt"
        | "pausedAt"
        | "pausedBy"
        | "pauseReason"
        | "standingRejects"
        | "deferredIndexes"
    > {
    totals: StreamStatus["totals"] | null;
    files: StreamStatus["files"] | null;
    waiting: { files: number; unreadBytes: number; newUnreadBytes: number; oldestUnreadAt: string | null } | null;
    unmerged: {
        chunks: number;
        stagedRecords: number;
        oldestStagedAt: string | null;
        mergeableSince: string | null;
    } | null;
    arrivals: { stagedRecords: number; stagedRecordsOfNewFiles: number; bytes: number; records: number } | null;
    /** The latest few. */
    failedFiles: FailingFile[];
    workers: StateFacts["workers"];
    /** In the last minute. */
    committedRecords: number;
    lastBatchAt: string | null;
    lastMergeAt: string | null;
    lastStagedAt: string | null;
    recentMerges: StateFacts["recentMerges"];
    largestMerges: LargeMerge[];
    mostFrequentReason: string | null;
}

const noTotals = { ...noRecords(), batches: 0, displaced: 0 };
const noFiles = { pending: 0, loaded: 0, merged: 0, skipped: 0, failed: 0, replaced: 0 };
const noneWait = { files: 0, unreadBytes: 0, newUnreadBytes: 0, oldestUnreadAt: null };
const noneUnmerged = { chunks: 0, stagedRecords: 0, oldestStagedAt: null, mergeableSince: null };
const noArrivals = { stagedRecords: 0, stagedRecordsOfNewFiles: 0, bytes: 0, records: 0 };
const windowSeconds = arrivalWindowSeconds;

export function describeStream(stream: StreamFacts, { asOf }: Pick<Status, "asOf">): StreamStatus {
    const backlog = { ...noneWait, ...stream.waiting, ...noneUnmerged, ...stream.unmerged };
    const files = addUp(noFiles, [stream.files]);
    const { bytes, records, ...arrivals } = addUp(noArrivals, [stream.arrivals]);
    const pace = measurePace({
        backlog,
        arrivals: { ...arrivals, bytesPerRecord: records === 0 ? null : bytes / records },
        largestMerges: stream.largestMerges,
    });
    const state = describeState({
        ...stream,
        asOf,
        pace,
        files,
        backlog,
        lastBatch: stream.lastBatchAt === null ? null : { finishedAt: stream.lastBatchAt },
        rejectReasons: stream.mostFrequentReason === null ? [] : [{ reason: stream.mostFrequentReason }],
        // Said once, of all streams.
        stagingReaders: [],
    });
    const { name, table, mode, problem, problemDetail, problemAt, standingRejects } = stream;
    const { pausedAt, pausedBy, pauseReason } = stream;
    return {
        name,
        table,
        mode,
        ...(pausedAt !== null
            ? describePause(stream, backlog, asOf)
            : problem !== null
              ? describeBlock(stream)
              : state),
        problem,
        problemDetail,
        problemAt,
        pausedAt,
        pausedBy,
        pauseReason,
        totals: addUp(noTotals, [stream.totals]),
        files,
        backlog: {
            files: backlog.files,
            unreadBytes: backlog.unreadBytes,
            chunks: backlog.chunks,
            stagedRecords: backlog.stagedRecords,
            records: pace.waitingRecords,
            seconds: roundTo(pace.drainSeconds, 1),
            oldestWaitingAt: earliest(backlog.oldestUnreadAt, backlog.oldestStagedAt),
        },
        arrival: { recordsPerSecond: roundTo(pace.arrivalPerSecond, 1), windowSeconds },
        committed: { recordsPerSecond: roundTo(stream.committedRecords / windowSeconds, 1), windowSeconds },
        lastMergedAt: stream.lastMergeAt,
        standingRejects,
        workers: stream.workers.length,
        deferredIndexes: stream.deferredIndexes,
        deferredNote: noteDeferred(stream),
    };
}

function noteDeferred({ deferredIndexes, workers }: Pick<StreamFacts, "deferredIndexes" | "workers">): string | null {
    const note = describeDeferred(deferredIndexes);
    if (note === null) return null;
    const isAtWork = workers.length > 0 && deferredIndexes.every(({ problem }) => problem === null);
    return `${note}. ${isAtWork ? "They are made when the backlog is loaded." : "The next ingest makes them."}`;
}

/** Its table is in the way: nobody asked for that. */
function describeBlock({ problem, problemDetail }: Pick<StreamFacts, "problem" | "problemDetail">): State {
    const detail = sanitize(problemDetail ?? problem ?? "", { most: 400 });
    return { state: "blocked", tone: "bad", verdict: `Blocked: ${detail}`.replace(/[^.!?]$/, "$&.") };
}

/** Somebody asked for it, so it is no alarm, whatever waits; and it does not end by itself, so it is not forgotten. */
function describePause(stream: StreamFacts, backlog: StateFacts["backlog"], asOf: string): State {
    const { name, pausedAt, pausedBy, pauseReason, problem, workers } = stream;
    const forMs = Math.max(0, Date.parse(asOf) - Date.parse(pausedAt!));
    const why = pauseReason === null ? "" : `: ${sanitize(pauseReason, { most: 200 }).replace(/[.\s]+$/, "")}`;
    const sentences = [
        `Paused for ${formatDuration(forMs)} by ${sanitize(pausedBy ?? "somebody", { most: 100 })}${why}.`,
    ];
    const isWaiting = backlog.files + backlog.stagedRecords > 0;
    if (isWaiting) sentences.push(`${describeBacklog(backlog)} wait; what arrives now is seen once it is resumed.`);
    if (problem !== null) sentences.push(describeBlock(stream).verdict);
    if (workers.length === 0) sentences.push("No ingest is running.");
    sentences.push(`Resume it: \`${program} resume --stream ${sanitize(name, { most: 60 })}\`.`);
    return { state: "paused", tone: "busy", verdict: sentences.join(" ") };
}

/** The most names that a sentence has. */
const mostNames = 5;

/** The state of all. `working`: the verdict on the numbers of the streams that nobody has paused. */
export function describeTogether(streams: readonly StreamStatus[], working: State): State {
    const paused = streams.filter(({ state }) => state === "paused");
    if (paused.length === 0) return gravestState(streams, working);
    const [{ state, tone, verdict }] = paused as [StreamStatus];
    if (streams.length === 1) return { state, tone, verdict };
    if (paused.length === streams.length) {
        const all = `All ${streams.length} streams are paused. Resume them: \`${program} resume\`.`;
        return { state, tone, verdict: all };
    }
    const gravest = gravestState(streams, working);
    const names = paused.length > mostNames ? `${paused.length} streams` : paused.map(nameOf).join(", ");
    return {
        state: gravest.state,
        tone: gravest.tone === "bad" ? "bad" : tone,
        verdict: `${gravest.verdict} ${names} ${paused.length === 1 ? "is" : "are"} paused.`,
    };
}

/**
 * The state of all: that of the numbers together, unless a stream is so badly off that somebody must act. Then it is the
 * gravest stream's, by name: sums would hide it behind those that work.
 */
function gravestState(streams: readonly StreamStatus[], together: State): State {
    const bad = streams
        .filter(({ tone }) => tone === "bad")
        .sort((left, right) => states.indexOf(left.state) - states.indexOf(right.state));
    const [gravest, ...others] = bad;
    if (gravest === undefined) return together;
    const { state, tone, verdict } = gravest;
    if (streams.length === 1) return state === "blocked" ? { state, tone, verdict } : together;
    const sentences = [describeStreamState(gravest)];
    if (others.length > 0)
        sentences.push(`And ${others.map((stream) => `${nameOf(stream)} is ${stream.state}`).join(", ")}.`);
    return { state, tone, verdict: sentences.join(" ") };
}

/** `orders is stuck. The input folder …`: for those who are told of other streams too. */
export function describeStreamState(stream: Pick<StreamStatus, "name" | "state" | "verdict">): string {
    return `${nameOf(stream)} is ${stream.state}. ${stream.verdict.replace(/^(?:Stuck\. |Blocked: |Behind: )/, "")}`;
}

function nameOf({ name }: Pick<StreamStatus, "name">): string {
    return sanitize(name, { most: 60 });
}

/** In place of the sums over all streams, those over the streams that nobody has paused. */
export function factsOfWorking(streams: readonly StreamFacts[]) {
    const working = streams.filter(({ pausedAt }) => pausedAt === null);
    const waiting = working.map((stream) => stream.waiting);
    const unmerged = working.map((stream) => stream.unmerged);
    const { bytes, records, ...arrivals } = addUp(
        noArrivals,
        working.map((stream) => stream.arrivals),
    );
    return {
        files: addUp(
            noFiles,
            working.map(({ files }) => files),
        ),
        failedFiles: working
            .flatMap(({ failedFiles }) => failedFiles)
            .toSorted((left, right) => right.failedAt.localeCompare(left.failedAt)),
        recentMerges: addUp(
            { read: 0, rejected: 0, conflict: 0 },
            working.map(({ recentMerges }) => recentMerges),
        ),
        standingRejects: working.reduce((sum, { standingRejects }) => sum + standingRejects, 0),
        backlog: {
            ...addUp({ files: 0, unreadBytes: 0, newUnreadBytes: 0 }, waiting),
            ...addUp({ stagedRecords: 0 }, unmerged),
            oldestUnreadAt: earliest(...waiting.map((one) => one?.oldestUnreadAt ?? null)),
            mergeableSince: earliest(...unmerged.map((one) => one?.mergeableSince ?? null)),
        },
        arrivals: { ...arrivals, bytesPerRecord: records === 0 ? null : bytes / records },
    };
}

/** Field by field, without the fields that only the statement needs. */
function addUp<Counts extends Record<string, number>>(
    zeros: Counts,
    found: readonly (Readonly<Partial<Counts>> | null)[],
): Counts {
    const sumOf = (name: string) => found.reduce((sum, one) => sum + (one?.[name] ?? 0), 0);
    return Object.fromEntries(Object.keys(zeros).map((name) => [name, sumOf(name)])) as Counts;
}

function earliest(...instants: (string | null)[]): string | null {
    return instants.filter((instant) => instant !== null).sort()[0] ?? null;
}
