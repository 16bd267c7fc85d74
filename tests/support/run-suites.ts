/** `bun run test` several times over, each time in other surroundings, and a table of how it went. */
import { join } from "node:path";
import { exitCodes } from "../../src/errors.ts";
import { formatDuration } from "../../src/terminal/format.ts";
import { formatTable } from "../../src/terminal/table.ts";
import { echo } from "./echo.ts";
import { projectDir } from "./test-server.ts";

interface Tally {
    passed: number;
    failed: number;
    skipped: number;
}

export interface SuiteOutcome extends Tally {
    name: string;
    tookMs: number;
    exitCode: number;
    /** By Ctrl-C or SIGTERM: the suites after it are not to be run. */
    isStopped: boolean;
}

/** `args`: bun test's. Shows what it prints. */
export async function runSuite(
    name: string,
    args: readonly string[],
    environment: Record<string, string>,
): Promise<SuiteOutcome> {
    const startMs = performance.now();
    const child = Bun.spawn([process.execPath, join("scripts", "test.ts"), ...args], {
        cwd: projectDir,
        env: { ...process.env, ...environment },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "inherit",
    });
    // Ctrl-C reaches the child by itself; this process stays until the child has stopped its server.
    let isStopped = false;
    const stop = (signal: NodeJS.Signals) => {
        isStopped = true;
        if (signal === "SIGTERM") child.kill(signal);
    };
    process.on("SIGINT", stop).on("SIGTERM", stop);
    const output = await echo(child.stdout, process.stdout);
    const exitCode = await child.exited;
    process.off("SIGINT", stop).off("SIGTERM", stop);
    return { name, ...readTally(output), tookMs: performance.now() - startMs, exitCode, isStopped };
}

/** Prints a row for each and the line `N passed, N failed`; returns the exit code. `title`: of the column of names. */
export function reportSuites(title: string, outcomes: readonly SuiteOutcome[]): number {
    const rows = outcomes.map(({ name, passed, failed, skipped, tookMs, exitCode }) => [
        name,
        passed,
        failed,
        skipped,
        formatDuration(tookMs),
        exitCode === 0 ? "green" : `exit code ${exitCode}`,
    ]);
    const header = [title, "passed", "failed", "skipped", "took", ""];
    const sum = (count: keyof Tally) => outcomes.reduce((total, outcome) => total + outcome[count], 0);
    const skipped = sum("skipped") > 0 ? `, ${sum("skipped")} skipped` : "";
    const tally = `${sum("passed")} passed, ${sum("failed")} failed${skipped}`;
    process.stdout.write(`\n${[...formatTable(rows, { header }), tally].join("\n")}\n`);
    return outcomes.every(({ exitCode }) => exitCode === 0) ? exitCodes.done : exitCodes.failed;
}

/** Its last line. None when it was cut short: then the exit code says so. */
function readTally(output: string): Tally {
    const found = [...output.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)].at(-1);
    const [, passed, failed, skipped] = found ?? [];
    return { passed: Number(passed ?? 0), failed: Number(failed ?? 0), skipped: Number(skipped ?? 0) };
}
