/**
 * Files whose last record has no line end yet. They are left alone until they change or have been still for
 * `settleMs`; then the tail counts. The clock is monotonic and ours: a file's own time may come from anywhere.
 */
import type { LedgerFile, SeenFile } from "./ledger.ts";

export interface TailWatch {
    wait(ledgerFile: Pick<LedgerFile, "fileId">, seen: SeenFile): void;
    /** Whether an unfinished record of this file counts now. */
    isSettled(ledgerFile: Pick<LedgerFile, "fileId">): boolean;
    /** The files to leave alone now. */
    waiting(): number[];
    /** A file was seen to differ from when it began to wait: it is looked at again. */
    forget(fileId: number): void;
    /** Milliseconds until the next file settles, or null when none waits. */
    nextSettleMs(): number | null;
}

/** With `settleMs` 0 every tail counts at once. `now` is a monotonic clock in milliseconds. */
export function createTailWatch(settleMs: number, now: () => number = () => performance.now()): TailWatch {
    const since = new Map<number, { seen: SeenFile; startedAt: number }>();
    const isSettled = (fileId: number): boolean => {
        const entry = since.get(fileId);
        return settleMs === 0 || (entry !== undefined && now() - entry.startedAt >= settleMs);
    };
    return {
        wait({ fileId }, seen) {
            const before = since.get(fileId)?.seen;
            const isSame = before?.sizeBytes === seen.sizeBytes && before?.mtimeNs === seen.mtimeNs;
            if (!isSame) since.set(fileId, { seen, startedAt: now() });
        },
        isSettled: ({ fileId }) => isSettled(fileId),
        waiting: () => [...since.keys()].filter((fileId) => !isSettled(fileId)),
        forget: (fileId) => since.delete(fileId),
        nextSettleMs() {
            if (since.size === 0) return null;
            const oldest = Math.min(...[...since.values()].map(({ startedAt }) => startedAt));
            return Math.max(0, oldest + settleMs - now());
        },
    };
}
