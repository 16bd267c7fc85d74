/**
 * What `bun run status` and `GET /v1/status` show: committed facts of one moment on the database's clock, in one
 * read-only statement (sql/stats/read_status.sql). It takes the same time whatever is in `events`.
 */
import readStatusQuery from "../../sql/stats/read_status.sql" with { type: "text" };
import type { Sql } from "../database/connect.ts";
import { describeState, type State } from "./describe-state.ts";

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
    /** Of all batches there have been. */
    totals: RecordCounts & { batches: number };
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
    };
    lastBatch: LastBatch | null;
    freshness: {
        lastMergedAt: string | null;
        /** Since the last batch that had records, or null before the first. */
        secondsSinceLastMerge: number | null;
        /** From staging to commit, of the oldest record of the last batch. */
        lastBatchLagSeconds: number | null;
    };
    workers: LiveWorker[];
    /** The five most frequent among the newest 10,000 rejects; a record counts once for each of its reasons. */
    rejectReasons: { reason: string; records: number }[];
    rejectsLookedAt: number;
}

type StatusFacts = Omit<Status, "state" | "stateText" | "freshness" | "table">;

/** Reads the status; throws what postgres.js throws when the database is away or the schema is not there. */
export async function readStatus(sql: Sql): Promise<Status> {
    // As text, since drizzle switches off the JSON parser of the client it is given.
    const [answer] = await sql.unsafe<[{ status: string }]>(readStatusQuery);
    const row: StatusFacts = JSON.parse(answer.status);
    const facts: StatusFacts = {
        ...row,
        asOf: toIsoInstant(row.asOf),
        backlog: { ...row.backlog, oldestStagedAt: toIsoInstant(row.backlog.oldestStagedAt) },
        failedFiles: row.failedFiles.map((file) => ({ ...file, nextAttemptAt: toIsoInstant(file.nextAttemptAt) })),
        lastBatch: row.lastBatch && {
            ...row.lastBatch,
            startedAt: toIsoInstant(row.lastBatch.startedAt),
            finishedAt: toIsoInstant(row.lastBatch.finishedAt),
            oldestStagedAt: toIsoInstant(row.lastBatch.oldestStagedAt),
        },
        workers: row.workers.map((worker) => ({
            ...worker,
            startedAt: toIsoInstant(worker.startedAt),
            leaseUntil: toIsoInstant(worker.leaseUntil),
        })),
    };
    return { ...describeState(facts), table: "events", ...facts, freshness: measureFreshness(facts) };
}

function measureFreshness({ asOf, lastBatch }: Pick<StatusFacts, "asOf" | "lastBatch">): Status["freshness"] {
    if (!lastBatch) return { lastMergedAt: null, secondsSinceLastMerge: null, lastBatchLagSeconds: null };
    const { finishedAt, oldestStagedAt } = lastBatch;
    return {
        lastMergedAt: finishedAt,
        secondsSinceLastMerge: Math.max(0, secondsBetween(finishedAt, asOf)),
        lastBatchLagSeconds: oldestStagedAt === null ? null : secondsBetween(oldestStagedAt, finishedAt),
    };
}

function secondsBetween(earlier: string, later: string): number {
    return (Date.parse(later) - Date.parse(earlier)) / 1000;
}

function toIsoInstant<Instant extends string | null>(instant: Instant): Instant {
    return (instant === null ? null : new Date(instant).toISOString()) as Instant;
}
