/** The runners that take turns in a round, and their measures. */
import type { IngestSummary } from "../../src/engine/run/progress.ts";
import type { ServerUse } from "./watch-server.ts";

export const runnerNames = [
    "copy-1",
    "copy-all",
    "sluice",
    "sluice-deferred",
    "insert-1",
    "insert-all",
    "replace-1",
    "replace-copy",
    "replace-sluice",
] as const;
export type RunnerName = (typeof runnerNames)[number];

export interface Measured extends ServerUse {
    /** Wall time. Sluice: from the process's start to its last commit, that of an index included. */
    seconds: number;
    /** CPU of the client: Sluice's process, start included; of a yardstick the process that reads the file. */
    processSeconds: number;
    /** Null for the yardsticks. */
    peakRssBytes: number | null;
    /** From the summary of the ingest. Null for the yardsticks. */
    records: IngestSummary["records"] | null;
    batches: number | null;
}

/** Each runner's figures, of those that took part. */
export type Round = Partial<Record<RunnerName, Measured>>;
