import { Argument } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { databaseCommand } from "../src/commands/database-command.ts";
import { describeUnknown, formatTrace } from "../src/commands/format-trace.ts";
import { refuse } from "../src/commands/refuse.ts";
import { chooseStream, streamOption } from "../src/commands/streams/choose-stream.ts";
import { chooseTraced } from "../src/commands/streams/choose-traced.ts";
import { program } from "../src/environment.ts";
import { exitCodes } from "../src/errors.ts";
import { readHeaders } from "../src/operations/read-headers.ts";
import { readTrace } from "../src/operations/read-trace.ts";
import { eventsStream } from "../src/shop/events-stream.ts";

export const command = databaseCommand({
    name: "trace",
    summary:
        "Shows the history of a record: where it stands in its file, which rules it passed or failed, when it was loaded, and other records with its key.",
    description:
        "Without --stream, an event_id is looked up in events, and file:record in the stream that read the file. Exits with 1 if nothing is known of the record.",
    arguments: [new Argument("<record>", "an event_id, the key of a stream, or file:record such as events_7.csv:12")],
    options: [streamOption()],
    examples: [
        [`${program} trace 6f1c7b9e-53f0-4a58-9d0e-4b3c0a9f1d22`, "an event, and every reject that claims its id"],
        [`${program} trace events_7.csv:12`, "the twelfth record of a file"],
        [`${program} trace 7 --stream orders`, "the row with the key 7 of this stream, and the rejects with that key"],
        [`${program} trace order_id=7,line=2`, "a key of several columns"],
    ],
    async run({ args, flags, config, inDatabase }) {
        const { stream, subject, trace, headers } = await inDatabase(async (sql) => {
            const chosen = await chooseTraced(sql, args[0] ?? "", await chooseStream(sql, flags), eventsStream);
            const read = await readTrace(sql, chosen.stream, chosen.subject);
            const fileIds = read.records.map(({ file }) => file.fileId);
            return { ...chosen, trace: read, headers: await readHeaders(sql, fileIds) };
        });
        if (
            trace.records.length > 0 ||
            trace.stored !== null ||
            trace.versions.length > 0 ||
            trace.absentFrom !== null
        ) {
            const tellsOrigin = stream.streamId === eventsStream.id;
            return { lines: formatTrace(subject, trace, { tellsOrigin, headers }), json: trace };
        }
        if (config.json) return { lines: [], json: trace, exitCode: exitCodes.failed };
        const { what, remedy } = describeUnknown(subject, stream.name);
        throw refuse("record_unknown", what, remedy, exitCodes.failed);
    },
});

if (import.meta.main) await runCommand(command);
