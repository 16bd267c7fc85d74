/** `bun run migrate`: sets a database up, or brings it up to date. Every other command does it by itself where it may. */
import { Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { logToStderr } from "../src/commands/with-database.ts";
import { configOptions, databaseFields, loadConfig } from "../src/config/config.ts";
import { connect } from "../src/database/connect.ts";
import { type DatabaseTarget, describeTarget } from "../src/database/database-target.ts";
import { inspectSchema, type MigrateResult, migrateDatabase, type SchemaState } from "../src/database/migrate.ts";
import { openDatabase } from "../src/database/open-database.ts";
import { exitCodes } from "../src/errors.ts";
import { formatCount } from "../src/terminal/format.ts";
import { formatJson } from "../src/terminal/json.ts";

await runCommand({
    name: "migrate",
    summary: "Sets the database up, or brings it to this program's schema.",
    description:
        "All of it in one transaction, and safe while others do the same. A table public.events that Sluice did not make " +
        "is never touched, nor is a schema newer than this program.",
    options: [
        new Option("--dry-run", "say what is due, and do nothing of it; exit 1 when anything is"),
        ...configOptions("json", ...databaseFields),
    ],
    examples: [
        ["bun run migrate", "the database of DATABASE_URL, else the embedded one"],
        ["bun run migrate --dry-run", "what an update would do to it"],
        ["bun run migrate --database-url postgres://user@host/sluice", "another one"],
    ],
    async run({ flags }) {
        const config = await loadConfig([...databaseFields, "json"], flags);
        const database = await openDatabase({ ...config, log: logToStderr });
        const where = describeTarget(database.target);
        try {
            if (flags.dryRun === true) {
                const { pending: migrations, isSqlDue: sqlFiles } = await inspect(database.target);
                const isDue = migrations.length > 0 || sqlFiles;
                report(
                    { migrations, sqlFiles },
                    isDue ? `${where} would get ${describe(migrations)}.` : upToDate(where),
                );
                return isDue ? exitCodes.failed : exitCodes.done;
            }
            const applied = await migrateDatabase(database.target, { log: logToStderr });
            const hasChanged = applied.migrations.length > 0 || applied.sqlFiles;
            report(applied, hasChanged ? `${where} has got ${describe(applied.migrations)}.` : upToDate(where));
            return exitCodes.done;
        } finally {
            await database.close();
        }

        function report(facts: MigrateResult, sentence: string): void {
            process.stdout.write(`${config.json ? formatJson(facts) : sentence}\n`);
        }
    },
});

function upToDate(where: string): string {
    return `${where} is up to date.`;
}

/** The SQL files come with each of them. */
function describe(migrations: readonly string[]): string {
    const names =
        migrations.length > 0 ? `${formatCount(migrations.length, "migration")} (${migrations.join(", ")}) and ` : "";
    return `${names}the functions and views of this program`;
}

async function inspect(target: DatabaseTarget): Promise<SchemaState> {
    const sql = connect(target, { applicationName: "sluice migrate", max: 1 });
    try {
        return await inspectSchema(target, sql);
    } finally {
        await sql.end({ timeout: 1 });
    }
}
