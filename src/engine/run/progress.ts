/** The progress record of a batch, with Spark's names (StreamingQueryProgress), and the closing summary of a run. */
import { addTo, noRecords, pickCounts, type RecordCounts } from "../../terminal/record-counts.ts";
import type { Batch } from "../ledger/batch.ts";
import type { Tally } from "../loops.ts";

export interface BatchProgress extends Omit<RecordCounts, "read"> {
    /** When there is more than one. */
    stream?: string;
    batchId: number;
    /** When the merge began, ISO 8601. */
    timestamp: string;
    numInputRows: number;
    /** Rows a second since the batch before this one began. */
    inputRowsPerSecond: number;
    /** Rows a second of this batch's own duration. */
    processedRowsPerSecond: number;
    durationMs: Record<string, number>;
    chunks: number;
    slices: number;
}

export interface IngestSummary {
    type: "summary";
    /** Null when the run was stopped while the database was unreachable. */
    files: { merged: number; skipped: number; failed: number } | null;
    /** Files that failed before this run and stand so; null like `files`. */
    failedBefore: number | null;
    /** Files that are too young to be touched; null like `files`. */
    left: LeftFiles | null;
    records: RecordCounts;
    /** Rejects of this run or earlier ones that got a parent meanwhile and were replayed; absent when there were none. */
    retried?: RecordCounts;
    batches: number;
    /** There when a stream was paused (`sluice pause`): nothing, or nothing more, was taken of it. */
    paused?: true;
    /** Indexes that are dropped and not yet made again (--defer-indexes): the next run makes them. Absent when there are none. */
    deferredIndexes?: DeferredIndexLeft[];
    seconds: number;
    /** When there is more than one; above are their sums. */
    streams?: StreamSummary[];
}

export interface DeferredIndexLeft {
    table: string;
    index: string;
    /** Why this run could not make it. */
    problem: string | null;
}

export interface StreamSummary extends Omit<IngestSummary, "type" | "seconds" | "streams"> {
    stream: string;
    /** What ended the stream for good while the others went on. */
    problem: string | null;
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

export interface RunTally extends Tally {
    /** By the monotonic clock. */
    startedAt: number;
    /** By the database's clock; null until it has answered. */
    begunAt: string | null;
    /** Rejects that were replayed because their parent had come. */
    retried: RecordCounts;
    addRetried(records: RecordCounts): void;
}

/** `stream`: named in each progress record where there are several. */
export function createTally(
    onBatch: (progress: BatchProgress) => void = () => {},
    stream: string | null = null,
): RunTally {
    let previousStartedAt: Date | null = null;
    const tally: RunTally = {
        startedAt: performance.now(),
        begunAt: null,
        records: noRecords(),
        batches: 0,
        isFolderAway: false,
        loading: null,
        merging: 0,
        youngMerged: 0,
        retried: noRecords(),
        addRetried: (records) => addTo(tally.retried, records),
        add(batch) {
            tally.batches += 1;
            addTo(tally.records, batch);
            const progress = progressOf(batch, previousStartedAt);
            onBatch(stream === null ? progress : { stream, ...progress });
            previousStartedAt = batch.startedAt;
        },
    };
    return tally;
}

function progressOf(batch: Batch, previousStartedAt: Date | null): BatchProgress {
    const { batchId, durationMs, chunks } = batch;
    const { read, ...outcomes } = pickCounts(batch);
    const startedAt = batch.startedAt.getTime();
    const seconds = Math.max(1, batch.finishedAt.getTime() - startedAt) / 1000;
    const sincePrevious = previousStartedAt ? Math.max(1, startedAt - previousStartedAt.getTime()) / 1000 : seconds;
    return {
        batchId,
        timestamp: batch.startedAt.toISOString(),
        numInputRows: read,
        inputRowsPerSecond: rounded(read / sincePrevious),
        processedRowsPerSecond: rounded(read / seconds),
        ...{ durationMs, ...outcomes, chunks },
        slices: batch.slices.toString(2).replaceAll("0", "").length,
    };
}

function rounded(rate: number): number {
    return Math.round(rate * 10) / 10;
}
