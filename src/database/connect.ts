/**
 * The only place that opens connections. Everything goes through postgres.js, except the COPY stream, which goes through
 * Bun's own client (postgres.js's COPY can hang, or report success when it failed; tests/database/copy-rows.test.ts
 * shows it).
 */
import { createConnection, type Socket } from "node:net";
import { SQL } from "bun";
import postgres from "postgres";
import { addArrayTypes } from "./array-types.ts";
import { chooseHost } from "./choose-host.ts";
import { type DatabaseTarget, isSessionWanted, type SessionKind } from "./database-target.ts";

export type Sql = postgres.Sql;

export interface ConnectOptions {
    /** Shown in pg_stat_activity. */
    applicationName: string;
    /** Connections at most; they are opened when needed. */
    max: number;
    /** Default 10. The URL's connect_timeout wins. */
    connectTimeoutSeconds?: number;
    /** Settings of the session, in place of `pinnedOptions`; null leaves one to the role and the database. */
    settings?: Record<string, string | null>;
    /** Takes the message of each notice; without it they are dropped. */
    onNotice?: (message: string) => void;
}

/**
 * Pinned, because each of them changes what the same text means, and a role or a database may set them otherwise. Every pooler
 * takes these, and gives each client its own.
 */
const trackedSettings = { TimeZone: "UTC", DateStyle: "ISO, YMD", client_encoding: "UTF8" };

/**
 * Pinned too, for the same reason and because a role's time-out or plan setting would stop or slow the same statement
 * for ever. They travel in `options`, the one thing that a pooler of sessions is told to ignore (docs/operations.md). What only
 * some servers have, or need, is in the target's `overrides`.
 */
const pinnedOptions: Record<string, string> = {
    IntervalStyle: "postgres",
    search_path: "public",
    extra_float_digits: "1",
    // Our code reads what pg_get_… functions and format('%I') write.
    quote_all_identifiers: "off",
    // A peer that vanished is noticed in about a minute: its locks and its COPY must not outlive it by hours.
    tcp_keepalives_idle: "30",
    tcp_keepalives_interval: "10",
    tcp_keepalives_count: "3",
    statement_timeout: "0",
    lock_timeout: "0",
    idle_in_transaction_session_timeout: "0",
    idle_session_timeout: "0",
    // The merge reads in one statement what an earlier one has written and others have committed.
    default_transaction_isolation: "read committed",
    default_transaction_deferrable: "off",
    row_security: "on",
    standard_conforming_strings: "on",
    bytea_output: "hex",
    array_nulls: "on",
    xmloption: "content",
    transform_null_equals: "off",
    client_min_messages: "notice",
    "plpgsql.extra_errors": "none",
    "plpgsql.extra_warnings": "none",
    jit: "off",
    plan_cache_mode: "auto",
    enable_bitmapscan: "on",
    enable_hashagg: "on",
    enable_hashjoin: "on",
    enable_indexonlyscan: "on",
    enable_indexscan: "on",
    enable_material: "on",
    enable_mergejoin: "on",
    enable_nestloop: "on",
    enable_partition_pruning: "on",
    enable_seqscan: "on",
    enable_sort: "on",
};

/**
 * A postgres.js client with pinned settings on each connection.
 *
 * - bigint (so count(*) too) arrives as a JS number. Beyond ±2^53 (files.mtime_ns; no count ever is) it arrives as a JS
 *   bigint, which no arithmetic with numbers takes silently. numeric arrives as a string.
 * - Arrays of the built-in types work as parameters (`where id = any(${ids}::bigint[])`) and arrive as JS arrays. Write
 *   the cast; and an array of booleans, Dates or bigints must be wrapped: `${sql.array(flags)}`.
 * - drizzle changes the client it is given (dates and JSON go through as text): give it one of its own.
 * - Not for COPY, and no `begin()` or `reserve()` where data depends on it: see docs/system_architecture.md.
 *
 * Close it with `end({ timeout })`.
 */
export function connect(target: DatabaseTarget, options: ConnectOptions): Sql {
    const sql = postgres({
        host: target.host.startsWith("/") ? undefined : target.host,
        path: socketPath(target),
        port: target.port,
        database: target.database,
        username: target.user,
        password: target.password,
        ssl: tlsOf(target),
        max: options.max,
        connect_timeout: target.connectTimeoutSeconds ?? options.connectTimeoutSeconds ?? 10,
        keep_alive: 30,
        // Its own backoff grows to 20 s: a database that is back would go unnoticed for that long.
        backoff: (retries) => Math.min(0.05 * 2 ** retries, 1),
        idle_timeout: 0,
        // Named, or the driver would take them from PG… variables. (PGPASSWORD stays: both drivers use it, as libpq does,
        // for a URL without a password.)
        ...({ sslnegotiation: null, max_pipeline: 100 } as object),
        // A statement that is prepared by name is unknown to the server connection of the next transaction.
        prepare: target.pooler?.mode !== "transaction",
        debug: false,
        max_lifetime: null,
        // Its failure at start-up would be an unhandled rejection; array-types.ts knows what it would find.
        fetch_types: false,
        onnotice: (notice) => options.onNotice?.(notice.message ?? ""),
        types: { bigint: { to: 20, from: [20], parse: parseBigint, serialize: String } },
        connection: settingsFor(target, options),
        ...(hasSeveralHosts(target) && ({ socket: () => openSocket(target) } as object)),
    });
    addArrayTypes(sql);
    return sql;
}

const hasSeveralHosts = ({ otherHosts = [] }: DatabaseTarget) => otherHosts.length > 0;

/** A socket that is on its way to the host that is wanted now; the driver hears of its failure. */
async function openSocket(target: DatabaseTarget): Promise<Socket> {
    const { host, port } = await locate(target);
    // The driver looks at `host` for the name in a certificate.
    return Object.assign(createConnection(port, host), { host });
}

/** The target with the host that is wanted now, where its URL names several. */
export async function locate(target: DatabaseTarget): Promise<DatabaseTarget> {
    return hasSeveralHosts(target) ? await chooseHost(target, isWanted) : target;
}

const locatePatienceSeconds = 2;

async function isWanted(candidate: DatabaseTarget): Promise<boolean> {
    const options = { applicationName: "sluice locate", max: 1, connectTimeoutSeconds: locatePatienceSeconds };
    const sql = connect({ ...candidate, connectTimeoutSeconds: null }, options);
    try {
        const [session] = await sql<SessionKind[]>`
            select
                pg_is_in_recovery() as "isStandby",
                current_setting('transaction_read_only')::boolean as "isReadOnly"`;
        return isSessionWanted(candidate.sessionAttributes, session!);
    } finally {
        await sql.end({ timeout: 0 });
    }
}

/**
 * A Bun.SQL client of one connection with the same settings, for copyRows and nothing else. Close it with `close()`.
 * Of several hosts it takes the first: `locate` the target before. After a lost connection the next statement opens a new one.
 */
export function connectForCopy(target: DatabaseTarget, options: { applicationName: string }): SQL {
    return new SQL({
        adapter: "postgres",
        // Without one the client would parse DATABASE_URL, and knows no URL with several hosts.
        url: "postgres://localhost",
        hostname: target.host.startsWith("/") ? undefined : target.host,
        path: socketPath(target),
        port: target.port,
        database: target.database,
        username: target.user,
        password: target.password,
        tls: tlsOf(target),
        max: 1,
        idleTimeout: 0,
        maxLifetime: 0,
        connectionTimeout: target.connectTimeoutSeconds ?? 10,
        connection: settingsFor(target, options),
    });
}

function settingsFor(
    target: DatabaseTarget,
    { applicationName, settings }: Pick<ConnectOptions, "applicationName" | "settings">,
): Record<string, string> {
    if (target.pooler && (target.pooler.mode === "transaction" || !target.pooler.takesSettings)) {
        return { application_name: applicationName, ...trackedSettings };
    }
    const pinned = Object.entries({ ...pinnedOptions, ...target.overrides, ...settings })
        .filter(([, value]) => value !== null)
        // https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-OPTIONS
        .map(([name, value]) => `-c ${name}=${value!.replace(/[\\ ]/g, "\\$&")}`);
    // The last one wins: what the URL says of other settings holds.
    const options = [target.serverOptions ?? "", ...pinned].join(" ").trim();
    return { application_name: applicationName, ...trackedSettings, options };
}

function socketPath(target: DatabaseTarget): string | undefined {
    return target.host.startsWith("/") ? `${target.host}/.s.PGSQL.${target.port}` : undefined;
}

function parseBigint(text: string): number | bigint {
    const value = Number(text);
    return Number.isSafeInteger(value) ? value : BigInt(text);
}

/**
 * As both drivers take it. openDatabase decides `allow` and `prefer`; a target that did not pass through it gets the plain
 * reading.
 */
function tlsOf({ tls: { mode, ca } }: DatabaseTarget) {
    if (mode === "disable" || mode === "allow") return false;
    if (mode === "prefer" || mode === "require") return mode;
    return {
        rejectUnauthorized: true,
        ...(ca === null ? {} : { ca }),
        ...(mode === "verify-ca" ? { checkServerIdentity: () => undefined } : {}),
    };
}
