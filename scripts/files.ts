import { Argument, Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { formatFileDetail, formatFiles } from "../src/commands/listing/format-files.ts";
import {
    choiceOption,
    describeNext,
    pageOptions,
    readerOf,
    readPage,
    toListing,
} from "../src/commands/listing/listing-flags.ts";
import { withDatabase } from "../src/commands/with-database.ts";
import { type Config, configOptions, databaseFields, loadConfig } from "../src/config/config.ts";
import type { Sql } from "../src/database/connect.ts";
import { fileStates } from "../src/database/schema.ts";
import { exitCodes, SluiceError } from "../src/errors.ts";
import { forgetFile } from "../src/operations/forget-file.ts";
import { readFile, selectFiles } from "../src/server/api/files/read-files.ts";
import { formatCount } from "../src/terminal/format.ts";
import { formatJson } from "../src/terminal/json.ts";
import { sanitize } from "../src/terminal/sanitize.ts";

const print = (lines: string[]) => process.stdout.write(`${lines.join("\n")}\n`);

await runCommand({
    name: "files",
    summary: "Lists the files of the ledger, the newest first; or shows one, and what became of its records.",
    arguments: [new Argument("[file]", "a file's id, or its path in the watched folder: the newest version of it")],
    options: [
        choiceOption("--state <state>", "only files in this state", fileStates),
        new Option("--path <path>", "only versions of this path"),
        new Option("--forget", "forget the file: it has failed, and is gone from the folder"),
        new Option("--yes", "with --forget: even if part of it got in"),
        ...pageOptions("files"),
        ...configOptions("json", "inputDir", ...databaseFields),
    ],
    examples: [
        ["bun run files", "the newest 20"],
        ["bun run files --state failed", "what failed, and why"],
        ["bun run files events_7.csv", "one file: its records, chunks and problem"],
        ["bun run files --forget events_7.csv", "it failed, and will not come back: failed no longer"],
    ],
    async run({ flags, args }) {
        const config = await loadConfig([...databaseFields, "json", "inputDir"], flags);
        const [wanted] = args;
        if (flags.forget === true) return await forget(config, wanted, flags.yes === true);
        return await withDatabase(config, { applicationName: "sluice files" }, async (sql) => {
            const db = readerOf(sql);
            if (wanted !== undefined) {
                const fileId = await findFile(sql, wanted);
                const file = fileId === null ? undefined : await readFile(db, fileId);
                if (!file) throw fileUnknown(wanted);
                print(config.json ? [formatJson(file)] : formatFileDetail(file));
                return exitCodes.done;
            }
            const page = readPage(flags);
            const query = { ...page, state: flags.state as never, path: flags.path as string | undefined };
            const listing = toListing(await selectFiles(db, query), page.limit, ({ fileId }) => fileId);
            const lines = [...formatFiles(listing.data), ...describeNext(listing)];
            print(config.json ? [formatJson(listing)] : lines);
            return exitCodes.done;
        });
    },
});

async function forget(
    config: Pick<Config, (typeof databaseFields)[number] | "json" | "inputDir">,
    wanted: string | undefined,
    evenPartly: boolean,
): Promise<number> {
    if (wanted === undefined) throw nothingNamed();
    return await withDatabase(config, { applicationName: "sluice files", mayMigrate: true }, async (sql) => {
        const fileId = await findFile(sql, wanted);
        if (fileId === null) throw fileUnknown(wanted);
        const { inputDir } = config;
        const forgotten = await forgetFile(sql, fileId, { inputDir, evenPartly });
        const { path, problem, mergedRecords } = forgotten;
        const stays = mergedRecords > 0 ? ` What got in stays: ${formatCount(mergedRecords, "record")}.` : "";
        const said = `${sanitize(path, { most: 100 })}  is forgotten (${problem}).${stays} If it comes back it is read anew.`;
        print([config.json ? formatJson(forgotten) : said]);
        return exitCodes.done;
    });
}

function nothingNamed(): SluiceError {
    return new SluiceError({
        code: "missing_argument",
        what: "--forget names no file; nothing was changed.",
        from: "the command line",
        remedy: "Name a failed file: `bun run files --state failed` lists them.",
        exitCode: exitCodes.usage,
    });
}

/** A path that is all digits is one too: the id is tried first. */
async function findFile(sql: Sql, wanted: string): Promise<number | null> {
    const [row] = await sql<{ fileId: number }[]>`
        select file_id as "fileId"
        from ingest.files
        where file_id::text = ${wanted} or path = ${wanted}
        order by file_id::text = ${wanted} desc, version desc
        limit 1`;
    return row?.fileId ?? null;
}

function fileUnknown(wanted: string): SluiceError {
    return new SluiceError({
        code: "file_unknown",
        what: `The ledger has no file ${wanted}.`,
        from: "the command line",
        remedy: "bun run files lists those there are; a path is relative to the watched folder.",
    });
}
