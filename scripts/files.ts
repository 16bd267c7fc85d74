import { Argument, Option } from "commander";
import { fileStates, readFile, selectFiles } from "../src/api/files/read-files.ts";
import { configOptions, databaseFields, loadConfig } from "../src/config.ts";
import type { Sql } from "../src/database/connect.ts";
import { exitCodes, SluiceError } from "../src/errors.ts";
import { formatFileDetail, formatFiles } from "../src/listing/format-files.ts";
import {
    choiceOption,
    describeNext,
    pageOptions,
    readerOf,
    readPage,
    toListing,
} from "../src/listing/listing-flags.ts";
import { runCommand } from "../src/terminal/command.ts";
import { formatJson } from "../src/terminal/json.ts";
import { withDatabase } from "../src/terminal/with-database.ts";

const print = (lines: string[]) => process.stdout.write(`${lines.join("\n")}\n`);

await runCommand({
    name: "files",
    summary: "Lists the files of the ledger, the newest first; or shows one, and what became of its records.",
    arguments: [new Argument("[file]", "a file's id, or its path in the watched folder: the newest version of it")],
    options: [
        choiceOption("--state <state>", "only files in this state", fileStates),
        new Option("--path <path>", "only versions of this path"),
        ...pageOptions("files"),
        ...configOptions("json", ...databaseFields),
    ],
    examples: [
        ["bun run files", "the newest 20"],
        ["bun run files --state failed", "what failed, and why"],
        ["bun run files events_7.csv", "one file: its records, chunks and problem"],
    ],
    async run({ flags, args }) {
        const config = await loadConfig([...databaseFields, "json"], flags);
        const [wanted] = args;
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
