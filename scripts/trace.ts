import { Argument } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { describeUnknown, formatTrace } from "../src/commands/format-trace.ts";
import { withDatabase } from "../src/commands/with-database.ts";
import { configOptions, databaseFields, loadConfig } from "../src/config/config.ts";
import { exitCodes, SluiceError } from "../src/errors.ts";
import { parseTraceSubject, readTrace } from "../src/operations/read-trace.ts";
import { eventsStream } from "../src/shop/events-stream.ts";
import { formatJson } from "../src/terminal/json.ts";

await runCommand({
    name: "trace",
    summary:
        "Tells the life of a record: file, bytes, chunk, load, each rule's verdict, batch, commit, and its rivals.",
    description: "Exits with 1 when nothing of it is kept.",
    arguments: [new Argument("<record>", "an event_id, or file:record such as events_7.csv:12")],
    options: configOptions("json", ...databaseFields),
    examples: [
        ["bun run trace 6f1c7b9e-53f0-4a58-9d0e-4b3c0a9f1d22", "an event, and every reject that claims its id"],
        ["bun run trace events_7.csv:12", "the twelfth record of a file"],
    ],
    async run({ flags, args }) {
        const config = await loadConfig([...databaseFields, "json"], flags);
        const subject = parseTraceSubject(eventsStream, args[0] ?? "");
        if (subject === null) {
            throw new SluiceError({
                code: "bad_argument",
                from: "the command line",
                what: "That is neither an event_id nor file:record.",
                remedy: "Write an event_id with its dashes, or a file and a record number such as events_7.csv:12.",
                exitCode: exitCodes.usage,
            });
        }
        const trace = await withDatabase(config, { applicationName: "sluice trace" }, (sql) => readTrace(sql, subject));
        if (trace.records.length === 0 && !config.json) {
            const from = "the command line";
            throw new SluiceError({ code: "record_unknown", ...describeUnknown(subject, eventsStream), from });
        }
        const lines = config.json ? [formatJson(trace)] : formatTrace(subject, trace);
        process.stdout.write(`${lines.join("\n")}\n`);
        return trace.records.length > 0 ? exitCodes.done : exitCodes.failed;
    },
});
