/** A committed batch, as the ledger has it. */
export interface Batch {
    batchId: number;
    slices: number;
    chunks: number;
    read: number;
    inserted: number;
    duplicate: number;
    conflict: number;
    rejected: number;
    startedAt: Date;
    finishedAt: Date;
    oldestStagedAt: Date | null;
    durationMs: Record<string, number>;
}
