import { Option } from "commander";
import { drizzle } from "drizzle-orm/postgres-js";
import { runDatabaseCommand } from "../src/commands/database-command.ts";
import { formatReasons, formatRejects } from "../src/commands/listing/format-rejects.ts";
import { choiceOption, listPage, pageOptions } from "../src/commands/listing/list-page.ts";
import * as schema from "../src/database/schema.ts";
import { readRejectSummary, selectRejects } from "../src/server/api/rejects/read-rejects.ts";
import { eventsStream } from "../src/shop/events-stream.ts";
import { rejectReasonsOf } from "../src/streams/reject-reasons.ts";

await runDatabaseCommand({
    name: "rejects",
    summary: "Lists records that were rejected or are in conflict, the newest first, and counts their reasons.",
    description: "docs/data_contract.md says of each reason what it means and what to do.",
    options: [
        choiceOption("--kind <kind>", "only these", schema.rejectKinds),
        choiceOption("--reason <code>", "only those with this reason", rejectReasonsOf(eventsStream)),
        new Option("--file <path>", "only those of this file: its path in the watched folder, or its id"),
        new Option("--all", "also those that a replay has resolved"),
        ...pageOptions("rejects"),
    ],
    examples: [
        ["bun run rejects", "the newest 20 that stand, and all reasons counted"],
        ["bun run rejects --file events_7.csv --limit 100", "of one file"],
        ["bun run rejects --reason price_invalid --json", "for programs"],
    ],
    async run({ flags, inDatabase }) {
        const filters = {
            kind: flags.kind as never,
            reason: flags.reason as string | undefined,
            file: flags.file as string | undefined,
            open: flags.all === true ? undefined : true,
        };
        return await inDatabase(async (sql) => {
            const db = drizzle(sql, { schema });
            const { lines, json } = await listPage(flags, {
                select: (page) => selectRejects(db, { ...page, ...filters }),
                idOf: ({ rejectId }) => rejectId,
                format: formatRejects,
            });
            const summary = await readRejectSummary(db);
            const reasons = formatReasons(summary);
            return { lines: [...lines, ...(reasons.length > 0 ? ["", ...reasons] : [])], json: { ...json, summary } };
        });
    },
});
