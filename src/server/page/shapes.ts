/** What the page takes from the API's answers. The document at /openapi.json has it all. */

export interface RecordCounts {
    read: number;
    inserted: number;
    duplicate: number;
    conflict: number;
    rejected: number;
}

export interface Batch extends RecordCounts {
    batchId: number;
    kind?: string;
    chunks: number;
    displaced?: number;
    startedAt: string;
    finishedAt: string;
    oldestStagedAt: string | null;
    durationMs: Record<string, number>;
}

export interface BatchDetail extends Batch {
    workerId: string;
    fileCount: number;
    files: ({ fileId: number; path: string } & RecordCounts)[];
}

export interface FailedFile {
    fileId: number;
    path: string;
    problem: string | null;
    problemDetail: string | null;
    attempts: number;
    nextAttemptAt: string | null;
}

export interface Worker {
    workerId: string;
    host: string;
    pid: number;
    inputDir: string;
    startedAt: string;
    report: unknown;
}

export type Tone = "good" | "busy" | "bad" | "quiet";

export interface Status {
    asOf: string;
    state: string;
    /** How grave that is. */
    tone: Tone;
    /** The state in words. */
    verdict: string;
    databaseName: string;
    serverVersion: string;
    table: string;
    totals: RecordCounts & { batches: number };
    events: number;
    files: Record<string, number>;
    failedFiles: FailedFile[];
    backlog: {
        files: number;
        unreadBytes: number;
        chunks: number;
        stagedRecords: number;
        oldestStagedAt: string | null;
        seconds: number | null;
    };
    lastBatch: (RecordCounts & Pick<Batch, "batchId" | "startedAt" | "finishedAt" | "durationMs">) | null;
    workers: Worker[];
    freshness: { p50Seconds: number | null; p95Seconds: number | null; windowSeconds: number };
}

export interface FlowStep extends RecordCounts {
    from: string;
    seconds: number;
    arrived: number;
    batches: number;
    meanDurationMs: Record<string, number> | null;
    longestBatchMs: number | null;
    lagP95Ms: number | null;
}

export type FlowWindow = "5m" | "1h" | "24h";

export interface Flow {
    asOf: string;
    window: FlowWindow;
    stepSeconds: number;
    since: string | null;
    stagedRecords: number;
    steps: FlowStep[];
}

export interface CheckRun {
    finishedAt: string;
    seconds: number;
    passed: boolean;
    checks: { name: string; asserts: string; outcome: "passed" | "broken" | "not_run"; breakingRows: number }[];
}

export interface CheckRuns {
    running: boolean;
    run: CheckRun | null;
}

export interface SourceFile {
    fileId: number;
    path: string;
    version: number;
    state: string;
    sizeBytes: number;
    loadedBytes: number;
    loadedRecords: number;
    attempts: number;
    nextAttemptAt: string | null;
    problem: string | null;
    problemDetail: string | null;
    copyOf: number | null;
    discoveredAt: string;
    mergedAt: string | null;
}

export interface RejectSummary {
    asOf: string;
    kinds: { kind: string; records: number; open?: number }[];
    reasons: {
        kind: string;
        reason: string;
        records: number;
        /** Of those, the ones that no replay has resolved. */
        open?: number;
        lastRejectedAt: string;
    }[];
}

export interface Reject {
    rejectId: number;
    kind: string;
    reasons: string[];
    fileId: number | null;
    path: string | null;
    recordNo: number;
    lineNo: number | null;
    batchId: number;
    record: Record<string, string | null> | null;
    rawText: string | null;
    truncated: boolean;
    rejectedAt: string;
    resolution?: string | null;
}

export interface Page<Row> {
    data: Row[];
    nextCursor: string | null;
}

export interface Problem {
    code: string;
    title: string;
    detail: string;
    /** With /v1/status, while the database does not answer. */
    lastKnown?: Status;
}
