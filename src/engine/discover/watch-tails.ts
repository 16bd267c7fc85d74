/**
 * Files whose last record has no line end yet. They are left alone until they change or have been still for
 * `settleMs`; then the tail counts. A run that watches goes by a monotonic clock of its own: a file's own time may come
 * from anywhere. One that ends (available-now) cannot wait for that, and goes by the file's time (file-age.ts).
 */
import type { LedgerFile, SeenFile } from "../ledger/files.ts";
import type { FileClocks } from "./file-age.ts";

type WaitingFile = Pick<LedgerFile, "fileId" | "path">;

export interface TailWatch {
    /** Leaves the file alone from now on. Whether it is new that it has to wait. */
    wait(file: WaitingFile, seen: SeenFile): boolean;
    /** Whether an unfinished record of this file, as it was seen just now, counts. */
    isSettled(file: WaitingFile, seen: SeenFile): boolean;
    /** The files to leave alone now. */
    waiting(): number[];
    /** Those among them that the ledger has not been told of. */
    unnoted(): (SeenFile & { fileId: number })[];
    /** The ledger knows of all that wait now. */
    noted(): void;
    /** A file was seen to differ from when it began to wait, or nothing of it is left: it no longer waits. */
    forget(fileId: number): void;
}

/** With `settleMs` 0 every tail counts at once. */
export function createTailWatch(settleMs: number, clocks: FileClocks = {}): TailWatch {
    const { now = () => performance.now(), ageOf = () => null } = clocks;
    const since = new Map<number, { seen: SeenFile; startedAt: number; isNoted: boolean }>();
    const isDue = (entry: { startedAt: number }) => settleMs === 0 || now() - entry.startedAt >= settleMs;
    return {
        wait({ fileId, path }, seen) {
            if (isSame(since.get(fileId)?.seen, seen)) return false;
            since.set(fileId, { seen, startedAt: now() - (ageOf(path, seen) ?? 0), isNoted: false });
            return true;
        },
        isSettled({ fileId, path }, seen) {
            if (settleMs === 0) return true;
            const age = ageOf(path, seen);
            if (age !== null) return age >= settleMs;
            const entry = since.get(fileId);
            return entry !== undefined && isSame(entry.seen, seen) && isDue(entry);
        },
        waiting: () => [...since].filter(([, entry]) => !isDue(entry)).map(([fileId]) => fileId),
        unnoted: () =>
            [...since]
                .filter(([, entry]) => !entry.isNoted && !isDue(entry))
                .map(([fileId, { seen }]) => ({ fileId, ...seen })),
        noted() {
            for (const entry of since.values()) entry.isNoted = true;
        },
        forget: (fileId) => void since.delete(fileId),
    };
}

function isSame(before: SeenFile | undefined, seen: SeenFile): boolean {
    return before?.sizeBytes === seen.sizeBytes && before.mtimeNs === seen.mtimeNs;
}
