import { rmSync } from "node:fs";
import { join } from "node:path";
import { Argument, Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { buildExecutable, installPackage } from "../tests/package/install-package.ts";
import { type InstalledForm, installedForms, testsOf } from "../tests/package/installed-tests.ts";
import { reportSuites, runSuite, type SuiteOutcome } from "../tests/support/run-suites.ts";
import { makeDataDir, openTestServer } from "../tests/support/test-server.ts";

/** Resolves to the command. */
const install: Record<InstalledForm, (dir: string) => Promise<string>> = {
    package: async (dir) => (await installPackage(dir)).sluice,
    executable: (dir) => buildExecutable(join(dir, "sluice-of-this-machine")),
};

await runCommand({
    name: "test:installed",
    summary:
        "Runs the tests of commands and documents through the installed package, then some through the executable.",
    description:
        "The package is packed and installed once, the executable built once; both are removed at the end. " +
        "tests/package/installed-tests.ts lists the tests of each form, and what cannot go through it.",
    arguments: [new Argument("[files...]", "test files, in place of those that are listed")],
    options: [new Option("--only <form>", "one of the two").choices([...installedForms])],
    examples: [
        ["bun run test:installed", "what CI runs"],
        ["bun run test:installed --only package tests/commands/add.test.ts", "one file"],
    ],
    async run({ flags, args }) {
        const forms = installedForms.filter((form) => flags.only === undefined || flags.only === form);
        const server = await openTestServer();
        const dir = makeDataDir();
        const outcomes: SuiteOutcome[] = [];
        try {
            for (const form of forms) {
                if (outcomes.at(-1)?.isStopped) continue;
                process.stderr.write(`\nThe ${form}\n`);
                const tests = args.length > 0 ? args : testsOf[form];
                outcomes.push(await runSuite(form, tests, { TEST_SLUICE_COMMAND: await install[form](dir) }));
            }
        } finally {
            rmSync(dir, { recursive: true, force: true });
            await server.release();
        }
        return reportSuites("form", outcomes);
    },
});
