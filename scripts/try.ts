import { Argument } from "commander";
import { runDatabaseCommand } from "../src/commands/database-command.ts";
import { formatAllTried } from "../src/commands/format-tried.ts";
import { isDrawable } from "../src/environment.ts";
import { exitCodes } from "../src/errors.ts";
import { requireFiles } from "../src/operations/try/require-files.ts";
import { tryFiles } from "../src/operations/try/try-files.ts";
import { eventsStream } from "../src/shop/events-stream.ts";
import { createProgress } from "../src/terminal/progress.ts";

await runDatabaseCommand({
    name: "try",
    summary: "Says what an ingest of these files would do now, by doing it and undoing it.",
    description:
        "The real load, validation and dedupe against the real table. Leaves nothing behind, killed or not.\n" +
        "Exits with 1 when a file would fail.",
    arguments: [new Argument("<files...>", "CSV files, wherever they are")],
    fields: [
        "maxRecordBytes",
        "maxChunkBytes",
        "maxRejects",
        "maxExpandedBytes",
        "maxExpansionRatio",
        "tailSettleMs",
        "configFile",
    ],
    stream: eventsStream,
    examples: [
        ["bun run try incoming/events_7.csv", "what would be inserted, duplicate, in conflict, rejected, and why"],
        ["bun run try --json a.csv b.csv", "two files as one ingest, for programs"],
    ],
    async run({ args, config, inDatabase }) {
        requireFiles(args);
        const progress = createProgress({ label: "try", isDrawable: isDrawable() });
        const onStep = (done: number, total: number) => progress.update({ done, total, unit: "steps" });
        const tried = await inDatabase(
            (_, { target }) => tryFiles({ target, stream: eventsStream, config, files: args, onStep }),
            { mayMigrate: true },
        ).finally(() => progress.end());
        const wouldFail = tried.some(({ problem }) => problem !== null);
        return {
            lines: formatAllTried(tried),
            json: tried,
            exitCode: wouldFail ? exitCodes.failed : exitCodes.done,
        };
    },
});
