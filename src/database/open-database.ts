/**
 * The one door to the database for every command: the one that DATABASE_URL names, else the embedded one. What a command writes
 * goes by SLUICE_DIRECT_DATABASE_URL if that is set; what it only reads goes by SLUICE_READ_DATABASE_URL, or through a pooler
 * (docs/decisions/pooler-reads.md).
 */

import { libpqEnvironment } from "../environment.ts";
import { exitCodes, SluiceError } from "../errors.ts";
import { askServer, refuseOldServer, refuseOtherEncoding, refuseOtherSession } from "./ask-server.ts";
import { hostsOf } from "./choose-host.ts";
import {
    type DatabaseTarget,
    describeTarget,
    makeTarget,
    parseDatabaseUrl,
    withoutPassword,
} from "./database-target.ts";
import { decideTls } from "./decide-tls.ts";
import { acquireEmbeddedServer, type EmbeddedServer } from "./embedded-server.ts";
import { explainConnectFailure } from "./explain-connect-failure.ts";
import { aimFaults } from "./faults/pass-fault-point.ts";
import type { LibpqEnvironment } from "./libpq-environment.ts";
import { isConnectionFault, sqlStateOf, sqlStates } from "./sql-states.ts";

export interface Database {
    /** For whatever writes. Unless the use is `read` or `inspect`, a session here is a session of the server. */
    target: DatabaseTarget;
    /** For what only reads: perhaps a standby, or through a pooler that changes the backend between transactions. */
    readTarget: DatabaseTarget;
    /** Null when DATABASE_URL names the database. Call its ensureRunning() after a lost connection. */
    embedded: EmbeddedServer | null;
    /** For psql, and for a person's eyes only: with the generated password if embedded, else without the password. */
    connectionString: string;
    /** Such as "18.4". */
    serverVersion: string;
    /** Gives the embedded server back; the last user stops it. Close your connections first. */
    close(): Promise<void>;
}

/**
 * What a command does with the database. `read`: nothing but reading. `write`: it needs sessions. `serve`: both, each by its own
 * way. `inspect`: it looks at the way of `write` and takes it as it is.
 */
export type DatabaseUse = "read" | "write" | "serve" | "inspect";

interface OpenDatabaseOptions {
    databaseUrl?: string | undefined;
    /** Past the pooler that `databaseUrl` leads to. */
    directDatabaseUrl?: string | undefined;
    /** A standby of it, for what only reads. */
    readDatabaseUrl?: string | undefined;
    /** Default: write. */
    use?: DatabaseUse;
    /** Why a command that writes needs sessions, for the refusal of a pooler: `a temporary table`. */
    sessionsFor?: string;
    /** Where the embedded server lives. */
    dataDir: string;
    /** For people: one line, no secrets. */
    log: (line: string) => void;
    /** Default: this process's. */
    environment?: LibpqEnvironment;
    /** How long a server that is there and says that it is starting is waited for. */
    startPatienceMs?: number;
}

/** After a crash it first replays its log: seconds as a rule. One that is a standby without readers never gets ready. */
const defaultStartPatienceMs = 60_000;
const pollStartMs = 200;

/**
 * @throws SluiceError: configuration for a URL, account, database or server version that is not usable;
 * database_unreachable (exit code 4) when there is no answer, or not yet: trying again later may help.
 */
export async function openDatabase(options: OpenDatabaseOptions): Promise<Database> {
    const database = await reachDatabase(options);
    aimFaults(database.target);
    return database;
}

async function reachDatabase(options: OpenDatabaseOptions): Promise<Database> {
    const { databaseUrl, directDatabaseUrl, readDatabaseUrl, dataDir, log, use = "write", sessionsFor } = options;
    if (databaseUrl === undefined || databaseUrl === "") {
        const embedded = await acquireEmbeddedServer({ dataDir, log });
        const { serverVersion, overrides } = await askServer(embedded.target);
        const target = { ...embedded.target, overrides };
        return {
            target,
            readTarget: target,
            embedded,
            connectionString: withoutPassword(embedded.target),
            serverVersion,
            close: () => embedded.release(),
        };
    }
    const readSetting = readDatabaseUrl === undefined ? "databaseUrl" : "readDatabaseUrl";
    const hasDirect = directDatabaseUrl !== undefined && use !== "read";
    const writeSetting = hasDirect ? "directDatabaseUrl" : "databaseUrl";
    const chosen = await reachUrl(use === "read" ? readSetting : writeSetting, options);
    if (use === "write" || use === "serve") requireSessions(chosen.target, { sessionsFor, hasDirect });
    const pooled = hasDirect && use !== "inspect" ? await reachPooled(options, use) : chosen;
    if (pooled && pooled.identity !== chosen.identity) throw otherDatabase(pooled.target, chosen.target);
    const standby = use === "serve" && readDatabaseUrl ? await reachUrl("readDatabaseUrl", options) : null;
    return {
        target: chosen.target,
        readTarget: use === "serve" ? (standby ?? pooled ?? chosen).target : chosen.target,
        embedded: null,
        connectionString: withoutPassword(chosen.target),
        serverVersion: chosen.serverVersion,
        close: async () => {},
    };
}

type UrlSetting = "databaseUrl" | "directDatabaseUrl" | "readDatabaseUrl";

/** The database by one of its URLs. @throws SluiceError whose `setting` is that one */
async function reachUrl(setting: UrlSetting, options: OpenDatabaseOptions) {
    const { log, environment = libpqEnvironment(), startPatienceMs = defaultStartPatienceMs } = options;
    try {
        const wanted = parseDatabaseUrl(options[setting]!, environment);
        for (const warning of wanted.warnings) log(`Warning: ${warning}`);
        return await reachStartedServer(wanted, startPatienceMs, log);
    } catch (error) {
        throw error instanceof SluiceError ? error.of(setting) : error;
    }
}

/** What writes needs nothing of the pooler: null if it is down. */
async function reachPooled(options: OpenDatabaseOptions, use: DatabaseUse) {
    try {
        return await reachUrl("databaseUrl", { ...options, ...(use === "write" && { startPatienceMs: 0 }) });
    } catch (error) {
        if (use === "write" && (error as SluiceError).exitCode === exitCodes.databaseUnreachable) return null;
        throw error;
    }
}

const defaultSessionsFor = "its settings (synchronous_commit, time limits), which apply to a session";

/** @throws SluiceError pooled_database where one session would be spread over several backends, or could not be set up */
function requireSessions(
    target: DatabaseTarget,
    { sessionsFor = defaultSessionsFor, hasDirect }: { sessionsFor: string | undefined; hasDirect: boolean },
): void {
    if (!target.pooler || (target.pooler.mode === "session" && target.pooler.takesSettings)) return;
    const problem =
        target.pooler.mode === "transaction"
            ? "is a connection pooler in transaction mode"
            : "is a connection pooler that refuses the settings of a session";
    throw new SluiceError({
        code: "pooled_database",
        what: `${describeTarget(target)} ${problem}. This command needs sessions of its own: for ${sessionsFor}.`,
        remedy: hasDirect
            ? "Let SLUICE_DIRECT_DATABASE_URL name the server itself, or a pool of sessions (docs/operations.md, Connection poolers)."
            : "Set SLUICE_DIRECT_DATABASE_URL to the server itself, beside DATABASE_URL. Reading then still goes through the pooler.",
        setting: hasDirect ? "directDatabaseUrl" : "databaseUrl",
        exitCode: exitCodes.configuration,
    });
}

function otherDatabase(pooled: DatabaseTarget, direct: DatabaseTarget): SluiceError {
    return new SluiceError({
        code: "other_database",
        what: `DATABASE_URL (${describeTarget(pooled)}) and SLUICE_DIRECT_DATABASE_URL (${describeTarget(direct)}) lead to different databases.`,
        remedy: "Let both name the same database of the same server, or unset SLUICE_DIRECT_DATABASE_URL.",
        setting: "directDatabaseUrl",
        exitCode: exitCodes.configuration,
    });
}

/** A server on its way up refuses with 57P03; so does one on its way down, and if it is restarted nobody answers in between. */
async function reachStartedServer(wanted: DatabaseTarget, patienceMs: number, log: (line: string) => void) {
    const deadline = performance.now() + patienceMs;
    let isThere = false;
    while (true) {
        try {
            return await reachServer(wanted);
        } catch (error) {
            const isStarting = sqlStateOf(error) === sqlStates.cannotConnectNow;
            const isPassing = isStarting || (isThere && isConnectionFault((error as Error).cause));
            if (!isPassing || performance.now() > deadline) throw error;
            if (!isThere) log(`The database is starting or recovering: ${describeTarget(wanted)}. Waiting for it.`);
            isThere = true;
            await Bun.sleep(pollStartMs);
        }
    }
}

export interface ReachedServer {
    /** With `allow` and `prefer` decided, and what has been found out about sessions. */
    target: DatabaseTarget;
    serverVersion: string;
    /** As ServerAnswer has it. */
    identity: string;
}

/**
 * Connects once, to know that it can be done and to whom; of several hosts to the first that is what the URL asks for.
 * @throws SluiceError as openDatabase does, of the last host.
 */
export async function reachServer(wanted: DatabaseTarget): Promise<ReachedServer> {
    const candidates = hostsOf(wanted);
    for (const [index, candidate] of candidates.entries()) {
        try {
            const reached = await reachHost(candidate);
            const otherHosts = candidates
                .filter((other) => other !== candidate)
                .map(({ host, port }) => ({ host, port }));
            return { ...reached, target: makeTarget({ ...reached.target, otherHosts }) };
        } catch (error) {
            const isPassing = error instanceof SluiceError && isOtherHostsTurn(error);
            if (!isPassing || index === candidates.length - 1) throw error;
        }
    }
    throw new Error("unreachable: there is always a host to try");
}

/** As libpq goes on: nobody answers, or another kind of session is wanted. */
const isOtherHostsTurn = ({ code }: SluiceError) => code === "database_unreachable" || code === "session_refused";

async function reachHost(wanted: DatabaseTarget): Promise<ReachedServer> {
    try {
        const { target, answer } = await decideTls(wanted, askServer);
        refuseOldServer(target, answer.serverVersion);
        refuseOtherEncoding(target, answer.encoding);
        refuseOtherSession(target, answer.session);
        const { serverVersion, identity, overrides, pooler } = answer;
        return { target: { ...target, overrides, pooler }, serverVersion, identity };
    } catch (error) {
        throw explainConnectFailure(wanted, error);
    }
}
