/** What a run tells about its batches, in Spark's words (StreamingQueryProgress), and its closing summary. */
import type { Batch } from "../merge/merge-batch.ts";

export interface BatchProgress {
    batchId: number;
    /** When the merge began, ISO 8601. */
    timestamp: string;
    numInputRows: number;
    /** Rows a second since the batch before this one began. */
    inputRowsPerSecond: number;
    /** Rows a second of this batch's own duration. */
    processedRowsPerSecond: number;
    durationMs: Record<string, number>;
    inserted: number;
    duplicate: number;
    conflict: number;
    rejected: number;
    chunks: number;
    slices: number;
}

export interface IngestSummary {
    type: "summary";
    /** Null when the run was stopped while the database was away. */
    files: { merged: number; skipped: number; failed: number } | null;
    /** Files that failed before this run and stand so; null like `files`. */
    failedBefore: number | null;
    /** What is too young to be touched; null like `files`. */
    left: LeftFiles | null;
    records: { read: number; inserted: number; duplicate: number; conflict: number; rejected: number };
    batches: number;
    seconds: number;
}

/** Files that were written to within `youngerThanMs` (--tail-settle): the next run takes them, or this one with 0. */
export interface LeftFiles {
    /** Files of which all but the unfinished last record was taken. */
    tails: number;
    /** Files of which nothing was taken: compressed ones, and those with nothing but an unfinished line. */
    files: number;
    /** Files that are merged and have yet to leave the folder (--after-merge). */
    merged: number;
    youngerThanMs: number;
}

export function progressOf(batch: Batch, previousStartedAt: Date | null): BatchProgress {
    const seconds = Math.max(1, batch.finishedAt.getTime() - batch.startedAt.getTime()) / 1000;
    const sincePrevious = previousStartedAt
        ? Math.max(1, batch.startedAt.getTime() - previousStartedAt.getTime()) / 1000
        : seconds;
    return {
        batchId: batch.batchId,
        timestamp: batch.startedAt.toISOString(),
        numInputRows: batch.read,
        inputRowsPerSecond: rounded(batch.read / sincePrevious),
        processedRowsPerSecond: rounded(batch.read / seconds),
        durationMs: batch.durationMs,
        inserted: batch.inserted,
        duplicate: batch.duplicate,
        conflict: batch.conflict,
        rejected: batch.rejected,
        chunks: batch.chunks,
        slices: batch.slices.toString(2).replaceAll("0", "").length,
    };
}

function rounded(rate: number): number {
    return Math.round(rate * 10) / 10;
}

export function addBatch(records: IngestSummary["records"], batch: Batch): void {
    records.read += batch.read;
    records.inserted += batch.inserted;
    records.duplicate += batch.duplicate;
    records.conflict += batch.conflict;
    records.rejected += batch.rejected;
}
