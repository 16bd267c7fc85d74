/** The first questions to a server: its version, its settings, the kind of its sessions. Some answers are refused. */
import { connect } from "./connect.ts";
import {
    type DatabaseTarget,
    databaseFault,
    describeTarget,
    isSessionWanted,
    type Pooler,
    type SessionKind,
} from "./database-target.ts";
import { cautiousPooler, findPoolMode } from "./find-pooler.ts";
import { sqlStateOf, sqlStates } from "./sql-states.ts";

const oldestMajor = 15;

type Flag = "isStandby" | "isReadOnly" | "hasTransactionTimeout" | "hasTriggers" | "maySwitchTriggers";

interface ServerAnswer {
    serverVersion: string;
    /** The one in which the database keeps its texts. */
    encoding: string;
    session: SessionKind;
    /** The same for two ways to one database, and no other. */
    identity: string;
    /** See DatabaseTarget. */
    overrides: Record<string, string>;
    pooler: Pooler | null;
}

/** Below this, sorts and hash tables of a merge go to disk in so many pieces that it takes a multiple of its time. */
const leastWorkMemKb = 4096;

/**
 * From 17 on, and a short one would end these very questions; an older server has none, and refuses a connection that names it.
 */
const withoutTransactionTimeout = { transaction_timeout: "0" };

export async function askServer(target: DatabaseTarget): Promise<ServerAnswer> {
    try {
        return await readServer({ ...target, overrides: withoutTransactionTimeout });
    } catch (error) {
        const state = sqlStateOf(error);
        if (state === sqlStates.undefinedObject) return await readServer(target);
        // PgBouncer refuses settings that it does not know: "unsupported startup parameter".
        if (state === sqlStates.protocolViolation) return await readServer({ ...target, pooler: cautiousPooler });
        throw error;
    }
}

async function readServer(target: DatabaseTarget): Promise<ServerAnswer> {
    const sql = connect(target, { applicationName: "sluice open", max: 1 });
    try {
        const rows = await sql<
            (Record<"version" | "encoding" | "commit" | "identity", string> &
                Record<Flag, boolean> &
                Record<"workMemKb" | "pid", number>)[]
        >`
            select
                current_setting('server_version') as version,
                current_setting('server_encoding') as encoding,
                pg_is_in_recovery() as "isStandby",
                current_setting('transaction_read_only')::boolean as "isReadOnly",
                current_setting('synchronous_commit') as commit,
                (select setting::integer from pg_catalog.pg_settings where name = 'work_mem') as "workMemKb",
                current_setting('transaction_timeout', true) is not null as "hasTransactionTimeout",
                current_setting('session_replication_role') = 'origin' as "hasTriggers",
                (select rolsuper from pg_catalog.pg_roles where rolname = current_user) as "maySwitchTriggers",
                pg_backend_pid() as pid,
                format(
                    '%s %s',
                    extract(epoch from pg_postmaster_start_time()),
                    (select oid from pg_catalog.pg_database where datname = current_database())
                ) as identity`;
        const [row] = rows;
        // A pooler tells its clients of a backend that it makes up.
        const isPooled = rows.state.pid !== row!.pid;
        const { version, commit, workMemKb, hasTransactionTimeout, hasTriggers, maySwitchTriggers } = row!;
        if (!hasTriggers && !maySwitchTriggers) {
            throw databaseFault(
                "triggers_switched_off",
                `session_replication_role disables triggers for ${target.user}, and Sluice's totals depend on triggers.`,
                `As a superuser: alter role ${target.user} reset session_replication_role; (or alter database, if that has it).`,
            );
        }
        return {
            // Distributions append their own: "15.18 (Debian 15.18-0+deb12u1)".
            serverVersion: version.split(" ")[0]!,
            encoding: row!.encoding,
            session: row!,
            identity: row!.identity,
            pooler: isPooled ? { mode: await findPoolMode(target), takesSettings: !target.pooler } : null,
            overrides: {
                ...(hasTransactionTimeout && withoutTransactionTimeout),
                // A merge whose commit a crash can undo must not have its files deleted. Other settings wait for more, not less.
                ...(commit === "off" && { synchronous_commit: "on" }),
                // Triggers keep the ledger's sums.
                ...(!hasTriggers && { session_replication_role: "origin" }),
                ...(workMemKb < leastWorkMemKb && { work_mem: `${leastWorkMemKb}kB` }),
            },
        };
    } finally {
        await sql.end({ timeout: 1 });
    }
}

/** @throws SluiceError before version 15. */
export function refuseOldServer(target: DatabaseTarget, version: string): void {
    if (Number.parseInt(version, 10) >= oldestMajor) return;
    throw databaseFault(
        "server_too_old",
        `${describeTarget(target)} is PostgreSQL ${version}; Sluice needs ${oldestMajor} or later.`,
        "Upgrade the server, or unset DATABASE_URL to use the embedded one.",
    );
}

/** @throws SluiceError unless the database keeps its texts in UTF-8: in no other encoding would every text of a file fit. */
export function refuseOtherEncoding(target: DatabaseTarget, encoding: string): void {
    if (encoding === "UTF8") return;
    const name = `"${target.database.replaceAll('"', '""')}_utf8"`;
    throw databaseFault(
        "database_not_unicode",
        `The database of ${describeTarget(target)} has the encoding ${encoding}; Sluice needs UTF8.`,
        `Create one (create database ${name} template template0 encoding 'UTF8' locale 'C';) and name it in DATABASE_URL.`,
    );
}

/** @throws SluiceError when target_session_attrs asks for another kind of server. */
export function refuseOtherSession(target: DatabaseTarget, session: SessionKind): void {
    if (isSessionWanted(target.sessionAttributes, session)) return;
    throw databaseFault(
        "session_refused",
        `${describeTarget(target)} is not ${target.sessionAttributes}, which target_session_attrs asks for.`,
        "Name a server that is, or remove target_session_attrs (PGTARGETSESSIONATTRS).",
    );
}
