import { Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { exitCodes, SluiceError } from "../src/errors.ts";
import { formatDuration } from "../src/terminal/format.ts";

/** Scripts of package.json, the quick ones first. */
const steps = [
    { script: "lint", what: "format and lint", remedy: "`bun run format` fixes what can be fixed automatically." },
    { script: "typecheck", what: "types", remedy: "tsc has named each place above." },
    { script: "test", what: "tests", remedy: "The failures are above; `bun test FILE` runs one file." },
];

await runCommand({
    name: "verify",
    summary: "Everything that CI runs: format, lint, types, tests. Stops at the first that fails.",
    options: [new Option("--no-tests", "leave out the tests")],
    examples: [
        ["bun run verify", "before each commit"],
        ["bun run verify --no-tests", "the quick part"],
    ],
    async run({ flags }) {
        for (const step of steps) {
            if (step.script === "test" && flags.tests === false) continue;
            await runStep(step);
        }
    },
});

async function runStep({ script, what, remedy }: (typeof steps)[number]): Promise<void> {
    const startMs = performance.now();
    process.stderr.write(`verify: ${what}\n`);
    const { exited } = Bun.spawn([process.execPath, "run", script], { stdio: ["ignore", "inherit", "inherit"] });
    if ((await exited) !== 0) {
        throw new SluiceError({
            code: `${script}_failed`,
            what: `The ${what} did not pass.`,
            remedy,
            exitCode: exitCodes.failed,
        });
    }
    process.stderr.write(`verify: ${what} passed in ${formatDuration(performance.now() - startMs)}\n`);
}
