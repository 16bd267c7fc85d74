/**
 * SQLSTATEs by name, and what a failure means for whoever caught it. Matched by code, never by message text.
 *
 * Both drivers are understood: postgres.js puts the SQLSTATE in `code`, Bun.sql in `errno` (its `code` names the
 * kind of failure), and our own errors in `sqlState`.
 */

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
export const sqlStates = {
    connectionException: "08000",
    connectionDoesNotExist: "08003",
    connectionFailure: "08006",
    protocolViolation: "08P01",
    dataException: "22000",
    badCopyFileFormat: "22P04",
    invalidTextRepresentation: "22P02",
    characterNotInRepertoire: "22021",
    uniqueViolation: "23505",
    foreignKeyViolation: "23503",
    checkViolation: "23514",
    readOnlyTransaction: "25006",
    inFailedTransaction: "25P02",
    invalidAuthorization: "28000",
    invalidPassword: "28P01",
    invalidCatalogName: "3D000",
    invalidSchemaName: "3F000",
    serializationFailure: "40001",
    deadlockDetected: "40P01",
    insufficientPrivilege: "42501",
    undefinedTable: "42P01",
    undefinedColumn: "42703",
    undefinedFunction: "42883",
    duplicateDatabase: "42P04",
    diskFull: "53100",
    outOfMemory: "53200",
    tooManyConnections: "53300",
    programLimitExceeded: "54000",
    objectInUse: "55006",
    lockNotAvailable: "55P03",
    queryCanceled: "57014",
    adminShutdown: "57P01",
    crashShutdown: "57P02",
    cannotConnectNow: "57P03",
    databaseDropped: "57P04",
    idleSessionTimeout: "57P05",
    raiseException: "P0001",
    assertFailure: "P0004",
    internalError: "XX000",
} as const;

/** postgres.js, then Bun.sql, then the operating system. */
const connectionCodes = new Set([
    "CONNECTION_CLOSED",
    "CONNECTION_ENDED",
    "CONNECTION_DESTROYED",
    "CONNECT_TIMEOUT",
    "ERR_POSTGRES_CONNECTION_CLOSED",
    "ERR_POSTGRES_CONNECTION_FAILED",
    "ERR_POSTGRES_CONNECTION_REFUSED",
    "ERR_POSTGRES_CONNECTION_TIMEOUT",
    "ERR_POSTGRES_IDLE_TIMEOUT",
    "ERR_POSTGRES_LIFETIME_TIMEOUT",
    "ECONNREFUSED",
    "ECONNRESET",
    "ECONNABORTED",
    "EPIPE",
    "ETIMEDOUT",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "EAI_AGAIN",
    "ENOTFOUND",
    "ENOENT",
]);

const connectionStates: ReadonlySet<string> = new Set([
    sqlStates.adminShutdown,
    sqlStates.crashShutdown,
    sqlStates.cannotConnectNow,
    sqlStates.databaseDropped,
    sqlStates.idleSessionTimeout,
    sqlStates.tooManyConnections,
]);

const retryableStates: ReadonlySet<string> = new Set([
    sqlStates.serializationFailure,
    sqlStates.deadlockDetected,
    sqlStates.lockNotAvailable,
    sqlStates.queryCanceled,
    sqlStates.objectInUse,
    sqlStates.diskFull,
    sqlStates.outOfMemory,
]);

const dataStates: ReadonlySet<string> = new Set([
    sqlStates.programLimitExceeded,
    sqlStates.raiseException,
    sqlStates.assertFailure,
]);

const shapeOfSqlState = /^[0-9A-Z]{5}$/;

/** The five characters, whichever driver threw; null when the server did not answer with an error. Looks through `cause`. */
export function sqlStateOf(error: unknown): string | null {
    for (let cause = error, depth = 0; isObject(cause) && depth < 5; cause = cause.cause, depth++) {
        for (const field of ["sqlState", "errno", "code"]) {
            const value = cause[field];
            // An errno such as EPIPE has five capitals too: only SQLSTATEs have a digit in them.
            if (typeof value === "string" && shapeOfSqlState.test(value) && /[0-9]/.test(value)) {
                return isFullUnnamed(value, cause) ? sqlStates.diskFull : value;
            }
        }
    }
    return null;
}

/**
 * Up to 16 a connection that finds no room for the file with which it begins has no SQLSTATE of its own: the two
 * functions of relcache.c that write it.
 */
function isFullUnnamed(state: string, { file, routine }: Record<string, unknown>): boolean {
    if (state !== sqlStates.internalError || file !== "relcache.c") return false;
    return routine === "write_item" || routine === "write_relcache_init_file";
}

/** The connection, or the way to the server, is at fault: the statement may or may not have been carried out. */
export function isConnectionFault(error: unknown): boolean {
    const state = sqlStateOf(error);
    if (state !== null) return state.startsWith("08") || connectionStates.has(state);
    return codesOf(error).some((code) => connectionCodes.has(code));
}

/**
 * The same input would fail again: class 22 (data), 23 (constraints), a program limit such as an index row that is too
 * long, and what our own SQL raises.
 */
export function isDataFault(error: unknown): boolean {
    const state = sqlStateOf(error);
    if (state === null) return false;
    return state.startsWith("22") || state.startsWith("23") || dataStates.has(state);
}

/** Nothing was changed, and the same statement may pass in a while. Connection faults are asked for separately. */
export function isRetryable(error: unknown): boolean {
    const state = sqlStateOf(error);
    return state !== null && retryableStates.has(state);
}

function codesOf(error: unknown): string[] {
    const codes: string[] = [];
    const open = [error];
    while (open.length > 0 && codes.length < 20) {
        const next = open.pop();
        if (!isObject(next)) continue;
        if (typeof next.code === "string") codes.push(next.code);
        // A name with several addresses fails with an AggregateError of one error per address.
        if (Array.isArray(next.errors)) open.push(...next.errors);
        if (next.cause !== undefined) open.push(next.cause);
    }
    return codes;
}

function isObject(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null;
}
