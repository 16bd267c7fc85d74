/**
 * The frame of the commands that work on the database: settings, a connection of its own, and the same end whatever happens,
 * Ctrl-C included. A command is its flags and one function.
 */

import {
    type Config,
    type ConfigField,
    configOptions,
    databaseFields,
    loadConfig,
    type Sources,
} from "../config/config.ts";
import { connect, type Sql } from "../database/connect.ts";
import { type DatabaseTarget, describeTarget } from "../database/database-target.ts";
import { faultSettings } from "../database/faults/pass-fault-point.ts";
import { migrateDatabase, readMissingMigrations } from "../database/migrate.ts";
import { type Database, type DatabaseUse, openDatabase } from "../database/open-database.ts";
import { commandHere } from "../environment.ts";
import { exitCodes, SluiceError } from "../errors.ts";
import type { Stream } from "../streams/stream.ts";
import { exitOnStopSignal } from "../terminal/stop-signals.ts";
import type { CommandDefinition, Given } from "./command.ts";
import { logToStderr } from "./log.ts";

type FrameField = (typeof databaseFields)[number] | "json";

export interface DatabaseCommand<Field extends ConfigField> extends Omit<CommandDefinition, "run"> {
    /** Its settings besides --json and those that name the database. */
    fields?: readonly Field[];
    /** The stream that the sources of sluice.config.ts belong to, for a command that reads files. */
    stream?: Stream;
    run(given: DatabaseGiven<Field>): ReturnType<CommandDefinition["run"]>;
}

interface DatabaseGiven<Field extends ConfigField> extends Given {
    config: Readonly<Pick<Config, Field | FrameField | "color"> & Sources>;
    /**
     * Opens the database for `work`. Check the flags before: a wrong one should be told without a database.
     */
    inDatabase<Result>(work: Work<Result>, options?: WorkOptions): Promise<Result>;
}

type Work<Result> = (sql: Sql, database: Database) => Promise<Result>;

interface WorkOptions {
    /** Brings a database of the user's up to date first; without it such a database is only read, unless `use` says otherwise. */
    mayMigrate?: boolean;
    use?: DatabaseUse;
    /** See OpenDatabaseOptions. */
    sessionsFor?: string;
}

/** A command for runCommand. */
export function databaseCommand<Field extends ConfigField = never>(
    definition: DatabaseCommand<Field>,
): CommandDefinition {
    const { name, options = [], fields = [], stream = null } = definition;
    return {
        ...definition,
        options: [...options, ...configOptions(...fields, "json", ...databaseFields)],
        async run(given) {
            const config = await loadConfig([...databaseFields, "json", ...fields], given.flags, stream);
            const inDatabase = <Result>(work: Work<Result>, options: WorkOptions = {}) =>
                workInDatabase(config, { applicationName: `sluice ${name}`, ...options }, work);
            return await definition.run({ ...given, config, inDatabase });
        },
    };
}

/**
 * Runs `work` with a client of one connection. The embedded server is ours, and is set up if it is new. A database of the
 * user's is never set up in passing: SluiceError `not_set_up` says how.
 */
async function workInDatabase<Result>(
    config: Pick<Config, (typeof databaseFields)[number]>,
    {
        applicationName,
        mayMigrate = false,
        use = mayMigrate ? "write" : "read",
        ...options
    }: { applicationName: string } & WorkOptions,
    work: Work<Result>,
): Promise<Result> {
    const database = await openDatabase({ ...config, ...options, use, log: logToStderr });
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
        // The signal ended the connection, which failed the work: the exit code is the signal's.
        if (isStopping) await new Promise(() => {});
        throw error;
    } finally {
        await close();
        stopListening();
    }
}

/** Sets the embedded database up, and refuses one of the user's that is not. For commands that open it themselves, too. */
export async function prepareDatabase(
    { target, embedded }: Database,
    { sql, mayMigrate, log = logToStderr }: { sql: Sql; mayMigrate: boolean; log?: (line: string) => void },
): Promise<void> {
    if (!embedded) await requireSetUp(sql, target, mayMigrate);
    if (embedded || mayMigrate) await migrateDatabase(target, { log });
}

async function requireSetUp(sql: Sql, target: DatabaseTarget, mayMigrate: boolean): Promise<void> {
    const [row] = await sql<{ isSetUp: boolean; mayLook: boolean }[]>`
        select
            to_regclass('ingest.files') is not null as "isSetUp",
            coalesce(has_table_privilege(to_regclass('ingest.migrations')::oid, 'select'), false) as "mayLook"`;
    if (!row?.isSetUp) {
        throw new SluiceError({
            code: "not_set_up",
            what: `${describeTarget(target)} does not have Sluice's tables.`,
            remedy: `Set it up with \`${commandHere("migrate")}\`, or name another with --database-url.`,
            setting: "databaseUrl",
            exitCode: exitCodes.configuration,
        });
    }
    if (mayMigrate || !row.mayLook) return;
    const missing = await readMissingMigrations(sql);
    if (missing.length === 0) return;
    throw new SluiceError({
        code: "schema_behind",
        what: `${describeTarget(target)} is older than this program: it lacks ${missing.join(", ")}.`,
        remedy: `Bring it up to date with \`${commandHere("migrate")}\`; running ingests continue.`,
        setting: "databaseUrl",
        exitCode: exitCodes.configuration,
    });
}
