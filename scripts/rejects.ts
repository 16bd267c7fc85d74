import { Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { formatReasons, formatRejects } from "../src/commands/listing/format-rejects.ts";
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
import { rejectKinds } from "../src/database/schema.ts";
import { readRejectSummary, selectRejects } from "../src/server/api/rejects/read-rejects.ts";
import { eventsStream } from "../src/shop/events-stream.ts";
import { rejectReasonsOf } from "../src/streams/reject-reasons.ts";
import { formatJson } from "../src/terminal/json.ts";

await runCommand({
    name: "rejects",
    summary: "Lists records that were rejected or are in conflict, the newest first, and counts their reasons.",
    description: "docs/data_contract.md says of each reason what it means and what to do.",
    options: [
        choiceOption("--kind <kind>", "only these", rejectKinds),
        choiceOption("--reason <code>", "only those with this reason", rejectReasonsOf(eventsStream)),
        new Option("--file <path>", "only those of this file: its path in the watched folder, or its id"),
        new Option("--all", "also those that a replay has resolved"),
        ...pageOptions("rejects"),
        ...configOptions("json", ...databaseFields),
    ],
    examples: [
        ["bun run rejects", "the newest 20 that stand, and all reasons counted"],
        ["bun run rejects --file events_7.csv --limit 100", "of one file"],
        ["bun run rejects --reason price_invalid --json", "for programs"],
    ],
    async run({ flags }) {
        const config = await loadConfig([...databaseFields, "json"], flags);
        const page = readPage(flags);
        const query = {
            ...page,
            kind: flags.kind as never,
            reason: flags.reason as string | undefined,
            file: flags.file as string | undefined,
            open: flags.all === true ? undefined : true,
        };
        const { listing, summary } = await withDatabase(config, { applicationName: "sluice rejects" }, async (sql) => {
            const db = readerOf(sql);
            const rows = await selectRejects(db, query);
            return {
                listing: toListing(rows, page.limit, ({ rejectId }) => rejectId),
                summary: await readRejectSummary(db),
            };
        });
        const reasons = formatReasons(summary);
        const lines = [
            ...formatRejects(listing.data),
            ...describeNext(listing),
            ...(reasons.length > 0 ? ["", ...reasons] : []),
        ];
        process.stdout.write(`${config.json ? formatJson({ ...listing, summary }) : lines.join("\n")}\n`);
        return undefined;
    },
});
