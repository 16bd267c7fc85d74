/**
 * `bun run test [bun test's arguments]`: all of tests/ on a server that is started once and stopped at the end.
 *
 * A run of all of tests/ takes a sample of long tables of cases; a run that names files takes all of their cases, unless
 * SLUICE_TEST_SAMPLE is set (tests/support/sample.ts).
 * Files run in parallel processes (tests/database on two busy cores: 62 s in place of 74), each on its own database.
 * The last line is `N passed, N failed`, with `, N skipped` if any were; the exit code is bun's. The databases of failed
 * files are kept until the next run.
 */
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { dropDatabasesOfRun, sweepTestDatabases } from "../tests/support/database.ts";
import { echo } from "../tests/support/echo.ts";
import { openTestServer, projectDir, testDataDir } from "../tests/support/test-server.ts";

const testTimeoutMs = 60_000;
/** Flags of `bun test` that take the next argument. */
const flagsWithValue = ["-t", "--test-name-pattern", "--timeout", "--seed", "--shard", "--retry", "--rerun-each"];

const run = randomUUID();
const reportDir = mkdtempSync(join(tmpdir(), "sluice-test-"));
const reportFile = join(reportDir, "report.xml");

const server = await openTestServer();
let exitCode: number;
try {
    await sweepTestDatabases(server);
    const { code, output } = await runBunTest(process.argv.slice(2));
    exitCode = code;
    const kept = await dropDatabasesOfRun(server, run, (file) => !passedFiles().has(file));
    for (const { name, file } of kept) console.error(`Kept the database ${name} of ${file}${howToLook(name)}`);
    const { passed, failed, skipped } = readTally(output);
    console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
} finally {
    await server.release();
    rmSync(reportDir, { recursive: true, force: true });
}
process.exit(exitCode);

async function runBunTest(args: string[]): Promise<{ code: number; output: string }> {
    const parallel = Math.min(availableParallelism() + 2, 4);
    const child = Bun.spawn(
        [
            process.execPath,
            "test",
            `--timeout=${testTimeoutMs}`,
            `--parallel=${parallel}`,
            "--reporter=junit",
            `--reporter-outfile=${reportFile}`,
            ...(namesFiles(args) ? args : [...args, "./tests"]),
        ],
        {
            cwd: projectDir,
            // Empty, not absent: Bun would fill it in from .env, and tests must never see it.
            env: {
                ...process.env,
                DATABASE_URL: "",
                SLUICE_TEST_RUN: run,
                ...(namesFiles(args) && !process.env.SLUICE_TEST_SAMPLE && { SLUICE_TEST_WHOLE: "1" }),
                ...colour(),
            },
            stdin: "ignore",
            stdout: "inherit",
            stderr: "pipe",
        },
    );
    // Ctrl-C reaches the child by itself; this process stays to stop the server.
    process.on("SIGINT", () => {});
    process.on("SIGTERM", () => child.kill("SIGTERM"));
    // bun test writes its results to stderr.
    const output = await echo(child.stderr, process.stderr);
    return { code: await child.exited, output };
}

function colour(): Record<string, string> {
    const isWanted = process.stderr.isTTY && !process.env.NO_COLOR;
    return isWanted ? { FORCE_COLOR: "1" } : {};
}

function namesFiles(args: readonly string[]): boolean {
    return args.some((arg, index) => !arg.startsWith("-") && !flagsWithValue.includes(args[index - 1] ?? ""));
}

/** From the lines ` 12 pass`, ` 1 skip`, ` 1 todo`, ` 2 fail` at the end. */
function readTally(output: string): { passed: number; failed: number; skipped: number } {
    const plain = Bun.stripANSI(output);
    const count = (word: string) => Number([...plain.matchAll(new RegExp(`^ (\\d+) ${word}$`, "gm"))].at(-1)?.[1] ?? 0);
    return { passed: count("pass"), failed: count("fail"), skipped: count("skip") + count("todo") };
}

/** The report leaves out files that could not be loaded: only what it lists without a failure has passed. */
function passedFiles(): Set<string> {
    // Without one the run was cut short: nothing is known to have passed.
    const report = existsSync(reportFile) ? readFileSync(reportFile, "utf8") : "";
    const suites = report.matchAll(/<testsuite [^>]*?file="([^"]+)"[^>]*? failures="(\d+)"/g);
    const failures = new Map<string, number>();
    for (const [, file, count] of suites) failures.set(file!, (failures.get(file!) ?? 0) + Number(count));
    return new Set([...failures].filter(([, count]) => count === 0).map(([file]) => file));
}

function howToLook(name: string): string {
    if (process.env.TEST_DATABASE_URL) return ".";
    return `: bun run sql --data-dir ${relative(projectDir, testDataDir)} --database ${name} 'select …'`;
}
