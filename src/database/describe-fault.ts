/** Says in a few words, for a sentence of ours, why the server failed and what helps. Pure. */
import { meaningOf, sqlStateOf, sqlStates } from "./sql-states.ts";

/** By SQLSTATE, or by class for all others of that class. */
const phrases: Readonly<Record<string, string>> = {
    [sqlStates.readOnlyTransaction]: "it takes no changes: it is a standby, or set to read only",
    "25": "the session was in a transaction that is over; the next attempt has one of its own",
    [sqlStates.idleInTransactionTimeout]: "a time-out for idle transactions ended the session; raise it for this user",
    [sqlStates.transactionTimeout]: "a transaction_timeout ended the session; raise it for this user",
    "28": "it refuses the login of this user",
    [sqlStates.invalidCatalogName]: "there is no database of this name any more",
    "40": "another session changed the same rows at the same time",
    [sqlStates.diskFull]: "its disk is full, make room there",
    [sqlStates.outOfMemory]: "it is out of memory, give it more or lower --max-batch-records",
    [sqlStates.tooManyConnections]: "it has no connection left for this user",
    [sqlStates.configurationLimitExceeded]: "a limit such as temp_file_limit was reached, raise it for this user",
    "53": "it lacks the resources",
    [sqlStates.objectInUse]: "another session uses the same object, see pg_stat_activity",
    [sqlStates.lockNotAvailable]: "another session holds a lock, see pg_locks",
    [sqlStates.objectNotInPrerequisiteState]:
        "it lets nobody in (allow_connections), or is not ready for this, see its log",
    "55": "it is not in a state in which it can do this, see its log",
    [sqlStates.queryCanceled]: "the statement was cancelled: by a time-out of a proxy, or by hand (pg_cancel_backend)",
    "57": "somebody intervened on the server, see its log",
    "58": "it failed at its own files, see its log",
};

/** `53100: its disk is full, make room there`; the bare SQLSTATE where there is nothing to say of it; null without one. */
export function describeFault(error: unknown): string | null {
    const state = sqlStateOf(error);
    if (state === null) return null;
    // Messages about tables, columns and rights hold names, never a value.
    if (meaningOf(error) === "schema") return `${state}: ${(error as Error).message}`;
    const phrase = phrases[state] ?? phrases[state.slice(0, 2)];
    return phrase === undefined ? state : `${state}: ${phrase}`;
}
