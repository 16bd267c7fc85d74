import { runCommand } from "../src/commands/command.ts";
import { formatCheckResult, formatCheckSummary, summarizeChecks } from "../src/commands/format-checks.ts";
import { withDatabase } from "../src/commands/with-database.ts";
import { configOptions, databaseFields, loadConfig } from "../src/config/config.ts";
import { exitCodes } from "../src/errors.ts";
import { runChecks } from "../src/operations/run-checks.ts";

await runCommand({
    name: "check",
    summary: "Runs the logical tests of sql/checks/ on the live database; exits with 1 if one fails.",
    description: "Each file asserts one thing and selects the rows that break it. Nothing is written.",
    options: configOptions("json", ...databaseFields),
    examples: [
        ["bun run check", "every check, with up to five rows that break one"],
        ["bun run check --json", "the same for programs"],
    ],
    async run({ flags }) {
        const config = await loadConfig([...databaseFields, "json"], flags);
        const print = (lines: string[]) => process.stdout.write(`${lines.join("\n")}\n`);
        const results = await withDatabase(config, { applicationName: "sluice check" }, (sql) =>
            runChecks(sql, config.json ? {} : { onResult: (result) => print(formatCheckResult(result, config)) }),
        );
        const summary = summarizeChecks(results);
        print([config.json ? JSON.stringify({ ...summary, checks: results }, null, 2) : formatCheckSummary(results)]);
        return summary.failed > 0 ? exitCodes.failed : exitCodes.done;
    },
});
