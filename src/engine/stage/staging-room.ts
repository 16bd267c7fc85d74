/** Back-pressure: staging holds a few batches, not the folder. Merged rows are swept in large pieces, or in a quiet moment. */
import { describeReader, readStagingReaders, remedyForReader } from "../../database/staging-readers.ts";
import type { IngestContext } from "../context.ts";
import { sweepStaging } from "../ledger/loads.ts";
import { readBacklog } from "../ledger/read-backlog.ts";
import type { Outage } from "../outage/outage.ts";
import { pollMs, type WakeUp } from "../outage/wake-up.ts";

export type StagingRoom = ReturnType<typeof createStagingRoom>;

/** From so many merged records on, a sweep may follow the last one after so long. It takes some milliseconds. */
const sweepDues = [
    { records: 200_000, afterMs: 0 },
    { records: 20_000, afterMs: 2_000 },
    { records: 1, afterMs: 5_000 },
];
/** Somebody reads the table: checks do so for a moment. A longer reader is reported. */
const reportAfterMs = 5_000;

/** `merged` is given when a merge has made room. */
export function createStagingRoom(
    context: IngestContext,
    merged: WakeUp,
    signal: AbortSignal,
    outage: Pick<Outage, "stand">,
) {
    const { stream, sql, config, workerId } = context;
    const staging = `${stream.home}.staging`;
    const mostStaged = config.maxBatchRecords * 3;
    /** Merged rows that cannot be removed cost each merge its time: beyond this nothing is added to them. */
    const mostKept = 2 * mostStaged;
    const reportReader = createReaderReport(context, mostKept);
    let mergedSinceSweep = 0;
    let lastSweepAt = 0;
    let keptRows = 0;
    let keptSince: number | null = null;

    async function sweep(): Promise<void> {
        mergedSinceSweep = 0;
        lastSweepAt = performance.now();
        ({ keptRows } = await sweepStaging(sql, stream.id, workerId));
        keptSince = keptRows === 0 ? null : (keptSince ?? lastSweepAt);
        await reportReader(keptSince === null ? null : lastSweepAt - keptSince);
    }

    function isSweepDue(): boolean {
        const sinceMs = performance.now() - lastSweepAt;
        if (keptSince !== null) return sinceMs >= pollMs;
        return sweepDues.some(({ records, afterMs }) => mergedSinceSweep >= records && sinceMs >= afterMs);
    }

    /** No merge takes what was released of a file that has been rewritten since. */
    const takeBackSpent = () => sql`select ingest.take_back_spent_snapshots(${stream.id})`;

    /** Waits until staging holds less than three batches. False: nothing new may be loaded now (Loader.waitForRoom). */
    async function wait(): Promise<boolean> {
        let endTrouble: (() => void) | null = null;
        try {
            while (!signal.aborted) {
                const seen = merged.count();
                const { stagedRecords, hasLostChunks } = await readBacklog(sql, stream.id);
                if (hasLostChunks) return false;
                if (isSweepDue()) await sweep();
                const isFull = keptRows >= mostKept;
                if (stagedRecords < mostStaged && !isFull) return true;
                if (stream.mode.name === "snapshot") await takeBackSpent();
                if (isFull) endTrouble ??= outage.stand("staging_held", keptTrouble(staging));
                await merged.wait(seen, pollMs);
            }
            return false;
        } finally {
            endTrouble?.();
        }
    }

    /** A merge has taken so many records. */
    const addMerged = (records: number) => {
        mergedSinceSweep += records;
    };
    return { wait, addMerged, isSweepDue, sweep };
}

const keptTrouble = (staging: string) => `a session that has read ${staging} keeps it from being emptied`;

/** Logs once which session keeps merged rows from being removed, and once that none does any more. */
function createReaderReport({ stream, sql, log }: IngestContext, mostKept: number) {
    const staging = `${stream.home}.staging`;
    let hasReported = false;
    return async (keptMs: number | null): Promise<void> => {
        if (keptMs === null && hasReported) {
            hasReported = false;
            log.info(`Merged rows can be removed from ${staging} again.`, { event: "staging_free" });
        }
        if (keptMs === null || keptMs < reportAfterMs || hasReported) return;
        const [reader] = await readStagingReaders(sql, stream.id);
        if (reader === undefined) return;
        hasReported = true;
        log.warn(
            `Merged rows cannot be removed from ${staging}: ${describeReader(reader)} has read it. ` +
                `${remedyForReader(reader)} From ${mostKept} rows on no file is read until then.`,
            { event: "staging_held", code: "staging_held", pid: reader.pid },
        );
    };
}
