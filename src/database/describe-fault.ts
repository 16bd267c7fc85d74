/** Says in a few words, for a sentence of ours, why the server failed and what helps. Pure. */
import { meaningOf, sqlStateOf, sqlStates } from "./sql-states.ts";

/** By SQLSTATE, or by class for all others of that class. */
const phrases: Readonly<Record<string, string>> = {
    [sqlStates.readOnlyTransaction]: "it is read-only: a standby, or set to read only",
    "25": "the session's transaction had ended; the next attempt begins a new one",
    [sqlStates.idleInTransactionTimeout]: "a timeout for idle transactions ended the session; raise it for this user",
    [sqlStates.transactionTimeout]: "a transaction_timeout ended the session; raise it for this user",
    "28": "it refuses this user's login",
    [sqlStates.invalidCatalogName]: "the database no longer exists",
    "40": "another session changed the same rows at the same time",
    [sqlStates.diskFull]: "its disk is full; free some space there",
    [sqlStates.outOfMemory]: "it is out of memory; give it more, or lower --max-batch-records",
    [sqlStates.tooManyConnections]: "it has no connection left for this user",
    [sqlStates.configurationLimitExceeded]: "a limit such as temp_file_limit was reached; raise it for this user",
    "53": "it lacks the resources",
    [sqlStates.objectInUse]: "another session uses the same object; see pg_stat_activity",
    [sqlStates.lockNotAvailable]: "another session holds a lock; see pg_locks",
    [sqlStates.objectNotInPrerequisiteState]:
        "it accepts no connections (allow_connections), or is not ready for this; see its log",
    "55": "it is not in a state that allows this; see its log",
    [sqlStates.queryCanceled]: "the statement was cancelled: by a proxy's timeout, or by hand (pg_cancel_backend)",
    "57": "somebody intervened on the server; see its log",
    "58": "it failed to read or write its own files; see its log",
};

/** `53100: its disk is full; free some space there`; the bare SQLSTATE where there is nothing to say of it; null without one. */
export function describeFault(error: unknown): string | null {
    const state = sqlStateOf(error);
    if (state === null) return null;
    // Messages about tables, columns and rights hold names, never a value.
    if (meaningOf(error) === "schema") return `${state}: ${(error as Error).message}`;
    const phrase = phrases[state] ?? phrases[state.slice(0, 2)];
    return phrase === undefined ? state : `${state}: ${phrase}`;
}
