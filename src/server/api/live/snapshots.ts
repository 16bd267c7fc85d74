/**
 * Postgres snapshots (`xmin:xmax:xip,…`, https://www.postgresql.org/docs/current/functions-info.html) as a place in the
 * order of commits. Pure.
 *
 * A batch's number says when it began, not when it was committed: number 7 can become visible after number 8. So the
 * stream's place is not "up to batch 8" but "whatever this snapshot sees", and what comes next is what a later snapshot
 * sees and this one did not. Nothing can slip between, however late it commits, and nobody waits for anybody: a rule
 * such as "deliver below the oldest running transaction" would hold every batch back while one long COPY runs.
 */
export interface Snapshot {
    text: string;
    /** Every transaction below was over. */
    xmin: bigint;
    /** No transaction from here on had begun. */
    xmax: bigint;
    /** Those between that were still running. */
    running: ReadonlySet<bigint>;
}

const maxTransactionId = 2n ** 64n - 1n;
/** More transactions at once than any server allows connections. */
const maxLength = 20_000;

/** Undefined for what pg_snapshot_in would refuse, so that no hostile text reaches it. */
export function parseSnapshot(text: string): Snapshot | undefined {
    const match = /^(\d{1,20}):(\d{1,20}):((?:\d{1,20}(?:,\d{1,20})*)?)$/.exec(text);
    if (!match || text.length > maxLength) return undefined;
    const xmin = BigInt(match[1]!);
    const xmax = BigInt(match[2]!);
    const running = match[3] === "" ? [] : match[3]!.split(",").map(BigInt);
    const isInOrder = running.every(
        (id, index) => id >= xmin && id < xmax && (index === 0 || id > running[index - 1]!),
    );
    if (!isTransactionId(xmin) || !isTransactionId(xmax) || xmin > xmax || !isInOrder) return undefined;
    return { text, xmin, xmax, running: new Set(running) };
}

/** The lower half is the number on disk, where 0 means none. */
function isTransactionId(id: bigint): boolean {
    return id <= maxTransactionId && (id & 0xffff_ffffn) !== 0n;
}

/** Whether `later` sees all that `earlier` sees. Any two snapshots of one server are in this order, one way or both. */
export function sees(later: Snapshot, earlier: Snapshot): boolean {
    if (later.xmax !== earlier.xmax) return later.xmax > earlier.xmax;
    return [...later.running].every((id) => earlier.running.has(id));
}
