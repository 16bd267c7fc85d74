import { addArguments, addOptions, readAddFlags } from "../src/commands/add/add-options.ts";
import { addFields, runAdd } from "../src/commands/add/run-add.ts";
import { runDatabaseCommand } from "../src/commands/database-command.ts";
import { eventsStream } from "../src/shop/events-stream.ts";

await runDatabaseCommand({
    name: "add",
    summary: "Makes a stream: files of one kind that go to one table.",
    description:
        "With --table, to a table of yours, which is read and never altered. Without, to a new one: types and key are proposed\n" +
        "by all that the file holds, and what can be read in two ways is text, or is asked. The newest file is tried and undone.\n" +
        "Writes streams/<name>.ts, and for a new table streams/migrations/<number>_<name>.sql. Overwrites nothing.",
    arguments: addArguments,
    options: addOptions,
    fields: addFields,
    stream: eventsStream,
    examples: [
        ["bun run add 'orders-*.csv' --table public.orders", "into a table of yours"],
        ["bun run add orders.csv --key order_id", "a table is made for the file"],
        ["bun run add orders.csv --print", "what would be written, to look at"],
    ],
    run: async ({ args, flags, config, inDatabase }) =>
        await runAdd(args, readAddFlags(flags), {
            config,
            builtIn: eventsStream.name,
            inDatabase: (work) => inDatabase(work, { mayMigrate: true }),
        }),
});
