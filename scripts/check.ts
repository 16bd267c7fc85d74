import { runDatabaseCommand } from "../src/commands/database-command.ts";
import { formatCheckResult, formatCheckSummary, summarizeChecks } from "../src/commands/format-checks.ts";
import { exitCodes } from "../src/errors.ts";
import { type CheckResult, runChecks } from "../src/operations/run-checks.ts";

await runDatabaseCommand({
    name: "check",
    summary: "Runs the logical tests of sql/checks/ on the live database; exits with 1 if one fails.",
    description: "Each file asserts one thing and selects the rows that break it. Nothing is written.",
    examples: [
        ["bun run check", "every check, with up to five rows that break one"],
        ["bun run check --json", "the same for programs"],
    ],
    async run({ config, inDatabase }) {
        const print = (result: CheckResult) =>
            process.stdout.write(`${formatCheckResult(result, config).join("\n")}\n`);
        const results = await inDatabase((sql) => runChecks(sql, config.json ? {} : { onResult: print }));
        const summary = summarizeChecks(results);
        return {
            lines: [formatCheckSummary(results)],
            json: { ...summary, checks: results },
            exitCode: summary.failed > 0 ? exitCodes.failed : exitCodes.done,
        };
    },
});
