import { Argument, Option } from "commander";
import { chooseTried } from "../src/commands/choose-tried.ts";
import { runCommand } from "../src/commands/command.ts";
import { databaseCommand } from "../src/commands/database-command.ts";
import { formatAllTried } from "../src/commands/format-tried.ts";
import { logToStderr } from "../src/commands/log.ts";
import { isDrawable, program } from "../src/environment.ts";
import { exitCodes } from "../src/errors.ts";
import { openNamed, requireFiles } from "../src/operations/try/require-files.ts";
import { type TriedFile, tryFiles } from "../src/operations/try/try-files.ts";
import { eventsStream } from "../src/shop/events-stream.ts";
import { createProgress } from "../src/terminal/progress.ts";

export const command = databaseCommand({
    name: "try",
    summary: "Shows what an ingest of these files would do now, by doing it and rolling it back.",
    description:
        "It runs the real load, validation and deduplication against the real table and leaves nothing behind, even if it is killed; numbers drawn from a sequence stay used, as after any insert that is rolled back. Exits with 1 if a file would fail.",
    arguments: [
        new Argument(
            "<files...>",
            "CSV files, wherever they are; objects as s3://bucket/key, files in archives as a.zip!/orders.csv",
        ),
    ],
    options: [
        new Option("--stream <name>", "for this stream (default: the one that takes the file)"),
        new Option("--table <name>", "for this table, with or without a stream").conflicts("stream"),
    ],
    fields: [
        "inputDir",
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
        [`${program} try incoming/events_7.csv`, "what would be inserted, duplicate, in conflict, rejected, and why"],
        [`${program} try s3://drops/in/orders_7.csv --stream orders`, "an object of a bucket"],
        [`${program} try lines.csv --table sales.lines`, "for a table without a declaration"],
        [`${program} try --json a.csv b.csv`, "two files as one ingest, for programs"],
    ],
    async run({ args: named, flags, config, inDatabase }) {
        const args = await openNamed(named);
        await requireFiles(args);
        const chosen = { stream: flags.stream as string | undefined, table: flags.table as string | undefined };
        const progress = createProgress({ label: "try", isDrawable: isDrawable() });
        const onStep = (done: number, total: number) => progress.update({ done, total, unit: "steps" });
        const tried = await inDatabase(
            async (_, { target }) => {
                const reports: TriedFile[] = [];
                for (const group of await chooseTried(target, eventsStream, chosen, args, config.inputDir)) {
                    const { stream, files, made } = group;
                    if (made !== null) logToStderr(made);
                    const sources = stream.source === null ? config.sources : [{ ...stream.source, match: "*" }];
                    reports.push(
                        ...(await tryFiles({ target, stream, config: { ...config, sources }, files, onStep })),
                    );
                }
                // As they were named.
                return args.map((file) => reports.find((report) => report.file === file)!);
            },
            { mayMigrate: true, sessionsFor: "the temporary table of a dry run" },
        ).finally(() => progress.end());
        const wouldFail = tried.some(({ problem }) => problem !== null);
        return {
            lines: formatAllTried(tried),
            json: tried,
            exitCode: wouldFail ? exitCodes.failed : exitCodes.done,
        };
    },
});

if (import.meta.main) await runCommand(command);
