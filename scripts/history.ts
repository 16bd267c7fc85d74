import { Option } from "commander";
import { drizzle } from "drizzle-orm/postgres-js";
import { runCommand } from "../src/commands/command.ts";
import { databaseCommand } from "../src/commands/database-command.ts";
import { formatHistory, formatHistoryAsCsv } from "../src/commands/listing/format-history.ts";
import { choiceOption, listPage, pageOptions } from "../src/commands/listing/list-page.ts";
import { chooseStream, streamOption } from "../src/commands/streams/choose-stream.ts";
import * as schema from "../src/database/schema.ts";
import { program } from "../src/environment.ts";
import { selectHistory } from "../src/server/api/history/read-history.ts";

export const command = databaseCommand({
    name: "history",
    summary: "Lists what upserts replaced, deleted or found superseded, newest first.",
    description:
        "Kept for streams with `history: true`, until a prune. To restore a version, deliver it again: --csv writes it as a file. Without a version column it is then the latest record; with one, give it a higher version.",
    options: [
        choiceOption("--what <what>", "only versions of this kind", schema.historyKinds),
        new Option("--key <key>", "only those of this key"),
        streamOption(),
        new Option("--csv", "as CSV, to deliver again"),
        ...pageOptions("versions"),
    ],
    examples: [
        [`${program} history --stream prices --key tea`, "what the row tea was before"],
        [`${program} history --stream prices --key tea --limit 1 --csv`, "the version before, as a file"],
    ],
    async run({ flags, inDatabase }) {
        return await inDatabase(async (sql) => {
            const stream = await chooseStream(sql, flags);
            const db = drizzle(sql, { schema });
            const filters = { what: flags.what as never, key: flags.key as string | undefined };
            const { lines, json } = await listPage(flags, {
                what: "versions",
                select: (page) => selectHistory(db, { ...page, ...filters, streamId: stream?.streamId }),
                idOf: ({ historyId }) => historyId,
                format: formatHistory,
            });
            return { lines: flags.csv === true ? formatHistoryAsCsv(json.data) : lines, json };
        });
    },
});

if (import.meta.main) await runCommand(command);
