/** The state that the loops of one stream share. Everything else that one leaves to another is in the ledger. */
import type { RecordCounts } from "../terminal/record-counts.ts";
import type { IngestContext } from "./context.ts";
import type { StreamInbox } from "./discover/inbox.ts";
import type { Rechecks } from "./discover/recheck-files.ts";
import type { Batch } from "./ledger/batch.ts";
import type { Lease } from "./ledger/lease.ts";
import type { LedgerProof } from "./ledger/ledger-proof.ts";
import type { StreamWork } from "./ledger/watch-work.ts";
import type { Outage } from "./outage/outage.ts";
import type { WakeUp } from "./outage/wake-up.ts";
import type { CopyConnection } from "./stage/copy-connection.ts";
import type { StagingRoom } from "./stage/staging-room.ts";
import type { MergeTurns } from "./turns.ts";

export interface Run extends IngestContext {
    signal: AbortSignal;
    survive: Outage["survive"];
    copyConnection: CopyConnection;
    /** Another one, for a direct load beside that. */
    copyBeside: CopyConnection;
    lease: Lease;
    proof: LedgerProof;
    rechecks: Rechecks;
    /** Default: the folder of the settings, as if there were no other stream. */
    inbox?: StreamInbox;
    room: StagingRoom;
    /** Turns at merging, shared by the streams of the process. */
    turns: MergeTurns;
    /** Throws a fault of the schema when the table is not the one that the stream's functions were made for. */
    checkTable?: () => Promise<void>;
    /** Called when a merge has passed: nothing is in the way of the stream's table. */
    noteMergeable(isMerged: boolean): void;
    /** What others have left to do: for who has nothing to do himself. */
    work?: StreamWork;
    /** Keys of batches of direct loads whose commit was not answered: the merge workers ask how they ended. */
    lostAnswers: string[];
    /** No merge begins: indexes of the table are being dropped or made. */
    areMergesHeld: boolean;
    /** Given when there is something to merge. */
    staged: WakeUp;
    /** Given when something was merged, and when the folder is to be looked at. */
    merged: WakeUp;
    tally: Tally;
    /** Available-now: nothing is left to load. */
    isLoadingDone: boolean;
}

/** The work of the run so far, for its report and its summary. It goes on when the run reconnects. */
export interface Tally {
    records: RecordCounts;
    batches: number;
    /** The watched folder was gone at the last look. */
    isFolderAway: boolean;
    /** The file that is being loaded; null between loads. */
    loading: string | null;
    /** How many merges are under way. */
    merging: number;
    /** Merged files that must leave the folder, and are too young for it. */
    youngMerged: number;
    add(batch: Batch): void;
}
