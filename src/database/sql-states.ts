/**
 * SQLSTATEs by name, and what a failure means to its caller. Matched by code, never by message text.
 *
 * Both drivers are understood: postgres.js puts the SQLSTATE in `code`, Bun.sql in `errno` (its `code` names the
 * kind of failure), and our own errors in `sqlState`.
 */

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
export const sqlStates = {
    protocolViolation: "08P01",
    uniqueViolation: "23505",
    readOnlyTransaction: "25006",
    inFailedTransaction: "25P02",
    idleInTransactionTimeout: "25P03",
    transactionTimeout: "25P04",
    invalidAuthorization: "28000",
    invalidPassword: "28P01",
    invalidCatalogName: "3D000",
    invalidSchemaName: "3F000",
    serializationFailure: "40001",
    deadlockDetected: "40P01",
    insufficientPrivilege: "42501",
    syntaxError: "42601",
    undefinedTable: "42P01",
    undefinedColumn: "42703",
    undefinedObject: "42704",
    undefinedFunction: "42883",
    diskFull: "53100",
    outOfMemory: "53200",
    tooManyConnections: "53300",
    configurationLimitExceeded: "53400",
    programLimitExceeded: "54000",
    objectNotInPrerequisiteState: "55000",
    objectInUse: "55006",
    lockNotAvailable: "55P03",
    duplicatePreparedStatement: "42P05",
    invalidStatementName: "26000",
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

/** Ours, raised in sql/: a test holds the two together. */
export const sluiceStates = {
    /** Another worker has taken over, or moved a file on; the ledger knows better. */
    loadFenced: "SL001",
    /** A count in a merge did not add up, and nothing was committed. */
    countsDiffer: "SL002",
    /** A dry run: what would have been is in its DETAIL. */
    triedOnly: "SL003",
    rejectNotEditable: "SL004",
    pruneRunning: "SL005",
    /** As countsDiffer, where the merge took the loader's word for what is staged: counted, it shows what was lost. */
    stagedRowsMissing: "SL006",
    /** A snapshot that its stream's limits or the table refuse as a whole: problem and detail are in its DETAIL. */
    snapshotRefused: "SL007",
    /** Somebody has changed a reject, or the row that it contradicts, since the caller saw it. */
    rejectChanged: "SL008",
    /** Records that cannot go straight into the table: they are staged and merged. */
    directRefused: "SL009",
    /** TableShapeFault: a table is not the one that Sluice made. */
    tableShape: "SL010",
    /** The text of a record of a snapshot is needed, which was staged typed: its file is staged again, as text. */
    textNeeded: "SL011",
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

/**
 * The meaning of a server's answer for the statement that got it.
 *
 * - `away`: the connection, or the way to the server, is at fault. Wait until it answers.
 * - `crowded`: there is no connection left for us.
 * - `busy`: nothing was changed, and the same statement may pass in a while.
 * - `cut`: the same, and it was ended before it was done: smaller steps are likelier to pass.
 * - `halted`: nothing was changed, and it passes when somebody has seen to it.
 * - `data`: the same input fails again.
 * - `schema`: nothing was changed; a table, a column, a function or a right is not there.
 */
export type Meaning = "away" | "crowded" | "busy" | "cut" | "halted" | "data" | "schema";

/** By SQLSTATE, or by class for all others of that class. A state that is not here is our own fault. */
const meanings: Readonly<Record<string, Meaning>> = {
    "08": "away",
    "22": "data",
    "23": "data",
    [sqlStates.readOnlyTransaction]: "halted",
    // None of our statements leaves a session in this state: the next one has a transaction of its own.
    "25P01": "busy",
    [sqlStates.inFailedTransaction]: "busy",
    [sqlStates.idleInTransactionTimeout]: "cut",
    [sqlStates.transactionTimeout]: "cut",
    // A login that was good when the run began, and a database that was there.
    "28": "halted",
    [sqlStates.invalidCatalogName]: "halted",
    [sqlStates.serializationFailure]: "busy",
    [sqlStates.deadlockDetected]: "busy",
    "53": "busy",
    [sqlStates.tooManyConnections]: "crowded",
    [sqlStates.outOfMemory]: "cut",
    [sqlStates.configurationLimitExceeded]: "cut",
    [sqlStates.programLimitExceeded]: "data",
    [sqlStates.invalidSchemaName]: "schema",
    [sqlStates.insufficientPrivilege]: "schema",
    [sqlStates.undefinedTable]: "schema",
    [sqlStates.undefinedColumn]: "schema",
    [sqlStates.undefinedFunction]: "schema",
    // An undefined object, a column of another type, one that is generated, no primary key, a view in place of the table.
    [sqlStates.undefinedObject]: "schema",
    "42804": "schema",
    "42846": "schema",
    "428C9": "schema",
    "42P10": "schema",
    "42809": "schema",
    [sluiceStates.tableShape]: "schema",
    "55": "halted",
    [sqlStates.objectInUse]: "busy",
    [sqlStates.lockNotAvailable]: "busy",
    "57": "busy",
    [sqlStates.queryCanceled]: "cut",
    [sqlStates.adminShutdown]: "away",
    [sqlStates.crashShutdown]: "away",
    [sqlStates.cannotConnectNow]: "away",
    [sqlStates.databaseDropped]: "away",
    [sqlStates.idleSessionTimeout]: "away",
    "58": "halted",
    [sqlStates.raiseException]: "data",
    [sqlStates.assertFailure]: "data",
};

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

/** Null when it is no answer of the server's, or one that only a change of the program or of the schema helps. */
export function meaningOf(error: unknown): Meaning | null {
    const state = sqlStateOf(error);
    if (state !== null) return meanings[state] ?? meanings[state.slice(0, 2)] ?? null;
    return codesOf(error).some((code) => connectionCodes.has(code)) ? "away" : null;
}

/** There is no connection: the statement may or may not have been carried out. */
export function isConnectionFault(error: unknown): boolean {
    const meaning = meaningOf(error);
    return meaning === "away" || meaning === "crowded";
}

/**
 * The same input would fail again: class 22 (data), 23 (constraints), a program limit such as an index row that is too
 * long, and what our own SQL raises.
 */
export function isDataFault(error: unknown): boolean {
    return meaningOf(error) === "data";
}

/** Nothing was changed, and the same statement may pass in a while. Connection faults are asked for separately. */
export function isRetryable(error: unknown): boolean {
    const meaning = meaningOf(error);
    return meaning === "busy" || meaning === "cut";
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
