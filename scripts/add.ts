import { addArguments, addOptions, readAddFlags } from "../src/commands/add/add-options.ts";
import { addFields, runAdd } from "../src/commands/add/run-add.ts";
import { runCommand } from "../src/commands/command.ts";
import { databaseCommand } from "../src/commands/database-command.ts";
import { program } from "../src/environment.ts";
import { eventsStream } from "../src/shop/events-stream.ts";

export const command = databaseCommand({
    name: "add",
    summary: "Adds a stream: files of one kind that go into one table.",
    description:
        "With --table it uses your own table, which it reads and never alters. Without it, it makes a new table: Sluice proposes types and key from the whole file; a column whose values can be read in two ways is text, or Sluice asks. It loads the newest file as a trial and keeps nothing of it. It writes streams/<name>.ts, and for a new table streams/migrations/<number>_<name>.sql, which it applies. It overwrites nothing, except with --replace.",
    arguments: addArguments,
    options: addOptions,
    fields: addFields,
    stream: eventsStream,
    examples: [
        [`${program} add 'orders-*.csv' --table public.orders`, "into your own table"],
        [`${program} add orders.csv --key order_id`, "a table is made for the file"],
        [`${program} add 's3://drops/in/orders-*.csv'`, "objects of a bucket: the newest is looked at"],
        [`${program} add orders.csv --print`, "what would be written, to look at"],
    ],
    run: async ({ args, flags, config, inDatabase }) =>
        await runAdd(args, readAddFlags(flags), {
            config,
            builtIn: eventsStream.name,
            inDatabase: (work) => inDatabase(work, { mayMigrate: true }),
        }),
});

if (import.meta.main) await runCommand(command);
