/**
 * When files are compared anew (recheck-files.ts). A watching run does it in the background: a chmod of a whole folder must
 * not keep new files waiting, so all together may take a tenth of the time, and one file that grows all the while a
 * hundredth. An available-now run compares all of them before it ends.
 */
import { recheckFile } from "../discover/recheck-files.ts";
import type { Run } from "../loops.ts";
import { sleep } from "../outage/sleep.ts";

const idleMs = 500;
/** The share of the time that comparing may take: all files together, and one file. */
const share = 0.1;
const shareOfOne = 0.01;
/** Work that is shorter is not rested from at once. */
const leastBusyMs = 5;

/** For a watching run. */
export async function recheckLoop(run: Run): Promise<void> {
    const { rechecks, signal, lease } = run;
    if (run.config.trigger.kind === "available-now") return;
    const isStopped = () => signal.aborted || !lease.isLoader();
    while (!signal.aborted) {
        const fileId = lease.isLoader() ? rechecks.take(performance.now()) : null;
        if (fileId === null) {
            await sleep(idleMs, signal);
            continue;
        }
        const pace = createPace(isStopped, signal);
        const outcome = await run.survive(() => recheckFile(run, fileId, pace.rest));
        if (outcome === "later") rechecks.add(fileId);
        rechecks.rest(fileId, performance.now() + Math.max(pace.busyMs() / shareOfOne, idleMs));
        await pace.end();
    }
}

/** For an available-now run, at full speed. Returns whether a file must be read anew. */
export async function recheckAll(run: Run): Promise<boolean> {
    const { rechecks, signal, lease } = run;
    const isGoingOn = async () => !signal.aborted && lease.isLoader();
    let hasFound = false;
    while (await isGoingOn()) {
        const fileId = rechecks.take(Number.POSITIVE_INFINITY);
        if (fileId === null) break;
        if ((await run.survive(() => recheckFile(run, fileId, isGoingOn))) === "changed") hasFound = true;
    }
    return hasFound;
}

function createPace(isStopped: () => boolean, signal: AbortSignal) {
    let busy = 0;
    let owed = 0;
    let since = performance.now();
    const note = () => {
        const spent = performance.now() - since;
        busy += spent;
        owed += spent;
    };
    const pause = async () => {
        await sleep(owed * (1 / share - 1), signal);
        owed = 0;
    };
    return {
        busyMs: () => busy,
        /** Between two pieces of work. False when it is to be given up. */
        async rest() {
            note();
            if (owed >= leastBusyMs) await pause();
            since = performance.now();
            return !isStopped();
        },
        async end() {
            note();
            await pause();
        },
    };
}
