/** The database of a short command: opened, seen to be Sluice's, and given back whatever happens, Ctrl-C included. */
import type { Config } from "../config/config.ts";
import { connect, type Sql } from "../database/connect.ts";
import { type DatabaseTarget, describeTarget } from "../database/database-target.ts";
import { faultSettings } from "../database/faults/pass-fault-point.ts";
import { migrateDatabase, readMissingMigrations } from "../database/migrate.ts";
import { type Database, openDatabase } from "../database/open-database.ts";
import { exitCodes, SluiceError } from "../errors.ts";
import { exitOnStopSignal } from "../terminal/stop-signals.ts";

export interface WithDatabaseOptions {
    /** For pg_stat_activity. */
    applicationName: string;
    /** Bring a database that is Sluice's already up to date. Without it a database of the user's is only read. */
    mayMigrate?: boolean;
}

/**
 * Runs `work` with a client of one connection. The embedded server is ours: it is set up when it is new. A database of the
 * user's is never set up in passing: SluiceError `not_set_up` says how.
 */
export async function withDatabase<Result>(
    { databaseUrl, dataDir }: Pick<Config, "databaseUrl" | "dataDir">,
    { applicationName, mayMigrate = false }: WithDatabaseOptions,
    work: (sql: Sql, database: Database) => Promise<Result>,
): Promise<Result> {
    const database = await openDatabase({ databaseUrl, dataDir, log: logToStderr });
    const sql = connect(database.target, { applicationName, max: 1, ...faultSettings(applicationName) });
    let closed: Promise<void> | undefined;
    const close = () => {
        closed ??= sql.end({ timeout: 1 }).then(() => database.close());
        return closed;
    };
    let isStopping = false;
    const stopListening = exitOnStopSignal(() => {
        isStopping = true;
        return close();
    });
    try {
        await prepareDatabase(database, { sql, mayMigrate });
        return await work(sql, database);
    } catch (error) {
        // The signal ended the connection: what broke off because of that is no news, and the exit code is the signal's.
        if (isStopping) await new Promise(() => {});
        throw error;
    } finally {
        await close();
        stopListening();
    }
}

/** The rule about who is set up in passing, for commands that open the database themselves. */
export async function prepareDatabase(
    { target, embedded }: Database,
    { sql, mayMigrate, log = logToStderr }: { sql: Sql; mayMigrate: boolean; log?: (line: string) => void },
): Promise<void> {
    if (!embedded) await requireSetUp(sql, target, mayMigrate);
    if (embedded || mayMigrate) await migrateDatabase(target, { log });
}

export function logToStderr(line: string): void {
    process.stderr.write(`${line}\n`);
}

async function requireSetUp(sql: Sql, target: DatabaseTarget, mayMigrate: boolean): Promise<void> {
    const [row] = await sql<{ isSetUp: boolean; mayLook: boolean }[]>`
        select
            to_regclass('ingest.files') is not null and to_regclass('public.events') is not null as "isSetUp",
            coalesce(has_table_privilege(to_regclass('ingest.migrations')::oid, 'select'), false) as "mayLook"`;
    if (!row?.isSetUp) {
        throw new SluiceError({
            code: "not_set_up",
            what: `${describeTarget(target)} has none of Sluice's tables.`,
            remedy: "Set it up with `bun run migrate`, or name another with --database-url.",
            setting: "databaseUrl",
            exitCode: exitCodes.configuration,
        });
    }
    if (mayMigrate || !row.mayLook) return;
    const missing = await readMissingMigrations(sql);
    if (missing.length === 0) return;
    throw new SluiceError({
        code: "schema_behind",
        what: `${describeTarget(target)} is older than this program: it has not had ${missing.join(", ")}.`,
        remedy: "Bring it up to date with `bun run migrate`; running ingests go on meanwhile.",
        setting: "databaseUrl",
        exitCode: exitCodes.configuration,
    });
}
