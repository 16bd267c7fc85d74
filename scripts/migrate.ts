/** `bun run migrate`: sets a database up, or brings it up to date. Every other command does it by itself where it may. */
import { configOptions, databaseFields, loadConfig } from "../src/config.ts";
import { describeTarget } from "../src/database/database-target.ts";
import { migrateDatabase } from "../src/database/migrate.ts";
import { openDatabase } from "../src/database/open-database.ts";
import { runCommand } from "../src/terminal/command.ts";
import { logToStderr } from "../src/terminal/with-database.ts";

await runCommand({
    name: "migrate",
    summary: "Sets the database up, or brings it to this program's schema.",
    description:
        "All of it in one transaction, and safe while others do the same. A table public.events that Sluice did not make " +
        "is never touched, nor is a schema newer than this program.",
    options: configOptions(...databaseFields),
    examples: [
        ["bun run migrate", "the database of DATABASE_URL, else the embedded one"],
        ["bun run migrate --database-url postgres://user@host/sluice", "another one"],
    ],
    async run({ flags }) {
        const config = await loadConfig(databaseFields, flags);
        const database = await openDatabase({ ...config, log: logToStderr });
        try {
            const { migrations, sqlFiles } = await migrateDatabase(database.target, { log: logToStderr });
            const isUpToDate = migrations.length === 0 && !sqlFiles;
            process.stdout.write(
                isUpToDate
                    ? `${describeTarget(database.target)} is up to date.\n`
                    : `${describeTarget(database.target)} is up to date now: ${migrations.length} migrations applied.\n`,
            );
        } finally {
            await database.close();
        }
        return undefined;
    },
});
