import { Argument } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { databaseCommand } from "../src/commands/database-command.ts";
import { requireStream } from "../src/commands/streams/choose-stream.ts";
import { formatContract } from "../src/commands/streams/format-contract.ts";
import { commandHere, program } from "../src/environment.ts";
import { describeContract } from "../src/operations/streams/describe-contract.ts";
import { eventsStream } from "../src/shop/events-stream.ts";

export const command = databaseCommand({
    name: "contract",
    summary: "Prints the data contract of a stream as Markdown: table, columns, rules and reject codes.",
    arguments: [new Argument("<stream>", `its name: \`${commandHere("streams")}\` lists them`)],
    examples: [
        [`${program} contract events`, "what a record of the built-in stream must be"],
        [`${program} contract orders`, "a page for the people who write the files of this stream"],
        [`${program} contract orders --json`, "the same for programs, as GET /v1/streams/orders gives it"],
    ],
    async run({ args: [name], inDatabase }) {
        return await inDatabase(async (sql) => {
            const contract = describeContract(await requireStream(sql, name!), eventsStream);
            return { lines: formatContract(contract), json: contract };
        });
    },
});

if (import.meta.main) await runCommand(command);
