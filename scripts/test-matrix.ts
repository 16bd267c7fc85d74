import { join } from "node:path";
import { Argument, Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { refuse } from "../src/commands/refuse.ts";
import { embeddedMajor } from "../src/database/embedded/binaries.ts";
import { exitCodes } from "../src/errors.ts";
import { formatDuration } from "../src/terminal/format.ts";
import { formatTable } from "../src/terminal/table.ts";
import { echo } from "../tests/support/echo.ts";
import { installPostgres, pinnedPostgres } from "../tests/support/install-postgres.ts";
import { projectDir } from "../tests/support/test-server.ts";

const installedMajor = embeddedMajor();
const majors = [...new Set([...Object.keys(pinnedPostgres), installedMajor])].sort();

interface Tally {
    passed: number;
    failed: number;
    skipped: number;
}

interface Outcome extends Tally {
    major: string;
    tookMs: number;
    exitCode: number;
    isStopped: boolean;
}

await runCommand({
    name: "test:matrix",
    summary: `Runs the tests on PostgreSQL ${majors.join(", ")}, one after the other, as \`bun run test\` does on one.`,
    description:
        "All embedded servers are of that version: those that tests kill, and those of the commands they run. " +
        "The versions that are not installed (60 MB each) are fetched into data/test-postgres.",
    arguments: [new Argument("[arguments...]", "bun test's: files, folders, and flags after --")],
    options: [new Option("--only <versions>", "some of them, such as 15,17")],
    examples: [
        ["bun run test:matrix", "the whole suite on each: minutes"],
        ["bun run test:matrix --only 15 tests/merge", "one folder on one version"],
        ["bun run test:matrix tests/cases -- -t quoted", "some tests on each"],
    ],
    async run({ flags, args }) {
        const outcomes: Outcome[] = [];
        for (const major of chooseMajors(flags.only)) {
            if (!outcomes.at(-1)?.isStopped) outcomes.push(await runVersion(major, args));
        }
        const rows = outcomes.map(({ major, passed, failed, skipped, tookMs, exitCode }) => [
            major,
            passed,
            failed,
            skipped,
            formatDuration(tookMs),
            exitCode === 0 ? "green" : `exit code ${exitCode}`,
        ]);
        const header = ["PostgreSQL", "passed", "failed", "skipped", "took", ""];
        const sum = (count: keyof Tally) => outcomes.reduce((total, outcome) => total + outcome[count], 0);
        const skipped = sum("skipped") > 0 ? `, ${sum("skipped")} skipped` : "";
        const tally = `${sum("passed")} passed, ${sum("failed")} failed${skipped}`;
        process.stdout.write(`\n${[...formatTable(rows, { header }), tally].join("\n")}\n`);
        return outcomes.every(({ exitCode }) => exitCode === 0) ? exitCodes.done : exitCodes.failed;
    },
});

function chooseMajors(only: unknown): string[] {
    const wanted = typeof only === "string" ? only.split(",").map((major) => major.trim()) : majors;
    const unknown = wanted.find((major) => !majors.includes(major));
    if (unknown === undefined) return wanted;
    const remedy = `Give some of ${majors.join(", ")}, with commas.`;
    throw refuse("bad_flag_value", `--only "${only}": there is no "${unknown}" here.`, remedy);
}

async function runVersion(major: string, args: readonly string[]): Promise<Outcome> {
    process.stderr.write(`\nPostgreSQL ${major}\n`);
    const postgres = major === installedMajor ? "" : await installPostgres(major);
    const startMs = performance.now();
    const child = Bun.spawn([process.execPath, join("scripts", "test.ts"), ...args], {
        cwd: projectDir,
        env: { ...process.env, SLUICE_TEST_POSTGRES: postgres, TEST_DATABASE_URL: "" },
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
    return { major, ...readTally(output), tookMs: performance.now() - startMs, exitCode, isStopped };
}

/** Its last line. None when it was cut short: then the exit code says so. */
function readTally(output: string): Tally {
    const found = [...output.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)].at(-1);
    const [, passed, failed, skipped] = found ?? [];
    return { passed: Number(passed ?? 0), failed: Number(failed ?? 0), skipped: Number(skipped ?? 0) };
}
