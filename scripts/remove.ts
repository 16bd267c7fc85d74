import { existsSync } from "node:fs";
import { join } from "node:path";
import { Argument } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { databaseCommand } from "../src/commands/database-command.ts";
import { requireStream } from "../src/commands/streams/choose-stream.ts";
import { commandHere, program, streamsFolder } from "../src/environment.ts";
import { removeStream } from "../src/operations/remove-stream.ts";
import { sanitize } from "../src/terminal/sanitize.ts";

export const command = databaseCommand({
    name: "remove",
    summary: "Removes a stream and drops what Sluice made for it. Its table, ledger and rejects stay.",
    description: "Refuses while an ingest works on it. The next ingest that declares it brings it back.",
    arguments: [new Argument("<stream>", `its name: \`${program} streams\` lists them`)],
    examples: [[`${program} remove orders`, "its staging and functions go; the table keeps its rows"]],
    async run({ args: [name], inDatabase }) {
        return await inDatabase(
            async (sql) => {
                const stream = await requireStream(sql, name!);
                await removeStream(sql, stream);
                return { lines: describe(stream), json: { removed: stream.name, table: stream.table } };
            },
            { mayMigrate: true },
        );
    },
});

if (import.meta.main) await runCommand(command);

function describe(stream: { name: string; table: string; home: string; declaration: unknown }): string[] {
    const { name, home } = stream;
    const table = sanitize(stream.table);
    const file = join(streamsFolder(), `${name}.ts`);
    const { isFile } = (stream.declaration ?? {}) as { isFile?: boolean };
    const back =
        isFile === false ? `${commandHere("ingest")} --table ${table}` : `${commandHere("ingest")} with ${file}`;
    return [
        `Removed ${name}: the schema ${home} is dropped. ${table} keeps its rows, and the ledger its files and rejects.`,
        existsSync(file)
            ? `${file} is still there: delete it too, or the next ingest brings the stream back.`
            : `To bring it back: ${back}. Files that were read stay known.`,
    ];
}
