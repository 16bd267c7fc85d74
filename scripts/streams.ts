import { runCommand } from "../src/commands/command.ts";
import { databaseCommand } from "../src/commands/database-command.ts";
import { formatStreams } from "../src/commands/streams/format-streams.ts";
import { program } from "../src/environment.ts";
import { readStatus } from "../src/operations/status/read-status.ts";

export const command = databaseCommand({
    name: "streams",
    summary: "Lists the streams: where the records of each went, what is waiting, and its state.",
    description: `In each line: read is the sum of the outcomes beside it. \`${program} contract NAME\` shows what a record must be.`,
    examples: [
        [`${program} streams`, "a line each"],
        [`${program} streams --json`, "the same for programs, as GET /v1/streams gives it"],
    ],
    async run({ inDatabase }) {
        return await inDatabase(async (sql) => {
            const status = await readStatus(sql);
            const { asOf, streams } = status;
            return { lines: formatStreams(status), json: { asOf, data: streams } };
        });
    },
});

if (import.meta.main) await runCommand(command);
