/**
 * Whether the ledger still has what this run has learnt from it. It may go back in time under a running ingest (a standby
 * that lagged takes over, a backup is put back) or be emptied (a reset while the run was frozen past its lease).
 *
 * Each heartbeat leaves a mark of its own in our row of ingest.workers. A ledger that has our latest mark has all that was
 * committed before it: this is proven. A ledger without any mark that we remember is not the one that we knew. What came
 * after the latest mark is in doubt once the server was started anew, or its connections were lost: then it is looked at
 * again, and only that, since a folder may have a hundred thousand files.
 */
import { randomUUID } from "node:crypto";

export type LedgerProof = ReturnType<typeof createLedgerProof>;

interface HeartbeatFound {
    previousMark: string | null;
    /** As text: only compared. */
    serverStartedAt: string;
    /** How often this run has lost its connections so far. */
    outages: number;
}

export function createLedgerProof() {
    /** The heartbeats whose marks may be in the ledger: the latest that was answered, and those since. */
    let marks: { mark: string; beat: number }[] = [];
    let beat = 0;
    let isKnown = false;
    let breaks = 0;
    let server = "";
    /** Files that are not proven yet, each with the heartbeat that had begun when it was learnt. */
    const unproven = new Map<string, number>();
    const doubtful = new Set<string>();

    const forgetProven = (provenBefore: number) => {
        for (const [path, learntAfter] of unproven) if (learntAfter < provenBefore) unproven.delete(path);
    };
    const doubtAll = () => {
        for (const path of unproven.keys()) doubtful.add(path);
        unproven.clear();
    };
    return {
        /** The mark of a heartbeat that begins. */
        nextMark(): string {
            beat += 1;
            const mark = randomUUID();
            marks.push({ mark, beat });
            return mark;
        },
        /** A heartbeat was answered: with the mark that it replaced, and with signs of lost connections. */
        renewed(mark: string, { previousMark, serverStartedAt, outages }: HeartbeatFound): void {
            const own = marks.find((sent) => sent.mark === mark)!;
            const previous = marks.find((sent) => sent.mark === previousMark);
            const serverNow = `${serverStartedAt} ${outages}`;
            if (isKnown && previous === undefined) {
                breaks += 1;
                unproven.clear();
                doubtful.clear();
            } else if (isKnown && serverNow !== server) {
                forgetProven(previous!.beat);
                doubtAll();
            }
            forgetProven(own.beat);
            isKnown = true;
            server = serverNow;
            marks = marks.filter((sent) => sent.beat >= own.beat);
        },
        /** The ledger has committed what was learnt of this file. */
        learn(path: string): void {
            unproven.set(path, beat);
        },
        /** Files about which the ledger may have forgotten what was learnt. Each is returned once. */
        takeDoubtful(): string[] {
            const paths = [...doubtful];
            doubtful.clear();
            return paths;
        },
        hasDoubtful: () => doubtful.size > 0,
        /** Changes when the ledger is another one than before: nothing that was learnt from it is valid. */
        breaks: () => breaks,
    };
}
