/** The latest batches, so that a viewer who was away for a while is served without asking the database. No I/O. */
import type { NewBatch, NewBatches } from "./read-new-batches.ts";
import { isVisible, type Snapshot, sees } from "./snapshots.ts";
import type { StreamCursor } from "./stream-cursor.ts";

export interface BatchMemory {
    /** Forgets everything: from here on, in this database. */
    begin(cursor: StreamCursor): void;
    add(found: NewBatches): void;
    /** The batches that a reader at `cursor` lacks; undefined when the memory does not reach back that far. */
    recall(cursor: StreamCursor): NewBatch[] | undefined;
}

export function createBatchMemory(maxBatches: number): BatchMemory {
    let batches: NewBatch[] = [];
    /** What is remembered is all that this does not see. Undefined while a backlog is being read in parts. */
    let since: Snapshot | undefined;
    let system: string | undefined;

    return {
        begin(cursor) {
            batches = [];
            since = cursor.seen;
            system = cursor.system;
        },
        add(found) {
            batches.push(...found.batches);
            if (batches.length <= maxBatches && since && !found.hasMore) return;
            batches = [];
            since = found.hasMore ? undefined : found.cursor.seen;
        },
        recall(cursor) {
            const reaches = since !== undefined && !cursor.catchingUp && sees(cursor.seen, since);
            if (!reaches || cursor.system !== system) return undefined;
            return batches.filter(({ transactionId }) => !isVisible(BigInt(transactionId), cursor.seen));
        },
    };
}
