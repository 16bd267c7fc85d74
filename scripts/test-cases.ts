import { Argument } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { configOptions } from "../src/config/config.ts";
import { exitCodes } from "../src/errors.ts";
import { formatTable } from "../src/terminal/table.ts";
import { runCase, sixteenCases } from "../tests/old-cases/sixteen-cases.ts";
import { createTestDatabase } from "../tests/support/database.ts";

await runCommand({
    name: "test:cases",
    summary: "Runs the sixteen test cases of the project before this one, and prints what was seen.",
    description:
        "Each with the real pipeline on a database of its own, which is dropped at the end. Exits with 1 when one fails.",
    arguments: [new Argument("[names...]", "only those whose name holds one of these words")],
    options: configOptions("json"),
    examples: [
        ["bun run test:cases", "all sixteen, as a table"],
        ["bun run test:cases latency throughput", "two of them"],
        ["bun run test:cases --json", "the same for programs"],
    ],
    async run({ args }) {
        const isWanted = (name: string) =>
            args.length === 0 || args.some((word) => name.toLowerCase().includes(word.toLowerCase()));
        const wanted = sixteenCases.filter(({ name }) => isWanted(name));
        const database = await createTestDatabase(import.meta.path);
        const results = [];
        try {
            for (const oldCase of wanted) {
                const { name, done, expected } = oldCase;
                process.stderr.write(`${name} …\n`);
                results.push({ name, done, expected, ...(await runCase(oldCase, database)) });
            }
        } finally {
            await database.drop();
        }
        const passed = results.filter((result) => result.passed).length;
        const rows = results.flatMap(({ name, done, expected, seen, passed: hasPassed }) => [
            [name, hasPassed ? "passed" : "FAILED", "done", done],
            ["", "", "expected", expected],
            ["", "", "seen", seen],
        ]);
        const failed = results.length - passed;
        return {
            lines: [...formatTable(rows), `${passed} passed, ${failed} failed`],
            json: { cases: results, passed, failed },
            exitCode: failed === 0 && passed > 0 ? exitCodes.done : exitCodes.failed,
        };
    },
});
