/** The loop of one merge worker of a stream. */
import type { Batch } from "../ledger/batch.ts";
import { readBacklog } from "../ledger/read-backlog.ts";
import type { Run } from "../loops.ts";
import { allSlices } from "./batch-size.ts";
import { createMerger, findBatch, type Merger } from "./merge-batch.ts";

/**
 * Staged records from which on all merge workers share the slices; below, one takes them all. Where one batch may take
 * fewer than that, what is more than a batch is shared: staging never holds more than a few of those.
 */
const parallelFromRecords = 20_000;
/** It is woken for what is staged, also by others (ledger/watch-work.ts). */
const idleMs = 30_000;

export async function mergeLoop(run: Run, index: number): Promise<void> {
    const { signal, staged } = run;
    const merger = createMerger(run);
    while (!signal.aborted) {
        const seen = staged.count();
        const batch = await run.survive(() => mergeOnce(run, index, merger));
        if (!signal.aborted) run.noteMergeable(batch !== null);
        if (batch) finishBatch(run, batch);
        else if (run.isLoadingDone) break;
        else await staged.wait(seen, idleMs);
    }
}

async function mergeOnce(run: Run, index: number, merger: Merger): Promise<Batch | null> {
    const { stream, sql, turns, lostAnswers, tally } = run;
    for (let lost = lostAnswers.shift(); lost !== undefined; lost = lostAnswers.shift()) {
        const asked = lost;
        const batch = await findBatch(sql, asked).catch((error: unknown) => {
            lostAnswers.push(asked);
            throw error;
        });
        if (batch !== null) return batch;
    }
    if (run.areMergesHeld) return null;
    const { stagedRecords, stagedChunks } = await readBacklog(sql, stream.id);
    if (stagedChunks === 0 && !merger.owesAnswer()) return null;
    if (slicesOf(run, index, stagedRecords) === 0 && !merger.owesAnswer()) return null;
    const turn = await turns.take(stream.id);
    tally.merging += 1;
    try {
        // Only now: others may have begun or ended a merge while this one waited for its turn, or its stream was paused.
        if (run.signal.aborted || run.areMergesHeld) return null;
        const slices = slicesOf(run, index, stagedRecords);
        return slices === 0 && !merger.owesAnswer() ? null : await merger.merge(slices, turn.sql);
    } finally {
        tally.merging -= 1;
        turn.end();
    }
}

/** Those of this worker among the workers that the stream may set to work now; none when it is not one of them. */
function slicesOf({ stream, config, turns }: Run, index: number, stagedRecords: number): number {
    const sharedFrom = Math.min(parallelFromRecords, config.maxBatchRecords);
    // A snapshot is one merge of all slices.
    if (stream.mode.name === "snapshot") return index === 0 ? allSlices : 0;
    const workers = stagedRecords >= sharedFrom ? Math.min(config.mergeWorkers, turns.shareOf(stream.id)) : 1;
    if (index >= workers) return 0;
    return workers === 1 ? allSlices : shareOfSlices(index, workers);
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
