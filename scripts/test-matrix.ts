import { Argument, Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { refuse } from "../src/commands/refuse.ts";
import { embeddedMajor } from "../src/database/embedded/binaries.ts";
import { installPostgres, pinnedPostgres } from "../tests/support/install-postgres.ts";
import { reportSuites, runSuite, type SuiteOutcome } from "../tests/support/run-suites.ts";

const installedMajor = embeddedMajor();
const majors = [...new Set([...Object.keys(pinnedPostgres), installedMajor])].sort();

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
        const outcomes: SuiteOutcome[] = [];
        for (const major of chooseMajors(flags.only)) {
            if (!outcomes.at(-1)?.isStopped) outcomes.push(await runVersion(major, args));
        }
        return reportSuites("PostgreSQL", outcomes);
    },
});

function chooseMajors(only: unknown): string[] {
    const wanted = typeof only === "string" ? only.split(",").map((major) => major.trim()) : majors;
    const unknown = wanted.find((major) => !majors.includes(major));
    if (unknown === undefined) return wanted;
    const remedy = `Give some of ${majors.join(", ")}, with commas.`;
    throw refuse("bad_flag_value", `--only "${only}": there is no "${unknown}" here.`, remedy);
}

async function runVersion(major: string, args: readonly string[]): Promise<SuiteOutcome> {
    process.stderr.write(`\nPostgreSQL ${major}\n`);
    const postgres = major === installedMajor ? "" : await installPostgres(major);
    return await runSuite(major, args, { SLUICE_TEST_POSTGRES: postgres, TEST_DATABASE_URL: "" });
}
