import { Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { databaseCommand } from "../src/commands/database-command.ts";
import { refuse } from "../src/commands/refuse.ts";
import { chooseStream, streamOption } from "../src/commands/streams/choose-stream.ts";
import { commandHere, program } from "../src/environment.ts";
import { retryFiles } from "../src/operations/retry-files.ts";
import { formatCount } from "../src/terminal/format.ts";
import { sanitize } from "../src/terminal/sanitize.ts";

export const command = databaseCommand({
    name: "retry",
    summary: "Tries failed files again, including those that were given up.",
    description:
        "Sluice tries a file that it cannot read twelve times, with growing pauses, and then gives up; a file with bad content waits until it changes. Use this when the cause is gone and the file looks the same. The ingest does the rest.",
    options: [
        new Option("--file <path>", "this file, as the watched folder names it"),
        new Option("--all", "every failed file").conflicts("file"),
        new Option(
            "--allow-removal",
            "with --file: this snapshot, as it is now, may remove more rows than its stream allows",
        ).conflicts("all"),
        streamOption(),
    ],
    examples: [
        [`${program} retry --file events_7.csv`, "after its permissions were corrected"],
        [`${program} retry --file products.csv --allow-removal`, "a snapshot that rightly removes many rows"],
        [`${program} retry --all`, "after a mount came back"],
        [`${program} retry --all --stream orders`, "of one stream"],
    ],
    async run({ flags, inDatabase }) {
        const path = typeof flags.file === "string" ? flags.file : null;
        if (path === null && flags.all !== true) {
            throw refuse(
                "missing_option",
                "Neither --file nor --all was given; nothing was changed.",
                `Name a failed file (\`${commandHere("files")} --state failed\` lists them), or give --all.`,
            );
        }
        const files = await inDatabase(
            async (sql) => {
                const streamId = (await chooseStream(sql, flags))?.streamId ?? null;
                return await retryFiles(sql, path, streamId, { allowsRemoval: flags.allowRemoval === true });
            },
            { mayMigrate: true },
        );
        const lines = files.map((file) => {
            const reason = sanitize(file.problemDetail ?? file.problem ?? "", { most: 200 });
            return `${sanitize(file.path, { most: 100 })}  will be tried again. It failed: ${reason}`;
        });
        const summary =
            files.length === 0
                ? "No file has failed."
                : `${formatCount(files.length, "file")}: a running ingest takes them now, or the next one does.`;
        return { lines: [...lines, summary], json: { files }, indent: 0 };
    },
});

if (import.meta.main) await runCommand(command);
