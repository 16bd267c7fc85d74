import { Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { formatPlan } from "../src/commands/format-reset-plan.ts";
import { withDatabase } from "../src/commands/with-database.ts";
import { configOptions, databaseFields, loadConfig } from "../src/config/config.ts";
import { exitCodes } from "../src/errors.ts";
import { deleteFiles, listInputFiles, measureFiles } from "../src/operations/delete-input-files.ts";
import { planReset, resetDatabase } from "../src/operations/reset-database.ts";
import { askYesOrNo, requireTerminal } from "../src/terminal/ask.ts";
import { formatJson } from "../src/terminal/json.ts";

await runCommand({
    name: "reset",
    summary: "Forgets everything that was ingested: events, rejects, ledger and rollups, all or nothing.",
    description: "Shows what will go and asks. Refuses while an ingest is running.",
    options: [
        new Option("--yes", "do not ask"),
        new Option("--delete-files", "also delete the regular *.csv files in the input folder"),
        ...configOptions("inputDir", "json", ...databaseFields),
    ],
    examples: [
        ["bun run reset", "show what will go, then ask"],
        ["bun run reset --yes", "for scripts; the files stay and will be read again"],
        ["bun run reset --yes --delete-files", "start from an empty folder"],
    ],
    async run({ flags }) {
        const config = await loadConfig([...databaseFields, "inputDir", "json"], flags);
        if (flags.yes !== true) requireTerminal("A reset");
        return await withDatabase(config, { applicationName: "sluice reset", mayMigrate: true }, async (sql) => {
            const files = flags.deleteFiles === true ? await listInputFiles(config.inputDir) : [];
            const fileBytes = await measureFiles(config.inputDir, files);
            const plan = await planReset(sql);
            const shown = formatPlan(plan, { ...config, fileCount: files.length, fileBytes }).join("\n");
            // With --json stdout holds the object that says what has gone, once it has.
            (config.json ? process.stderr : process.stdout).write(`${shown}\n`);
            if (flags.yes !== true && !(await askYesOrNo("Go on?"))) {
                process.stderr.write("Nothing was changed.\n");
                return exitCodes.failed;
            }
            await resetDatabase(sql);
            await deleteFiles(config.inputDir, files);
            process.stdout.write(config.json ? `${formatJson({ ...plan, deletedFiles: files })}\n` : "Done.\n");
            return exitCodes.done;
        });
    },
});
