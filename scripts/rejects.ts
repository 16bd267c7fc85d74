import { Option } from "commander";
import { drizzle } from "drizzle-orm/postgres-js";
import { runCommand } from "../src/commands/command.ts";
import { databaseCommand } from "../src/commands/database-command.ts";
import { formatReasons, formatRejects } from "../src/commands/listing/format-rejects.ts";
import { listPage, pageOptions } from "../src/commands/listing/list-page.ts";
import { checkEdit, collectChanges, editMany, editOne, isOfOne } from "../src/commands/rejects/edit-rejects.ts";
import { filterOptions, readFilter } from "../src/commands/rejects/filter-options.ts";
import { formatReject, requireReject } from "../src/commands/rejects/show-reject.ts";
import { chooseStream } from "../src/commands/streams/choose-stream.ts";
import type { Flags } from "../src/config/config.ts";
import type { Sql } from "../src/database/connect.ts";
import * as schema from "../src/database/schema.ts";
import { program } from "../src/environment.ts";
import { readHeaders } from "../src/operations/read-headers.ts";
import { readStreams } from "../src/operations/streams/read-streams.ts";
import { readRejectSummary, selectRejects } from "../src/server/api/rejects/read-rejects.ts";
import { eventsStream } from "../src/shop/events-stream.ts";

export const command = databaseCommand({
    name: "rejects",
    summary: "Lists rejected and conflicting records, newest first, and counts their reasons; shows and edits them.",
    description: `With one --id it shows a reject beside the stored row, with \`≠\` where they differ. --set changes values for the next replay; those of the file are kept. \`${program} contract NAME\` explains the reasons of a stream.`,
    options: [
        ...filterOptions(),
        new Option("--all", "also rejects that a replay has resolved"),
        ...pageOptions("rejects"),
        new Option(
            "--set <column=value>",
            "write this value into the chosen rejects; with one --id it may be given again",
        ).argParser(collectChanges),
        new Option("--preview", "with --set: replay with these values, undo it, and show the result"),
        new Option("--yes", "with --set: do not ask"),
    ],
    examples: [
        [`${program} rejects`, "the newest 20 that are not resolved, and all reasons counted"],
        [`${program} rejects --file events_7.csv --limit 100`, "those of one file"],
        [`${program} rejects --reason price_invalid --json`, "for programs"],
        [`${program} rejects --id 12`, "one reject beside the stored row"],
        [
            `${program} rejects --id 12 --set price=12.50 --preview`,
            "what would come of it; without --preview it is saved",
        ],
        [`${program} rejects --reason currency_unknown --contains EURO --set currency=EUR`, "one column of many"],
    ],
    async run({ flags, inDatabase }) {
        if (flags.set !== undefined) checkEdit(flags);
        return await inDatabase(
            async (sql) => {
                if (isOfOne(flags) && flags.set !== undefined) return await editOne(sql, flags, eventsStream);
                if (isOfOne(flags)) return await showOne(sql, (flags.id as number[])[0]!);
                const stream = await chooseStream(sql, flags);
                const all = stream === null ? await readStreams(sql) : [stream];
                if (flags.set !== undefined)
                    return await editMany(sql, flags, {
                        streams: all.filter(({ isActive }) => isActive),
                        builtIn: eventsStream,
                    });
                return await list(
                    sql,
                    flags,
                    stream?.streamId,
                    await readFilter(sql, flags, { streams: all, builtIn: eventsStream }),
                );
            },
            { mayMigrate: flags.set !== undefined },
        );
    },
});

if (import.meta.main) await runCommand(command);

async function showOne(sql: Sql, id: number) {
    const reject = await requireReject(sql, id);
    return { lines: await formatReject(sql, reject), json: reject };
}

async function list(
    sql: Sql,
    flags: Flags,
    streamId: number | undefined,
    filter: Awaited<ReturnType<typeof readFilter>>,
) {
    const db = drizzle(sql, { schema });
    const open = flags.all === true ? undefined : true;
    const { lines, json } = await listPage(flags, {
        what: "rejects",
        select: (page) => selectRejects(db, { ...page, ...filter, open, streamId }),
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
    const summary = await readRejectSummary(db, streamId);
    const reasons = formatReasons(summary);
    return { lines: [...lines, ...(reasons.length > 0 ? ["", ...reasons] : [])], json: { ...json, summary } };
}
