/** What the loops of one run share. */

import type { Lease } from "../ledger/lease.ts";
import type { StagingRoom } from "../load/staging-room.ts";
import type { IngestContext } from "./context.ts";
import type { Outage } from "./outage.ts";
import type { BatchProgress, IngestSummary } from "./progress.ts";
import type { Signal } from "./signal.ts";

export interface Run {
    context: IngestContext;
    signal: AbortSignal;
    /** Given when there is something to merge. */
    staged: Signal;
    /** Given when something was merged, and when the folder is to be looked at. */
    merged: Signal;
    lease: Lease;
    room: StagingRoom;
    /** Available-now: nothing is left to load. */
    isLoadingDone: boolean;
    isDone: boolean;
    /** By the database's clock. */
    begunAt: string | null;
    /** The watched folder was gone at the last look. */
    isFolderAway: boolean;
    /** Merged files that have to leave the folder, and are too young for it. */
    youngMerged: number;
    records: IngestSummary["records"];
    batches: number;
    previousStartedAt: Date | null;
    survive: Outage["survive"];
    onBatch(progress: BatchProgress): void;
}

/** How long a loop waits at the most before it looks again by itself. */
export const pollMs = 1_000;
