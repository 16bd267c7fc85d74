/** One object for each trigger: when the loading loop looks, how long it pauses, and when it ends. */
import { type FileClocks, presentAgeMs, seenAgeMs } from "../discover/file-age.ts";
import { waitingFiles } from "../ledger/files.ts";
import { hasWork } from "../ledger/read-backlog.ts";
import type { Run } from "../loops.ts";
import { sleep } from "../outage/sleep.ts";
import { pollMs, type WakeUp } from "../outage/wake-up.ts";
import type { Loader } from "./loader.ts";
import { recheckAll } from "./recheck-loop.ts";

export interface Trigger {
    /** It takes what is there, and must know that nothing is left. */
    endsByItself: boolean;
    /** A process without the lease looks at the folder too. */
    looksWithoutLease: boolean;
    /** How long files have been still: by their own times where these are given, else by the run's clock. */
    clocks: FileClocks;
    shouldLook(loader: Loader): boolean;
    /** Ends a turn: `archive` lets merged files leave. Returns whether this turn was the last. */
    endTurn(loader: Loader, archive: () => Promise<void>): Promise<boolean>;
    pause(turn: Turn): Promise<void>;
}

export interface Turn {
    startedAt: number;
    /** The counts of the wake-ups when it began. */
    seenChanges: number;
    seenMerges: number;
    hasLoaded: boolean;
}

/** A worker that waits for the lease looks for it this often; for others' work an available-now run begins with it. */
const shortPauseMs = 100;

/** `changed` is given when the folder has changed. */
export function createTrigger(run: Run, changed: WakeUp): Trigger {
    const { trigger } = run.config;
    if (trigger.kind === "available-now") return availableNow(run);
    return trigger.kind === "continuous" ? continuous(run, changed) : interval(run, trigger.ms);
}

const watching = {
    endsByItself: false,
    looksWithoutLease: false,
    clocks: {},
    shouldLook: () => true,
    async endTurn(_: Loader, archive: () => Promise<void>) {
        await archive();
        return false;
    },
};

function interval({ lease, signal }: Run, ms: number): Trigger {
    return {
        ...watching,
        async pause({ startedAt }) {
            const pauseMs = ms - (performance.now() - startedAt);
            if (pauseMs > 0) await sleep(lease.isLoader() ? pauseMs : Math.min(pauseMs, shortPauseMs), signal);
        },
    };
}

function continuous({ lease }: Run, changed: WakeUp): Trigger {
    return {
        ...watching,
        pause: ({ seenChanges }) => changed.wait(seenChanges, lease.isLoader() ? pollMs : shortPauseMs),
    };
}

/** Takes what is there when it begins, or it might never end. It goes by the files' own times: it cannot watch them. */
function availableNow(run: Run): Trigger {
    const { config, merged, proof, tally } = run;
    let pauseMs = shortPauseMs;
    return {
        endsByItself: true,
        looksWithoutLease: true,
        clocks: { ageOf: (path, seen) => seenAgeMs(config.inputDir, path, seen) },
        shouldLook: ({ hasLooked }) => !hasLooked || proof.hasDoubtful(),
        async endTurn(loader, archive) {
            const isAllDone = await isAllLoaded(run, loader);
            await archive();
            const young = loader.archiver.young();
            tally.youngMerged = young.files;
            return isAllDone && young.undated === 0;
        },
        /** Each merge ends it. Other processes' work is looked for less and less often: a whole turn costs more than its loads. */
        async pause({ seenMerges, hasLoaded }) {
            pauseMs = hasLoaded ? shortPauseMs : Math.min(pauseMs * 2, pollMs);
            await merged.wait(seenMerges, pauseMs);
        },
    };
}

/**
 * Whether the ledger has nothing more to load, whoever loads, and is still the one that was loaded into. Files that wait
 * and are young are left to the next run; those that are old enough are about to be taken, as are those that the loader
 * times on its own clock.
 */
async function isAllLoaded(run: Run, loader: Loader): Promise<boolean> {
    const { stream, sql, config, proof, lease, survive } = run;
    if ((await survive(() => hasWork(sql, stream.id))) !== false) return false;
    const isLeft = ({ path }: { path: string }) => {
        const age = presentAgeMs(config.inputDir, path);
        return age === undefined || (age !== null && age < config.tailSettleMs);
    };
    if ((await survive(() => waitingFiles(sql, stream.id)))?.every(isLeft) !== true) return false;
    if (await recheckAll(run)) return false;
    await lease.renew();
    return !loader.isOutdated() && !proof.hasDoubtful();
}
