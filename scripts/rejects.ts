import { Option } from "commander";
import { drizzle } from "drizzle-orm/postgres-js";
import { runCommand } from "../src/commands/command.ts";
import { databaseCommand } from "../src/commands/database-command.ts";
import { formatReasons, formatRejects } from "../src/commands/listing/format-rejects.ts";
import { choiceOption, listPage, pageOptions } from "../src/commands/listing/list-page.ts";
import { refuse } from "../src/commands/refuse.ts";
import { chooseStream, streamOption } from "../src/commands/streams/choose-stream.ts";
import type { Sql } from "../src/database/connect.ts";
import * as schema from "../src/database/schema.ts";
import { program } from "../src/environment.ts";
import { readHeaders } from "../src/operations/read-headers.ts";
import { remedyForReason } from "../src/operations/streams/known-reasons.ts";
import { type KnownStream, readStreams } from "../src/operations/streams/read-streams.ts";
import { readRejectSummary, selectRejects } from "../src/server/api/rejects/read-rejects.ts";
import { eventsStream } from "../src/shop/events-stream.ts";

export const command = databaseCommand({
    name: "rejects",
    summary: "Lists rejected and conflicting records, newest first, and counts their reasons.",
    description: `\`${program} contract NAME\` explains the reasons of a stream.`,
    options: [
        choiceOption("--kind <kind>", "only rejects of this kind", schema.rejectKinds),
        new Option("--reason <code>", `only those with this reason: \`${program} contract NAME\` lists a stream's`),
        new Option("--file <path>", "only those of this file: its path in the watched folder, or its id"),
        streamOption(),
        new Option("--all", "also rejects that a replay has resolved"),
        ...pageOptions("rejects"),
    ],
    examples: [
        [`${program} rejects`, "the newest 20 that are not resolved, and all reasons counted"],
        [`${program} rejects --file events_7.csv --limit 100`, "those of one file"],
        [`${program} rejects --reason price_invalid --json`, "for programs"],
    ],
    async run({ flags, inDatabase }) {
        const filters = {
            kind: flags.kind as never,
            reason: flags.reason as string | undefined,
            file: flags.file as string | undefined,
            open: flags.all === true ? undefined : true,
        };
        return await inDatabase(async (sql) => {
            const stream = await chooseStream(sql, flags);
            await refuseUnknownReason(sql, filters.reason, stream);
            const db = drizzle(sql, { schema });
            const { lines, json } = await listPage(flags, {
                what: "rejects",
                select: (page) => selectRejects(db, { ...page, ...filters, streamId: stream?.streamId }),
                idOf: ({ rejectId }) => rejectId,
                format: async (rejects) =>
                    formatRejects(
                        rejects,
                        await readHeaders(
                            sql,
                            rejects.map(({ fileId }) => fileId),
                        ),
                    ),
            });
            const summary = await readRejectSummary(db, stream?.streamId);
            const reasons = formatReasons(summary);
            return { lines: [...lines, ...(reasons.length > 0 ? ["", ...reasons] : [])], json: { ...json, summary } };
        });
    },
});

if (import.meta.main) await runCommand(command);

/** @throws SluiceError reason_unknown */
async function refuseUnknownReason(sql: Sql, reason: string | undefined, stream: KnownStream | null): Promise<void> {
    if (reason === undefined) return;
    const streams = stream === null ? await readStreams(sql) : [stream];
    const remedy = await remedyForReason(sql, { reason, streams, builtIn: eventsStream });
    if (remedy !== null) throw refuse("reason_unknown", `There is no reason ${reason}.`, remedy);
}
