/** How long a file has been still by its own times. A run that ends goes by them, since it cannot watch the file. */
import { type BigIntStats, lstatSync } from "node:fs";
import { join } from "node:path";
import { placeOf } from "../../streams/archive-path.ts";
import type { SeenFile } from "../ledger/files.ts";

/** How to tell that a file has been still. */
export interface FileClocks {
    /** Monotonic, in milliseconds. */
    now?: () => number;
    /** How long a file has been still by its own times, in milliseconds; null when they do not tell. */
    ageOf?: (path: string, seen: SeenFile) => number | null;
}

/** The clocks of a file server and of this machine may differ by this much. */
const clockSkewMs = 2_000;

/**
 * Milliseconds since the file was last written; null when both of its times lie in the future, so that nobody can tell.
 * Anybody can set `mtime`; only the kernel sets `ctime`, so that it answers for an `mtime` of tomorrow.
 */
export function fileAgeMs({ mtimeNs, ctimeNs }: Pick<BigIntStats, "mtimeNs" | "ctimeNs">, nowMs = Date.now()) {
    return ageAt(Number(mtimeNs), nowMs) ?? ageAt(Number(ctimeNs), nowMs);
}

/** The same for a file that was seen: its `ctime` is looked up in the rare case that it is needed. */
export function seenAgeMs(inputDir: string, path: string, { mtimeNs }: Pick<SeenFile, "mtimeNs">): number | null {
    return ageAt(Number(mtimeNs), Date.now()) ?? presentAgeMs(inputDir, path) ?? null;
}

/** The same for the file that is there now; undefined when there is none to be seen. */
export function presentAgeMs(inputDir: string, path: string): number | null | undefined {
    try {
        return fileAgeMs(lstatSync(join(inputDir, placeOf(path)), { bigint: true }));
    } catch {
        return undefined;
    }
}

function ageAt(writtenNs: number, nowMs: number): number | null {
    const ageMs = nowMs - writtenNs / 1e6;
    return ageMs < -clockSkewMs ? null : Math.max(0, ageMs);
}
