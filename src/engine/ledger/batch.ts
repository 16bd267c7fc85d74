import type { RecordCounts } from "../../terminal/record-counts.ts";

/** A committed batch, as the ledger has it. */
export interface Batch extends RecordCounts {
    batchId: number;
    slices: number;
    chunks: number;
    startedAt: Date;
    finishedAt: Date;
    oldestStagedAt: Date | null;
    durationMs: Record<string, number>;
}
