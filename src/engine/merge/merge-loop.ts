/** The loop of one merge worker. */
import type { Batch } from "../ledger/batch.ts";
import { readBacklog } from "../ledger/read-backlog.ts";
import type { Run } from "../loops.ts";
import { pollMs } from "../outage/wake-up.ts";
import { allSlices } from "./batch-size.ts";
import { createMerger } from "./merge-batch.ts";

/**
 * Staged records from which on all merge workers share the slices; below, one takes them all. Where one batch may take
 * fewer than that, what is more than a batch is shared: staging never holds more than a few of those.
 */
const parallelFromRecords = 20_000;

export async function mergeLoop(run: Run, index: number): Promise<void> {
    const { config, sql, signal, staged } = run;
    const sharedFrom = Math.min(parallelFromRecords, config.maxBatchRecords);
    const merger = createMerger(run);
    while (!signal.aborted) {
        const seen = staged.count();
        const batch = await run.survive(async () => {
            const { stagedRecords, stagedChunks } = await readBacklog(sql);
            if (stagedChunks === 0 && !merger.owesAnswer()) return null;
            const isShared = stagedRecords >= sharedFrom;
            const slices = isShared ? shareOfSlices(index, config.mergeWorkers) : index === 0 ? allSlices : 0;
            return slices === 0 && !merger.owesAnswer() ? null : await merger.merge(slices);
        });
        if (batch) finishBatch(run, batch);
        else if (run.isLoadingDone) break;
        else await staged.wait(seen, pollMs);
    }
}

/** The mask of every `count`-th slice. */
function shareOfSlices(index: number, count: number): number {
    let mask = 0;
    for (let slice = index; slice < 16; slice += count) mask |= 1 << slice;
    return mask;
}

function finishBatch({ tally, room, merged, staged }: Run, batch: Batch): void {
    tally.add(batch);
    room.addMerged(batch.read);
    merged.give();
    // The others may have waited for slices that this merge had locked.
    staged.give();
}
