import { Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { withDatabase } from "../src/commands/with-database.ts";
import { configOptions, databaseFields, loadConfig } from "../src/config/config.ts";
import { exitCodes, SluiceError } from "../src/errors.ts";
import { retryFiles } from "../src/operations/retry-files.ts";
import { formatCount } from "../src/terminal/format.ts";
import { sanitize } from "../src/terminal/sanitize.ts";

await runCommand({
    name: "retry",
    summary: "Takes failed files up again: those that were given up, and those that wait for their next attempt.",
    description:
        "A file that cannot be read is tried twelve times, with growing pauses, then no more; one whose content is at fault\n" +
        "waits until it changes. This is for when the cause is gone and the file looks the same. The ingest does the rest.",
    options: [
        new Option("--file <path>", "this file, as the watched folder names it"),
        new Option("--all", "every failed file").conflicts("file"),
        ...configOptions("json", ...databaseFields),
    ],
    examples: [
        ["bun run retry --file events_7.csv", "after its permissions were corrected"],
        ["bun run retry --all", "after a mount came back"],
    ],
    async run({ flags }) {
        const config = await loadConfig([...databaseFields, "json"], flags);
        const path = typeof flags.file === "string" ? flags.file : null;
        if (path === null && flags.all !== true) throw nothingNamed();
        const retried = await withDatabase(config, { applicationName: "sluice retry", mayMigrate: true }, (sql) =>
            retryFiles(sql, path),
        );
        if (config.json) {
            process.stdout.write(`${JSON.stringify({ files: retried })}\n`);
            return exitCodes.done;
        }
        for (const file of retried) {
            const reason = sanitize(file.problemDetail ?? file.problem ?? "", { most: 200 });
            process.stdout.write(`${sanitize(file.path, { most: 100 })}  is tried again. It had failed: ${reason}\n`);
        }
        process.stdout.write(
            retried.length === 0
                ? "No file has failed.\n"
                : `${formatCount(retried.length, "file")}: a running ingest takes them now, else the next one does.\n`,
        );
        return exitCodes.done;
    },
});

function nothingNamed(): SluiceError {
    return new SluiceError({
        code: "missing_option",
        what: "Neither --file nor --all was given; nothing was changed.",
        remedy: "Name a failed file (`bun run files --state failed` lists them), or give --all.",
        exitCode: exitCodes.usage,
    });
}
