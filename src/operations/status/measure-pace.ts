/** How fast records arrive, how fast they can be merged, and how long what waits will take. Pure. */

export const arrivalWindowSeconds = 60;

export interface LargeMerge {
    startedAt: string;
    finishedAt: string;
    read: number;
}

export interface PaceFacts {
    backlog: { unreadBytes: number; newUnreadBytes: number; stagedRecords: number };
    /** In the last minute. */
    arrivals: { stagedRecords: number; stagedRecordsOfNewFiles: number; bytesPerRecord: number | null };
    largestMerges: readonly LargeMerge[];
}

export interface Pace {
    arrivalPerSecond: number;
    /** Null before the first merge that says something. */
    capacityPerSecond: number | null;
    /** Staged and, by the mean size of the latest records, not yet read. */
    waitingRecords: number;
    /** At that capacity; null when it is not known yet. */
    drainSeconds: number | null;
}

export function measurePace(facts: PaceFacts): Pace {
    const { stagedRecords, unreadBytes } = facts.backlog;
    const capacityPerSecond = measureCapacity(tellingMerges(facts.largestMerges));
    const waitingRecords = stagedRecords + toRecords(unreadBytes, facts.arrivals.bytesPerRecord);
    const drainSeconds = waitingRecords === 0 ? 0 : capacityPerSecond && waitingRecords / capacityPerSecond;
    return { arrivalPerSecond: measureArrival(facts), capacityPerSecond, waitingRecords, drainSeconds };
}

/**
 * Counts the records read in the last minute. But while files wait to be read, those show what loading can do, not what arrives.
 * Then it is the records of the files that were first seen in that minute, unread ones by their size.
 */
function measureArrival({ backlog, arrivals }: PaceFacts): number {
    const records =
        backlog.unreadBytes > backlog.newUnreadBytes
            ? arrivals.stagedRecordsOfNewFiles + toRecords(backlog.newUnreadBytes, arrivals.bytesPerRecord)
            : arrivals.stagedRecords + toRecords(backlog.newUnreadBytes, arrivals.bytesPerRecord);
    return records / arrivalWindowSeconds;
}

/** A merge of few records takes as long as its statements, and says nothing of what can be merged; unless that was long. */
const tellingRecords = 1000;
const tellingMs = 1000;

/** Those that say something: `all` are the largest of the latest. */
export function tellingMerges(all: readonly LargeMerge[]): LargeMerge[] {
    return all.filter(
        ({ read, startedAt, finishedAt }) =>
            read >= tellingRecords || Date.parse(finishedAt) - Date.parse(startedAt) >= tellingMs,
    );
}

/** Records of the merges over the time in which at least one of them ran: merges that ran together count together. */
export function measureCapacity(merges: readonly LargeMerge[]): number | null {
    const spans = merges
        .map(({ startedAt, finishedAt }) => ({ from: Date.parse(startedAt), to: Date.parse(finishedAt) }))
        .sort((left, right) => left.from - right.from);
    let busyMs = 0;
    let reached = Number.NEGATIVE_INFINITY;
    for (const { from, to } of spans) {
        busyMs += Math.max(0, to - Math.max(from, reached));
        reached = Math.max(reached, to);
    }
    const records = merges.reduce((sum, { read }) => sum + read, 0);
    return records === 0 ? null : (records * 1000) / Math.max(busyMs, 1);
}

/** Bytes of files as records; 100 bytes each before the first one is known. */
function toRecords(bytes: number, bytesPerRecord: number | null): number {
    return Math.ceil(bytes / Math.max(bytesPerRecord ?? 100, 1));
}
