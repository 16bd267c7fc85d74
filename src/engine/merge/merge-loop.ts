/** The loop of one merge worker. */

import { readBacklog } from "../ledger/read-backlog.ts";
import { pollMs, type Run } from "../run/ingest-run.ts";
import { addBatch, progressOf } from "../run/progress.ts";
import { allSlices } from "./batch-size.ts";
import { type Batch, createMerger } from "./merge-batch.ts";

/**
 * Staged records from which on all merge workers share the slices; below, one takes them all. Where one batch may take
 * fewer than that, what is more than a batch is shared: staging never holds more than a few of those.
 */
const parallelFromRecords = 20_000;

export async function mergeLoop(run: Run, index: number): Promise<void> {
    const { context, signal } = run;
    const { mergeWorkers, maxBatchRecords } = context.config;
    const sharedFrom = Math.min(parallelFromRecords, maxBatchRecords);
    const merger = createMerger(context);
    while (!signal.aborted) {
        const seen = run.staged.count();
        const batch = await run.survive(async () => {
            const { stagedRecords, stagedChunks } = await readBacklog(context.sql);
            if (stagedChunks === 0 && !merger.owesAnswer()) return null;
            const isShared = stagedRecords >= sharedFrom;
            const slices = isShared ? shareOfSlices(index, mergeWorkers) : index === 0 ? allSlices : 0;
            return slices === 0 && !merger.owesAnswer() ? null : await merger.merge(slices);
        });
        if (batch) {
            finishBatch(run, batch);
        } else {
            if (run.isLoadingDone) break;
            await run.staged.wait(seen, pollMs);
        }
    }
}

/** The mask of every `count`-th slice. */
function shareOfSlices(index: number, count: number): number {
    let mask = 0;
    for (let slice = index; slice < 16; slice += count) mask |= 1 << slice;
    return mask;
}

function finishBatch(run: Run, batch: Batch): void {
    addBatch(run.records, batch);
    run.batches += 1;
    run.room.addMerged(batch.read);
    run.onBatch(progressOf(batch, run.previousStartedAt));
    run.previousStartedAt = batch.startedAt;
    run.merged.give();
    // The others may have waited for slices that this merge held.
    run.staged.give();
}
