import { Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { databaseCommand } from "../src/commands/database-command.ts";
import { formatKept, formatPlan } from "../src/commands/format-reset-plan.ts";
import { refuse } from "../src/commands/refuse.ts";
import { chooseStream, streamOption } from "../src/commands/streams/choose-stream.ts";
import { refuseBucketAsFolder } from "../src/engine/input-folder.ts";
import { readDeferredIndexes } from "../src/engine/ledger/deferred-indexes.ts";
import { program } from "../src/environment.ts";
import { exitCodes } from "../src/errors.ts";
import { deleteFiles, listInputFiles, measureFiles } from "../src/operations/delete-input-files.ts";
import { planReset, resetDatabase } from "../src/operations/reset-database.ts";
import { describeDeferred } from "../src/operations/status/describe-deferred.ts";
import { askYesOrNo, requireTerminal } from "../src/terminal/ask.ts";

export const command = databaseCommand({
    name: "reset",
    summary:
        "Deletes what was ingested, by all streams or by one: rows in tables that Sluice made, rejects, ledger and rollups, all or nothing.",
    description:
        "Shows what it will delete and asks. Refuses while an ingest is running. A table that Sluice did not make keeps its rows.",
    options: [
        streamOption(),
        new Option("--yes", "do not ask"),
        new Option("--delete-files", "also delete the regular *.csv files in the input folder"),
    ],
    fields: ["inputDir"],
    examples: [
        [`${program} reset`, "show what it will delete, then ask"],
        [`${program} reset --yes`, "for scripts; the files stay and will be read again"],
        [`${program} reset --stream orders`, "of one stream; others may be at work meanwhile"],
        [`${program} reset --yes --delete-files`, "start from an empty folder"],
    ],
    async run({ flags, config, inDatabase }) {
        const mustAsk = flags.yes !== true;
        if (mustAsk) requireTerminal("A reset");
        if (flags.deleteFiles === true && flags.stream !== undefined) {
            throw refuse(
                "bad_flag_value",
                "--delete-files deletes the files of every stream; nothing was changed.",
                "Leave it out with --stream, and delete the files of that stream yourself.",
            );
        }
        if (flags.deleteFiles === true) {
            refuseBucketAsFolder(config.inputDir, "--delete-files", "Leave it out, and delete the objects yourself.");
        }
        const files = flags.deleteFiles === true ? await listInputFiles(config.inputDir) : [];
        const fileBytes = await measureFiles(config.inputDir, files);
        return await inDatabase(
            async (sql) => {
                const stream = await chooseStream(sql, flags);
                const plan = await planReset(sql, stream);
                const shown = formatPlan(plan, { ...config, fileCount: files.length, fileBytes }).join("\n");
                // With --json, stdout is for the object that says what has gone.
                (config.json ? process.stderr : process.stdout).write(`${shown}\n`);
                if (mustAsk && !(await askYesOrNo("Go on?"))) {
                    process.stderr.write("Nothing was changed.\n");
                    return exitCodes.failed;
                }
                await resetDatabase(sql, stream?.streamId);
                await deleteFiles(config.inputDir, files);
                const deferred = describeDeferred(await readDeferredIndexes(sql, stream?.streamId ?? null));
                const later = deferred === null ? [] : [`${deferred}. The next ingest makes them.`];
                return { lines: ["Done.", ...formatKept(plan.kept), ...later], json: { ...plan, deletedFiles: files } };
            },
            { mayMigrate: true },
        );
    },
});

if (import.meta.main) await runCommand(command);
