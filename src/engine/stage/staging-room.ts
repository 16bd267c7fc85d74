/** Back-pressure: staging holds a few batches, not the folder. What is merged is swept in large pieces, or in a quiet moment. */
import { describeReader, readStagingReaders, remedyForReader } from "../../database/staging-readers.ts";
import type { IngestContext } from "../context.ts";
import { sweepStaging } from "../ledger/ledger.ts";
import { readBacklog } from "../ledger/read-backlog.ts";
import type { Outage } from "../outage/outage.ts";
import type { WakeUp } from "../outage/wake-up.ts";

export interface StagingRoom {
    /** Waits until staging holds less than three batches. False: nothing new may be loaded now (Loader.waitForRoom). */
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
/** Somebody reads the table: checks do so for a moment. What lasts longer is told. */
const heldAfterMs = 5_000;

/** `merged` is given when a merge has made room. */
export function createStagingRoom(
    context: IngestContext,
    merged: WakeUp,
    signal: AbortSignal,
    outage: Pick<Outage, "stand">,
): StagingRoom {
    const { stream, sql, config, workerId, log } = context;
    const mostStaged = config.maxBatchRecords * 3;
    /** Merged rows that cannot be removed cost each merge its time: beyond this nothing is added to them. */
    const mostHeld = 2 * mostStaged;
    let mergedSinceSweep = 0;
    let lastSweepAt = 0;
    let heldRows = 0;
    let heldSince: number | null = null;
    let hasSaidHeld = false;

    async function sweep(): Promise<void> {
        mergedSinceSweep = 0;
        lastSweepAt = performance.now();
        ({ heldRows } = await sweepStaging(sql, stream.id, workerId));
        heldSince = heldRows === 0 ? null : (heldSince ?? lastSweepAt);
        if (heldSince !== null && lastSweepAt >= heldSince + heldAfterMs) await sayHeld();
        if (heldSince === null && hasSaidHeld) {
            hasSaidHeld = false;
            log.info("Merged rows can be removed from ingest.staging again.", { event: "staging_free" });
        }
    }

    async function sayHeld(): Promise<void> {
        if (hasSaidHeld) return;
        const [reader] = await readStagingReaders(sql);
        if (reader === undefined) return;
        hasSaidHeld = true;
        log.warn(
            `Merged rows cannot be removed from ingest.staging: ${describeReader(reader)} has read it. ` +
                `${remedyForReader(reader)} From ${mostHeld} rows on no file is read until then.`,
            { event: "staging_held", code: "staging_held", pid: reader.pid },
        );
    }

    function isSweepDue(): boolean {
        const sinceMs = performance.now() - lastSweepAt;
        if (heldSince !== null) return sinceMs >= pollMs;
        return sweepDues.some(({ records, afterMs }) => mergedSinceSweep >= records && sinceMs >= afterMs);
    }

    return {
        async wait() {
            let free = () => {};
            let isStanding = false;
            try {
                while (!signal.aborted) {
                    const seen = merged.count();
                    const { stagedRecords, hasLostChunks } = await readBacklog(sql);
                    if (hasLostChunks) return false;
                    if (isSweepDue()) await sweep();
                    const isHeld = heldRows >= mostHeld;
                    if (stagedRecords < mostStaged && !isHeld) return true;
                    if (isHeld && !isStanding) {
                        isStanding = true;
                        free = outage.stand(
                            "staging_held",
                            "a session that has read ingest.staging keeps it from being emptied",
                        );
                    }
                    await merged.wait(seen, pollMs);
                }
                return false;
            } finally {
                free();
            }
        },
        addMerged(records) {
            mergedSinceSweep += records;
        },
        isSweepDue,
        sweep,
    };
}
