/** The one place where the cases meet the pipeline. */
import type { DatabaseTarget } from "../../src/database/database-target.ts";

/** What a case may set other than the defaults, in its expected.json. */
export interface IngestOverrides {
    maxRecordBytes?: number;
    maxChunkBytes?: number;
    mergeWorkers?: number;
}

export interface IngestSummary {
    files: { merged: number; skipped: number; failed: number };
    records: { read: number; inserted: number; duplicate: number; conflict: number; rejected: number };
    batches: number;
    seconds: number;
}

/** Takes all that is in `inputDir` into the database, as `ingest --trigger available-now` does, and returns its summary. */
export async function ingestFolder(
    _target: DatabaseTarget,
    _inputDir: string,
    _overrides: IngestOverrides = {},
): Promise<IngestSummary> {
    throw new Error("not wired yet");
}
