import { Argument } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { formatAllTried } from "../src/commands/format-tried.ts";
import { withDatabase } from "../src/commands/with-database.ts";
import { configOptions, databaseFields, loadConfig } from "../src/config/config.ts";
import { isDrawable } from "../src/environment.ts";
import { exitCodes } from "../src/errors.ts";
import { requireFiles } from "../src/operations/try/require-files.ts";
import { tryFiles } from "../src/operations/try/try-files.ts";
import { eventsStream } from "../src/shop/events-stream.ts";
import { formatJson } from "../src/terminal/json.ts";
import { createProgress } from "../src/terminal/progress.ts";

const fields = [
    ...databaseFields,
    "maxRecordBytes",
    "maxChunkBytes",
    "maxRejects",
    "maxExpandedBytes",
    "maxExpansionRatio",
    "tailSettleMs",
    "configFile",
    "json",
] as const;

await runCommand({
    name: "try",
    summary: "Says what an ingest of these files would do now, by doing it and undoing it.",
    description:
        "The real load, validation and dedupe against the real table. Leaves nothing behind, killed or not.\n" +
        "Exits with 1 when a file would fail.",
    arguments: [new Argument("<files...>", "CSV files, wherever they are")],
    options: configOptions(...fields),
    examples: [
        ["bun run try incoming/events_7.csv", "what would be inserted, duplicate, in conflict, rejected, and why"],
        ["bun run try --json a.csv b.csv", "two files as one ingest, for programs"],
    ],
    async run({ flags, args }) {
        const config = await loadConfig(fields, flags, eventsStream);
        requireFiles(args);
        const progress = createProgress({ label: "try", isDrawable: isDrawable() });
        const tried = await withDatabase(
            config,
            { applicationName: "sluice try", mayMigrate: true },
            async (_, { target }) => {
                const onStep = (done: number, total: number) => progress.update({ done, total, unit: "steps" });
                return await tryFiles({ target, stream: eventsStream, config, files: args, onStep });
            },
        ).finally(() => progress.end());
        const lines = config.json ? [formatJson(tried)] : formatAllTried(tried);
        process.stdout.write(`${lines.join("\n")}\n`);
        return tried.some(({ problem }) => problem !== null) ? exitCodes.failed : exitCodes.done;
    },
});
