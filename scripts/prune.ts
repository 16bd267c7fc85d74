import { Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { databaseCommand } from "../src/commands/database-command.ts";
import { formatPlan, formatSummary, isEmptyPlan } from "../src/commands/format-prune-plan.ts";
import { refuse } from "../src/commands/refuse.ts";
import { chooseStream, streamOption } from "../src/commands/streams/choose-stream.ts";
import { parseAge } from "../src/config/parse-values.ts";
import { isDrawable, program } from "../src/environment.ts";
import { exitCodes } from "../src/errors.ts";
import { planPrune, runPrune } from "../src/operations/run-prune.ts";
import { askYesOrNo, requireTerminal } from "../src/terminal/ask.ts";
import { createProgress } from "../src/terminal/progress.ts";
import { sanitize } from "../src/terminal/sanitize.ts";

export const command = databaseCommand({
    name: "prune",
    summary:
        "Deletes old data: events and rejects that were loaded before a given age, and the records of their batches and files.",
    description:
        "Shows what it will delete and asks. Ingests go on meanwhile, and all checks hold at every moment. You can stop it at any time; the next prune continues. Within the age nothing changes: repeated deliveries are still recognised.",
    options: [
        new Option("--older-than <age>", "such as 90d, 12w or 36h: by the time of the merge, not of the event"),
        streamOption(),
        new Option("--dry-run", "show what would be deleted, and change nothing"),
        new Option("--yes", "do not ask"),
    ],
    examples: [
        [`${program} prune --older-than 90d --dry-run`, "how many rows and bytes it would delete"],
        [`${program} prune --older-than 90d`, "show what it will delete, then ask"],
        [`${program} prune --older-than 30d --stream orders`, "of one stream; your own table keeps its rows"],
        [`${program} prune --older-than 90d --yes`, "for cron, once a day"],
    ],
    async run({ flags, config, inDatabase }) {
        const olderThanMs = readAge(flags.olderThan);
        const isDryRun = flags.dryRun === true;
        const mustAsk = flags.yes !== true && !isDryRun;
        if (mustAsk)
            requireTerminal("A prune", "Give --yes if you are sure, or --dry-run to see what would be deleted.");
        const progress = createProgress({ label: "prune", isDrawable: isDrawable() });
        return await inDatabase(
            async (sql) => {
                const stream = await chooseStream(sql, flags);
                const plan = await planPrune(sql, olderThanMs, stream);
                if (isDryRun) return { lines: formatPlan(plan), json: { dryRun: true, ...plan } };
                // With --json, stdout is for the object that says what has gone.
                (config.json ? progress.log : progress.print)(formatPlan(plan).join("\n"));
                if (mustAsk && !isEmptyPlan(plan) && !(await askYesOrNo("Go on?"))) {
                    progress.log("Nothing was changed.");
                    return exitCodes.failed;
                }
                const summary = await runPrune(sql, plan.before, {
                    stream,
                    onPages: (done, total) => progress.update({ done, total, unit: "pages" }),
                });
                return {
                    lines: formatSummary(summary),
                    json: { dryRun: false, before: plan.before, ...summary },
                };
            },
            { mayMigrate: true, sessionsFor: "the lock that lets one prune work at a time" },
        ).finally(() => progress.end());
    },
});

if (import.meta.main) await runCommand(command);

function readAge(text: unknown): number {
    if (typeof text !== "string") {
        throw refuse(
            "missing_option",
            "The age is missing; nothing was changed.",
            "Give --older-than, such as --older-than 90d.",
        );
    }
    const age = parseAge(text);
    if ("value" in age) return age.value;
    throw refuse("bad_flag_value", `--older-than "${sanitize(text, { most: 60 })}" ${age.problem}`, age.remedy);
}
