import { Argument, Option } from "commander";
import { drizzle } from "drizzle-orm/postgres-js";
import { runCommand } from "../src/commands/command.ts";
import { databaseCommand } from "../src/commands/database-command.ts";
import { formatFileDetail, formatFiles } from "../src/commands/listing/format-files.ts";
import { choiceOption, listPage, pageOptions } from "../src/commands/listing/list-page.ts";
import { refuse } from "../src/commands/refuse.ts";
import { chooseStream, streamOption } from "../src/commands/streams/choose-stream.ts";
import type { Sql } from "../src/database/connect.ts";
import * as schema from "../src/database/schema.ts";
import { commandHere, program } from "../src/environment.ts";
import { exitCodes } from "../src/errors.ts";
import { type ForgottenFile, forgetFile } from "../src/operations/forget-file.ts";
import { readFile, selectFiles } from "../src/server/api/files/read-files.ts";
import { formatCount } from "../src/terminal/format.ts";
import { sanitize } from "../src/terminal/sanitize.ts";

export const command = databaseCommand({
    name: "files",
    summary: "Lists the files in the ledger, newest first, or shows one file and what became of its records.",
    arguments: [new Argument("[file]", "a file's id, or its path in the watched folder: the newest version of it")],
    options: [
        choiceOption("--state <state>", "only files in this state", schema.fileStates),
        new Option("--path <path>", "only versions of this path"),
        streamOption(),
        new Option("--forget", "forget a file that failed and is gone from the folder"),
        new Option("--yes", "with --forget: even if part of it got in"),
        ...pageOptions("files"),
    ],
    fields: ["inputDir"],
    examples: [
        [`${program} files`, "the newest 20"],
        [`${program} files --state failed`, "what failed, and why"],
        [`${program} files --stream orders`, "those of one stream"],
        [`${program} files events_7.csv`, "one file: its records, chunks and problem"],
        [`${program} files --forget events_7.csv`, "it failed and will not come back: stop counting it"],
    ],
    async run({ flags, args: [wanted], config: { inputDir }, inDatabase }) {
        const mustForget = flags.forget === true;
        if (mustForget && wanted === undefined) {
            const remedy = `Name a failed file: \`${commandHere("files")} --state failed\` lists them.`;
            throw refuse("missing_argument", "--forget names no file; nothing was changed.", remedy);
        }
        return await inDatabase(
            async (sql) => {
                const streamId = (await chooseStream(sql, flags))?.streamId;
                if (wanted === undefined) {
                    const filters = { state: flags.state as never, path: flags.path as string | undefined, streamId };
                    return await listPage(flags, {
                        what: "files",
                        select: (page) => selectFiles(drizzle(sql, { schema }), { ...page, ...filters }),
                        idOf: ({ fileId }) => fileId,
                        format: formatFiles,
                    });
                }
                const fileId = await findFile(sql, wanted, streamId ?? null);
                if (mustForget) {
                    const forgotten = await forgetFile(sql, fileId, { inputDir, evenPartly: flags.yes === true });
                    return { lines: [describeForgotten(forgotten)], json: forgotten };
                }
                const file = (await readFile(drizzle(sql, { schema }), fileId)) ?? refuseUnknown(wanted);
                return { lines: formatFileDetail(file), json: file };
            },
            { mayMigrate: mustForget },
        );
    },
});

if (import.meta.main) await runCommand(command);

/** A path may be all digits: the id is tried first. @throws SluiceError file_unknown */
async function findFile(sql: Sql, wanted: string, streamId: number | null): Promise<number> {
    const [row] = await sql<{ fileId: number }[]>`
        select file_id as "fileId"
        from ingest.files
        where
            (file_id::text = ${wanted} or path = ${wanted})
            and (${streamId}::smallint is null or stream_id = ${streamId}::smallint)
        order by file_id::text = ${wanted} desc, version desc
        limit 1`;
    return row?.fileId ?? refuseUnknown(wanted);
}

function refuseUnknown(wanted: string): never {
    const remedy = `${commandHere("files")} lists all of them; a path is relative to the watched folder.`;
    throw refuse("file_unknown", `The ledger has no file ${wanted}.`, remedy, exitCodes.failed);
}

function describeForgotten({ path, problem, mergedRecords }: ForgottenFile): string {
    const stays = mergedRecords > 0 ? ` What got in stays: ${formatCount(mergedRecords, "record")}.` : "";
    return `${sanitize(path, { most: 100 })}  is forgotten (${problem}).${stays} If it comes back, it is read as a new file.`;
}
