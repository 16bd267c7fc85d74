/** Runs the checks for any number of callers: one run at a time, and a pause between two. */
import type { CheckResult } from "../../../operations/run-checks.ts";

interface ChecksRun {
    startedAt: string;
    finishedAt: string;
    seconds: number;
    results: CheckResult[];
}

interface CheckRunnerOptions {
    run(): Promise<CheckResult[]>;
    now: () => Date;
    /** From the end of one run to the start of the next: at least this, and ten times what a run took. */
    pauseMs?: number;
}

export function createCheckRunner({ run, now, pauseMs = 30_000 }: CheckRunnerOptions) {
    let last: ChecksRun | null = null;
    let running: Promise<void> | null = null;

    async function runOnce(): Promise<void> {
        const startedAt = now().toISOString();
        const began = performance.now();
        const results = await run();
        const seconds = Math.round(performance.now() - began) / 1000;
        last = { startedAt, finishedAt: now().toISOString(), seconds, results };
    }

    function isDue(): boolean {
        if (last === null) return true;
        return now().getTime() - Date.parse(last.finishedAt) >= Math.max(pauseMs, 10_000 * last.seconds);
    }

    return {
        /** Starts a run when one is due, waits for it up to `waitMs`, and gives the last one that has ended. Rejects as the run does. */
        async latest(waitMs: number): Promise<{ run: ChecksRun | null; isRunning: boolean }> {
            if (running === null && isDue()) {
                running = runOnce().finally(() => {
                    running = null;
                });
                // Only callers that still wait hear of a failure.
                running.catch(() => {});
            }
            if (running !== null && last === null) await Promise.race([running, Bun.sleep(waitMs)]);
            return { run: last, isRunning: running !== null };
        },
    };
}
