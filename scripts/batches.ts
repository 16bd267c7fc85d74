import { Argument, Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { formatBatchDetail, formatBatches } from "../src/commands/listing/format-batches.ts";
import {
    choiceOption,
    describeNext,
    pageOptions,
    readerOf,
    readPage,
    toListing,
} from "../src/commands/listing/listing-flags.ts";
import { withDatabase } from "../src/commands/with-database.ts";
import { configOptions, databaseFields, loadConfig } from "../src/config/config.ts";
import { batchKinds } from "../src/database/schema.ts";
import { exitCodes, SluiceError } from "../src/errors.ts";
import { readBatch, readBatchFiles, selectBatches } from "../src/server/api/batches/read-batches.ts";
import { formatJson } from "../src/terminal/json.ts";

const print = (lines: string[]) => process.stdout.write(`${lines.join("\n")}\n`);

await runCommand({
    name: "batches",
    summary: "Lists the batches, the newest first; or shows one, and what it did to each file.",
    description: "Of each: read = inserted + duplicate + conflict + rejected.",
    arguments: [new Argument("[batch]", "a batch's id")],
    options: [
        choiceOption("--kind <kind>", "only batches of this kind", batchKinds),
        new Option("--with-rejects", "only batches that rejected something, or found conflicts"),
        ...pageOptions("batches"),
        ...configOptions("json", ...databaseFields),
    ],
    examples: [
        ["bun run batches", "the newest 20"],
        ["bun run batches --with-rejects --json", "those with something to look at, for programs"],
        ["bun run batches 7", "one batch, file by file"],
    ],
    async run({ flags, args }) {
        const config = await loadConfig([...databaseFields, "json"], flags);
        const [wanted] = args;
        return await withDatabase(config, { applicationName: "sluice batches" }, async (sql) => {
            const db = readerOf(sql);
            if (wanted !== undefined) {
                const batch = /^\d{1,15}$/.test(wanted) ? await readBatch(db, Number(wanted)) : undefined;
                if (!batch) throw batchUnknown(wanted);
                const files = await readBatchFiles(db, batch.batchId);
                print(config.json ? [formatJson({ ...batch, ...files })] : formatBatchDetail(batch, files));
                return exitCodes.done;
            }
            const page = readPage(flags);
            const query = { ...page, kind: flags.kind as never, withRejects: flags.withRejects === true };
            const listing = toListing(await selectBatches(db, query), page.limit, ({ batchId }) => batchId);
            const lines = [...formatBatches(listing.data), ...describeNext(listing)];
            print(config.json ? [formatJson(listing)] : lines);
            return exitCodes.done;
        });
    },
});

function batchUnknown(wanted: string): SluiceError {
    return new SluiceError({
        code: "batch_unknown",
        what: `There is no batch ${wanted}.`,
        from: "the command line",
        remedy: "bun run batches lists those there are.",
    });
}
