/** Back-pressure: staging holds a few batches, not the folder. What is merged is swept in large pieces, or in a quiet moment. */
import type { IngestContext } from "./context.ts";
import { sweepStaging } from "./ledger.ts";
import { readBacklog } from "./read-backlog.ts";
import type { Signal } from "./signal.ts";

export interface StagingRoom {
    /** Until staging holds less than three batches. False: see LoadHooks. */
    wait(): Promise<boolean>;
    /** A merge has taken so many records. */
    addMerged(records: number): void;
    isSweepDue(): boolean;
    sweep(): Promise<void>;
}

/** From so many merged records on, a sweep may follow the last one after so long. It takes some milliseconds. */
const sweepDues = [
    { records: 200_000, afterMs: 0 },
    { records: 20_000, afterMs: 2_000 },
    { records: 1, afterMs: 5_000 },
];
const pollMs = 1_000;

/** `merged` is given when a merge has made room. */
export function createStagingRoom(context: IngestContext, merged: Signal, signal: AbortSignal): StagingRoom {
    const { sql, config, workerId } = context;
    const mostStaged = config.maxBatchRecords * 3;
    let mergedSinceSweep = 0;
    let lastSweepAt = 0;

    async function sweep(): Promise<void> {
        mergedSinceSweep = 0;
        lastSweepAt = performance.now();
        await sweepStaging(sql, workerId);
    }

    function isSweepDue(): boolean {
        const sinceMs = performance.now() - lastSweepAt;
        return sweepDues.some(({ records, afterMs }) => mergedSinceSweep >= records && sinceMs >= afterMs);
    }

    return {
        async wait() {
            while (!signal.aborted) {
                const seen = merged.count();
                const { stagedRecords, hasLostChunks } = await readBacklog(sql);
                if (hasLostChunks) return false;
                if (isSweepDue()) await sweep();
                if (stagedRecords < mostStaged) return true;
                await merged.wait(seen, pollMs);
            }
            return false;
        },
        addMerged(records) {
            mergedSinceSweep += records;
        },
        isSweepDue,
        sweep,
    };
}
