import { Option } from "commander";
import { type CommandDefinition, runCommand } from "../src/commands/command.ts";
import { logToStderr } from "../src/commands/log.ts";
import { configOptions, databaseFields, loadConfig } from "../src/config/config.ts";
import { connect } from "../src/database/connect.ts";
import { type DatabaseTarget, describeTarget } from "../src/database/database-target.ts";
import { inspectSchema, type MigrateResult, migrateDatabase } from "../src/database/migrate.ts";
import { openDatabase } from "../src/database/open-database.ts";
import { program } from "../src/environment.ts";
import { exitCodes, SluiceError } from "../src/errors.ts";
import { eventsStream } from "../src/shop/events-stream.ts";
import { applyStream } from "../src/streams/apply-stream.ts";
import { loadStreams } from "../src/streams/load-streams.ts";
import { formatCount } from "../src/terminal/format.ts";

export const command: CommandDefinition = {
    name: "migrate",
    summary: "Sets the database up, or brings it to this program's schema.",
    description:
        "All in one transaction, and safe while others do the same. Then it makes what the streams in streams/ need. It never touches a table public.events that Sluice did not make, nor a schema newer than this program.",
    options: [
        new Option("--dry-run", "show what is due, and change nothing; exits with 1 if anything is"),
        ...configOptions("json", ...databaseFields),
    ],
    examples: [
        [`${program} migrate`, "the database of DATABASE_URL, else the embedded one"],
        [`${program} migrate --dry-run`, "what an update would do to it"],
        [`${program} migrate --database-url postgres://user@host/sluice`, "another one"],
    ],
    async run({ flags }) {
        const config = await loadConfig(databaseFields, flags);
        const sessionsFor = "the lock under which one process at a time migrates";
        const database = await openDatabase({ ...config, sessionsFor, log: logToStderr });
        const where = describeTarget(database.target);
        try {
            const isDryRun = flags.dryRun === true;
            const { migrations, sqlFiles } = isDryRun
                ? await inspect(database.target)
                : await migrateDatabase(database.target, { log: logToStderr });
            const hasAny = migrations.length > 0 || sqlFiles;
            const verb = isDryRun ? "needs" : "now has";
            const streams = isDryRun ? [] : await makeStreams(database.target);
            const hasFailed = streams.some(({ problem }) => problem !== null);
            return {
                lines: [
                    hasAny ? `${where} ${verb} ${describe(migrations, sqlFiles)}.` : `${where} is up to date.`,
                    ...streams.map(({ stream, problem }) => `stream ${stream}: ${problem ?? "ready"}`),
                ],
                json: { migrations, sqlFiles, ...(streams.length > 0 && { streams }) },
                exitCode: (isDryRun && hasAny) || hasFailed ? exitCodes.failed : exitCodes.done,
            };
        } finally {
            await database.close();
        }
    },
};

if (import.meta.main) await runCommand(command);

/** Those of streams/: for a role that may only load they have to be there. */
async function makeStreams(target: DatabaseTarget): Promise<{ stream: string; problem: string | null }[]> {
    const made: { stream: string; problem: string | null }[] = [];
    for (const declared of await loadStreams([eventsStream.name])) {
        const problem = await applyStream(target, declared).then(
            () => null,
            (error: unknown) => {
                if (error instanceof SluiceError) return `${error.what} ${error.remedy}`;
                throw error;
            },
        );
        made.push({ stream: declared.name, problem });
    }
    return made;
}

function describe(migrations: readonly string[], hasSqlFiles: boolean): string {
    const names = `${formatCount(migrations.length, "migration")} (${migrations.join(", ")})`;
    return [
        ...(migrations.length > 0 ? [names] : []),
        ...(hasSqlFiles ? ["the functions and views of this program"] : []),
    ].join(" and ");
}

async function inspect(target: DatabaseTarget): Promise<MigrateResult> {
    const sql = connect(target, { applicationName: "sluice migrate", max: 1 });
    try {
        return await inspectSchema(target, sql);
    } finally {
        await sql.end({ timeout: 1 });
    }
}
