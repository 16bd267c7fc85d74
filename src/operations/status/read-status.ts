/**
 * What `bun run status` and `GET /v1/status` show: committed facts of one moment on the database's clock, in one
 * read-only statement (sql/stats/read_status.sql). It takes the same time whatever is in `events`.
 */
import readStatusQuery from "../../../sql/stats/read_status.sql" with { type: "text" };
import type { Sql } from "../../database/connect.ts";
import type { StagingReader } from "../../database/staging-readers.ts";
import { describeState, type State } from "./describe-state.ts";
import { arrivalWindowSeconds, type LargeMerge, measurePace, type Pace } from "./measure-pace.ts";

/** `read` = the sum of the other four. */
export interface RecordCounts {
    read: number;
    inserted: number;
    duplicate: number;
    conflict: number;
    rejected: number;
}

export interface FailedFile {
    fileId: number;
    path: string;
    problem: string | null;
    problemDetail: string | null;
    attempts: number;
    /** Null when it is not tried again by itself. */
    nextAttemptAt: string | null;
    failedAt: string;
}

export interface LastBatch extends RecordCounts {
    batchId: number;
    startedAt: string;
    finishedAt: string;
    oldestStagedAt: string | null;
    /** Milliseconds by phase. */
    durationMs: Record<string, number>;
}

export interface LiveWorker {
    workerId: string;
    host: string;
    pid: number;
    inputDir: string;
    startedAt: string;
    leaseUntil: string;
    report: unknown;
}

/** Instants are ISO 8601 in UTC, to the millisecond. */
export interface Status extends State {
    asOf: string;
    databaseName: string;
    serverVersion: string;
    table: "events";
    /** Of all batches there have been, replays included: they read records a second time. */
    totals: RecordCounts & { batches: number; displaced: number };
    /** Rows in `events`, by the rollups. */
    events: number;
    files: { pending: number; loaded: number; merged: number; skipped: number; failed: number; replaced: number };
    /** The ten that failed last. */
    failedFiles: FailedFile[];
    /** What is known and not merged yet. */
    backlog: {
        files: number;
        unreadBytes: number;
        chunks: number;
        stagedRecords: number;
        oldestStagedAt: string | null;
        oldestUnreadAt: string | null;
        /** When the oldest chunk that a merge may take was staged. */
        mergeableSince: string | null;
        /** Staged, and unread by the mean size of the latest records. */
        records: number;
        /** What they take at the present capacity; null when that is not known yet. */
        seconds: number | null;
    };
    /** An estimate: what came in the last minute. */
    arrival: { recordsPerSecond: number; windowSeconds: number };
    /** What the largest of the latest merges reached while they ran; null before the first one. */
    capacity: { recordsPerSecond: number | null; asOf: string | null };
    lastBatch: LastBatch | null;
    /** What became of the records of the last hour's merges, the latest 200 of them: rejects, and what the verdict makes of them. */
    recentMerges: { read: number; rejected: number; conflict: number };
    freshness: {
        lastMergedAt: string | null;
        /** Since the last batch that had records, or null before the first. */
        secondsSinceLastMerge: number | null;
        /** From staging to commit, of the oldest record of the last batch. */
        lastBatchLagSeconds: number | null;
        /** From the moment a file was seen (for what was appended later: from staging) to commit, of the records of the last five minutes. */
        p50Seconds: number | null;
        p95Seconds: number | null;
        windowSeconds: number;
        /** How many records these are about. */
        records: number;
    };
    workers: LiveWorker[];
    /**
     * Columns of the newest 1,000 files that are not ours (kept in attributes, or ignored) or that they lack: the 20
     * most frequent.
     */
    columnDrift: { kind: "kept" | "ignored" | "missing"; column: string; files: number; lastPath: string }[];
    /** Of the newest 1,000 files: read by the defaults, since none of the declared sources fits. */
    unmatchedFiles: { files: number; lastPath: string | null };
    /** Sessions that keep merged rows in `ingest.staging` by a transaction of more than ten seconds: ten at the most. */
    stagingReaders: StagingReader[];
    /** The five most frequent among the rejects that stand; a record counts once for each of its reasons. */
    rejectReasons: { reason: string; records: number }[];
    /** Rejects and conflicts that no replay has resolved. */
    standingRejects: number;
}

interface StatusFacts
    extends Omit<Status, "state" | "verdict" | "freshness" | "table" | "arrival" | "capacity" | "backlog"> {
    backlog: Omit<Status["backlog"], "records" | "seconds"> & { newUnreadBytes: number };
    arrivals: { stagedRecords: number; stagedRecordsOfNewFiles: number; bytesPerRecord: number | null };
    largestMerges: LargeMerge[];
    merged: { records: number; p50Seconds: number | null; p95Seconds: number | null };
    lastMergeAt: string | null;
    lastStagedAt: string | null;
}

const freshnessWindowSeconds = 300;

/** Reads the status; throws what postgres.js throws when the database is away or the schema is not there. */
export async function readStatus(sql: Sql): Promise<Status> {
    // As text, since drizzle switches off the JSON parser of the client it is given.
    const [answer] = await sql.unsafe<[{ status: string }]>(readStatusQuery);
    const row: StatusFacts = JSON.parse(answer.status);
    const facts: StatusFacts = {
        ...row,
        asOf: toIsoInstant(row.asOf),
        backlog: {
            ...row.backlog,
            oldestStagedAt: toIsoInstant(row.backlog.oldestStagedAt),
            oldestUnreadAt: toIsoInstant(row.backlog.oldestUnreadAt),
            mergeableSince: toIsoInstant(row.backlog.mergeableSince),
        },
        failedFiles: row.failedFiles.map((file) => ({
            ...file,
            nextAttemptAt: toIsoInstant(file.nextAttemptAt),
            failedAt: toIsoInstant(file.failedAt),
        })),
        lastBatch: row.lastBatch && {
            ...row.lastBatch,
            startedAt: toIsoInstant(row.lastBatch.startedAt),
            finishedAt: toIsoInstant(row.lastBatch.finishedAt),
            oldestStagedAt: toIsoInstant(row.lastBatch.oldestStagedAt),
        },
        lastMergeAt: toIsoInstant(row.lastMergeAt),
        lastStagedAt: toIsoInstant(row.lastStagedAt),
        stagingReaders: row.stagingReaders.map((reader) => ({ ...reader, since: toIsoInstant(reader.since) })),
        workers: row.workers.map((worker) => ({
            ...worker,
            startedAt: toIsoInstant(worker.startedAt),
            leaseUntil: toIsoInstant(worker.leaseUntil),
        })),
    };
    return describeFacts(facts);
}

function describeFacts(all: StatusFacts): Status {
    const { backlog, arrivals, largestMerges, merged, lastMergeAt, lastStagedAt, ...facts } = all;
    const pace = measurePace({ backlog, arrivals, largestMerges });
    const { newUnreadBytes: _, ...known } = backlog;
    return {
        ...describeState({ ...all, pace }),
        table: "events",
        ...facts,
        backlog: { ...known, records: pace.waitingRecords, seconds: roundTo(pace.drainSeconds, 1) },
        arrival: { recordsPerSecond: roundTo(pace.arrivalPerSecond, 1), windowSeconds: arrivalWindowSeconds },
        capacity: measuredCapacity(pace, largestMerges),
        freshness: {
            ...measureFreshness(facts),
            p50Seconds: roundTo(merged.p50Seconds, 3),
            p95Seconds: roundTo(merged.p95Seconds, 3),
            windowSeconds: freshnessWindowSeconds,
            records: merged.records,
        },
    };
}

function measuredCapacity({ capacityPerSecond }: Pace, merges: LargeMerge[]): Status["capacity"] {
    const ends = merges.map(({ finishedAt }) => toIsoInstant(finishedAt)).sort();
    return {
        recordsPerSecond: capacityPerSecond === null ? null : Math.round(capacityPerSecond),
        asOf: ends.at(-1) ?? null,
    };
}

type MergeAges = Pick<Status["freshness"], "lastMergedAt" | "secondsSinceLastMerge" | "lastBatchLagSeconds">;

function measureFreshness({ asOf, lastBatch }: Pick<StatusFacts, "asOf" | "lastBatch">): MergeAges {
    if (!lastBatch) return { lastMergedAt: null, secondsSinceLastMerge: null, lastBatchLagSeconds: null };
    const { finishedAt, oldestStagedAt } = lastBatch;
    return {
        lastMergedAt: finishedAt,
        secondsSinceLastMerge: Math.max(0, secondsBetween(finishedAt, asOf)),
        lastBatchLagSeconds: oldestStagedAt === null ? null : secondsBetween(oldestStagedAt, finishedAt),
    };
}

/** To so many decimals. */
function roundTo<Value extends number | null>(value: Value, decimals: number): Value {
    return (value === null ? null : Number(value.toFixed(decimals))) as Value;
}

function secondsBetween(earlier: string, later: string): number {
    return (Date.parse(later) - Date.parse(earlier)) / 1000;
}

function toIsoInstant<Instant extends string | null>(instant: Instant): Instant {
    return (instant === null ? null : new Date(instant).toISOString()) as Instant;
}
