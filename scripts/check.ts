import { runCommand } from "../src/commands/command.ts";
import { databaseCommand } from "../src/commands/database-command.ts";
import { formatCheckResult, formatCheckSummary, summarizeChecks } from "../src/commands/format-checks.ts";
import { chooseStream, streamOption } from "../src/commands/streams/choose-stream.ts";
import { program } from "../src/environment.ts";
import { exitCodes } from "../src/errors.ts";
import { type CheckResult, chooseChecks, runChecks } from "../src/operations/run-checks.ts";

export const command = databaseCommand({
    name: "check",
    summary:
        "Checks that the loaded data adds up: counts, rows and rejects against each other. Exits with 1 if a check fails.",
    description:
        "Each check asserts one thing and selects the rows that break it. Nothing is written. --stream leaves out checks of other streams' tables; the ledger is always checked as a whole.",
    options: [streamOption()],
    examples: [
        [`${program} check`, "every check, with up to five rows that break one"],
        [`${program} check --stream orders`, "those of the ledger, and of the tables of one stream"],
        [`${program} check --json`, "the same for programs"],
    ],
    async run({ flags, config, inDatabase }) {
        const print = (result: CheckResult) =>
            process.stdout.write(`${formatCheckResult(result, config).join("\n")}\n`);
        const { results, unmade } = await inDatabase(async (sql) => {
            const chosen = await chooseChecks(sql, (await chooseStream(sql, flags))?.name);
            const run = { checks: chosen.checks, ...(!config.json && { onResult: print }) };
            return { results: await runChecks(sql, run), unmade: chosen.unmade };
        });
        const left = unmade.length === 0 ? [] : [`Not made, because a standby has no staging: ${unmade.join(", ")}.`];
        const summary = summarizeChecks(results);
        return {
            lines: [...left, formatCheckSummary(results)],
            json: { ...summary, checks: results, ...(unmade.length > 0 && { unmade }) },
            exitCode: summary.failed > 0 ? exitCodes.failed : exitCodes.done,
        };
    },
});

if (import.meta.main) await runCommand(command);
