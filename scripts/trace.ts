import { Argument } from "commander";
import { runDatabaseCommand } from "../src/commands/database-command.ts";
import { describeUnknown, formatTrace } from "../src/commands/format-trace.ts";
import { refuse } from "../src/commands/refuse.ts";
import { exitCodes } from "../src/errors.ts";
import { parseTraceSubject, readTrace } from "../src/operations/read-trace.ts";
import { eventsStream } from "../src/shop/events-stream.ts";

await runDatabaseCommand({
    name: "trace",
    summary:
        "Tells the life of a record: file, bytes, chunk, load, each rule's verdict, batch, commit, and its rivals.",
    description: "Exits with 1 when nothing of it is kept.",
    arguments: [new Argument("<record>", "an event_id, or file:record such as events_7.csv:12")],
    examples: [
        ["bun run trace 6f1c7b9e-53f0-4a58-9d0e-4b3c0a9f1d22", "an event, and every reject that claims its id"],
        ["bun run trace events_7.csv:12", "the twelfth record of a file"],
    ],
    async run({ args, config, inDatabase }) {
        const subject = parseTraceSubject(eventsStream, args[0] ?? "");
        if (subject === null) {
            throw refuse(
                "bad_argument",
                "That is neither an event_id nor file:record.",
                "Write an event_id with its dashes, or a file and a record number such as events_7.csv:12.",
            );
        }
        const trace = await inDatabase((sql) => readTrace(sql, subject));
        if (trace.records.length > 0) return { lines: formatTrace(subject, trace), json: trace };
        if (config.json) return { lines: [], json: trace, exitCode: exitCodes.failed };
        const { what, remedy } = describeUnknown(subject, eventsStream);
        throw refuse("record_unknown", what, remedy, exitCodes.failed);
    },
});
