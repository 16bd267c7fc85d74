import { Argument, Option } from "commander";
import { drizzle } from "drizzle-orm/postgres-js";
import { runCommand } from "../src/commands/command.ts";
import { databaseCommand } from "../src/commands/database-command.ts";
import { formatBatchDetail, formatBatches } from "../src/commands/listing/format-batches.ts";
import { choiceOption, listPage, pageOptions } from "../src/commands/listing/list-page.ts";
import { refuse } from "../src/commands/refuse.ts";
import { chooseStream, streamOption } from "../src/commands/streams/choose-stream.ts";
import * as schema from "../src/database/schema.ts";
import { commandHere, program } from "../src/environment.ts";
import { exitCodes } from "../src/errors.ts";
import { readBatch, readBatchFiles, selectBatches } from "../src/server/api/batches/read-batches.ts";

export const command = databaseCommand({
    name: "batches",
    summary: "Lists the batches, newest first, or shows one batch and what it did to each file.",
    description: "In each line: read is the sum of the outcomes beside it.",
    arguments: [new Argument("[batch]", "a batch's id")],
    options: [
        choiceOption("--kind <kind>", "only batches of this kind", schema.batchKinds),
        new Option("--with-rejects", "only batches that rejected something, or found conflicts"),
        streamOption(),
        ...pageOptions("batches"),
    ],
    examples: [
        [`${program} batches`, "the newest 20"],
        [`${program} batches --with-rejects --json`, "those with something to look at, for programs"],
        [`${program} batches 7`, "one batch, file by file"],
    ],
    async run({ flags, args: [wanted], inDatabase }) {
        return await inDatabase(async (sql) => {
            const db = drizzle(sql, { schema });
            if (wanted === undefined) {
                const streamId = (await chooseStream(sql, flags))?.streamId;
                const filters = { kind: flags.kind as never, withRejects: flags.withRejects === true, streamId };
                return await listPage(flags, {
                    what: "batches",
                    select: (page) => selectBatches(db, { ...page, ...filters }),
                    idOf: ({ batchId }) => batchId,
                    format: formatBatches,
                });
            }
            const batch = /^\d{1,15}$/.test(wanted) ? await readBatch(db, Number(wanted)) : undefined;
            if (!batch) {
                const remedy = `${commandHere("batches")} lists all of them.`;
                throw refuse("batch_unknown", `There is no batch ${wanted}.`, remedy, exitCodes.failed);
            }
            const files = await readBatchFiles(db, batch.batchId);
            return { lines: formatBatchDetail(batch, files), json: { ...batch, ...files } };
        });
    },
});

if (import.meta.main) await runCommand(command);
