/** The verdict on each stream, and on all of them together. Pure. */
import { noRecords } from "../../terminal/record-counts.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import { describeState, type FailingFile, type State, type StateFacts } from "./describe-state.ts";
import { arrivalWindowSeconds, type LargeMerge, measurePace } from "./measure-pace.ts";
import { roundTo } from "./round-to.ts";
import { type Status, type StreamStatus, states } from "./status-schema.ts";

/** As sql/stats/read_status.sql gives it: null where there is nothing. */
export interface StreamFacts
    extends Pick<
        StreamStatus,
        "name" | "table" | "mode" | "problem" | "problemDetail" | "problemAt" | "standingRejects"
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
const windowSeconds = arrivalWindowSeconds;

export function describeStream(stream: StreamFacts, { asOf }: Pick<Status, "asOf">): StreamStatus {
    const backlog = { ...noneWait, ...stream.waiting, ...noneUnmerged, ...stream.unmerged };
    const files = pick(noFiles, stream.files);
    const { stagedRecords = 0, stagedRecordsOfNewFiles = 0, bytes = 0, records = 0 } = stream.arrivals ?? {};
    const pace = measurePace({
        backlog,
        arrivals: { stagedRecords, stagedRecordsOfNewFiles, bytesPerRecord: records === 0 ? null : bytes / records },
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
    return {
        name,
        table,
        mode,
        ...(problem === null ? state : describePause(stream)),
        problem,
        problemDetail,
        problemAt,
        totals: pick(noTotals, stream.totals),
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
    };
}

function describePause({ problem, problemDetail }: Pick<StreamFacts, "problem" | "problemDetail">): State {
    const detail = sanitize(problemDetail ?? problem ?? "", { most: 400 });
    return { state: "paused", tone: "bad", verdict: `Paused: ${detail}`.replace(/[^.!?]$/, "$&.") };
}

/**
 * The state of all: that of the numbers together, unless a stream is so badly off that somebody must act. Then it is the
 * gravest stream's, by name: sums would hide it behind those that work.
 */
export function gravestState(streams: readonly StreamStatus[], together: State): State {
    const bad = streams
        .filter(({ tone }) => tone === "bad")
        .sort((left, right) => states.indexOf(left.state) - states.indexOf(right.state));
    const [gravest, ...others] = bad;
    if (gravest === undefined) return together;
    const { state, tone, verdict } = gravest;
    if (streams.length === 1) return state === "paused" ? { state, tone, verdict } : together;
    const sentences = [describeStreamState(gravest)];
    if (others.length > 0)
        sentences.push(`And ${others.map((stream) => `${nameOf(stream)} is ${stream.state}`).join(", ")}.`);
    return { state, tone, verdict: sentences.join(" ") };
}

/** `orders is stuck. The input folder …`: for those who are told of other streams too. */
export function describeStreamState(stream: Pick<StreamStatus, "name" | "state" | "verdict">): string {
    return `${nameOf(stream)} is ${stream.state}. ${stream.verdict.replace(/^(?:Stuck\. |Paused: |Behind: )/, "")}`;
}

function nameOf({ name }: Pick<StreamStatus, "name">): string {
    return sanitize(name, { most: 60 });
}

/** Without the names that only the statement needs. */
function pick<Counts extends Record<string, number>>(zeros: Counts, found: Counts | null): Counts {
    return Object.fromEntries(Object.keys(zeros).map((name) => [name, found?.[name] ?? 0])) as Counts;
}

function earliest(...instants: (string | null)[]): string | null {
    return instants.filter((instant) => instant !== null).sort()[0] ?? null;
}
