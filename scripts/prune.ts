import { Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { formatPlan, formatSummary, isEmptyPlan } from "../src/commands/format-prune-plan.ts";
import { withDatabase } from "../src/commands/with-database.ts";
import { configOptions, databaseFields, loadConfig } from "../src/config/config.ts";
import { parseAge } from "../src/config/parse-values.ts";
import { isDrawable } from "../src/environment.ts";
import { exitCodes, SluiceError } from "../src/errors.ts";
import { planPrune, runPrune } from "../src/operations/run-prune.ts";
import { askYesOrNo, requireTerminal } from "../src/terminal/ask.ts";
import { formatJson } from "../src/terminal/json.ts";
import { createProgress } from "../src/terminal/progress.ts";
import { sanitize } from "../src/terminal/sanitize.ts";

await runCommand({
    name: "prune",
    summary:
        "Removes what was merged longer ago than that: events, rejects, and the ledger's lines of which nothing is left.",
    description:
        "Shows what will go and asks. Ingests go on meanwhile, and the checks hold at every moment. It may be stopped at any\n" +
        "time; the next one goes on. Within the age nothing changes: what is delivered again is known.",
    options: [
        new Option("--older-than <age>", "such as 90d, 12w or 36h: by the time of the merge, not of the event"),
        new Option("--dry-run", "say what would go, and change nothing"),
        new Option("--yes", "do not ask"),
        ...configOptions("json", ...databaseFields),
    ],
    examples: [
        ["bun run prune --older-than 90d --dry-run", "how many rows and bytes that is"],
        ["bun run prune --older-than 90d", "show what will go, then ask"],
        ["bun run prune --older-than 90d --yes", "for cron, once a day"],
    ],
    async run({ flags }) {
        const olderThanMs = readAge(flags.olderThan);
        const config = await loadConfig([...databaseFields, "json"], flags);
        const isDryRun = flags.dryRun === true;
        const mustAsk = flags.yes !== true && !isDryRun;
        if (mustAsk) requireTerminal("A prune", "Give --yes if you are sure, or --dry-run to see what would go.");
        const progress = createProgress({ label: "prune", isDrawable: isDrawable() });
        return await withDatabase(config, { applicationName: "sluice prune", mayMigrate: true }, async (sql) => {
            const plan = await planPrune(sql, olderThanMs);
            // With --json stdout holds the one object that says what has gone, or would.
            if (!config.json) progress.print(formatPlan(plan).join("\n"));
            else if (!isDryRun) progress.log(formatPlan(plan).join("\n"));
            if (isDryRun) {
                if (config.json) progress.print(formatJson({ dryRun: true, ...plan }));
                return exitCodes.done;
            }
            if (mustAsk && !isEmptyPlan(plan) && !(await askYesOrNo("Go on?"))) {
                progress.log("Nothing was changed.");
                return exitCodes.failed;
            }
            const summary = await runPrune(sql, plan.before, {
                onPages: (done, total) => progress.update({ done, total, unit: "pages" }),
            });
            progress.print(
                config.json
                    ? formatJson({ dryRun: false, before: plan.before, ...summary })
                    : formatSummary(summary).join("\n"),
            );
            return exitCodes.done;
        }).finally(() => progress.end());
    },
});

function readAge(text: unknown): number {
    if (typeof text !== "string") {
        throw new SluiceError({
            code: "missing_option",
            what: "A prune must be told how old what it removes has to be; nothing was changed.",
            from: "the command line",
            remedy: "Give --older-than, such as --older-than 90d.",
            exitCode: exitCodes.usage,
        });
    }
    const age = parseAge(text);
    if ("value" in age) return age.value;
    throw new SluiceError({
        code: "bad_flag_value",
        what: `--older-than "${sanitize(text, { most: 60 })}" ${age.problem}`,
        from: "the command line",
        remedy: age.remedy,
        exitCode: exitCodes.usage,
    });
}
