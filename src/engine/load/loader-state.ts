/** What the parts of the loader share. */
import { unmatchedNote } from "../../streams/source-of.ts";
import { createSaySome } from "../discover/say-some.ts";
import type { TailWatch } from "../discover/watch-tails.ts";
import type { IngestLog } from "../run/context.ts";

export interface LoaderState {
    tails: TailWatch;
    /** Files that failed in a group and are now tried one by one. */
    aloneFiles: Set<number>;
    /** Copies of files that are loaded but not merged yet: skipped once they are. */
    heldCopies: Set<number>;
    /** Where the last round began in the order of paths; null when this one begins at the start. */
    fromPath: string | null;
    /** Tells of a file that no source fits. */
    sayUnmatched: ReturnType<typeof createSaySome>;
    /** Whether files that were left held have been looked for. */
    hasJudged: boolean;
}

export function createLoaderState(tails: TailWatch, log: IngestLog): LoaderState {
    const sayUnmatched = createSaySome(log, {
        event: "file_unmatched",
        line: (name) => `${name}: ${unmatchedNote}`,
        further: "More files fit none of the sources: bun run files names them.",
    });
    return { tails, aloneFiles: new Set(), heldCopies: new Set(), fromPath: null, sayUnmatched, hasJudged: false };
}

export interface LoadHooks {
    /**
     * True when staging has room. False when nothing new may be loaded now: the run was stopped, or staged rows were lost
     * and must come first. They hold back every merge, so that waiting for room without them would never end.
     */
    waitForRoom(): Promise<boolean>;
    /** After every load: there is something to merge. */
    onLoad(records: number, bytes: number): void;
    isStopped(): boolean;
}
