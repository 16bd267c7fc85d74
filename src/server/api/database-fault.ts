/** Tells an absent, a slow, an unprepared and a read-only database from a statement that is wrong. */
import { isConnectionFault, isRetryable, sqlStateOf, sqlStates } from "../../database/sql-states.ts";
import { Problem } from "./problem.ts";

/** The tables, a column or a function are not there, or this role may not read them. */
const unpreparedStates: ReadonlySet<string> = new Set([
    sqlStates.undefinedTable,
    sqlStates.undefinedFunction,
    sqlStates.insufficientPrivilege,
    "42703",
    "3F000",
]);

/** Wrong database, wrong login, no one let in (allow_connections): nothing that the caller can change. */
const awayStates: ReadonlySet<string> = new Set([
    sqlStates.invalidCatalogName,
    sqlStates.invalidAuthorization,
    sqlStates.invalidPassword,
    sqlStates.objectNotInPrerequisiteState,
]);

/** The problem to answer with, or undefined when the fault is our own (a wrong statement, a bug). */
export function toDatabaseProblem(error: unknown): Problem | undefined {
    const state = sqlStateOf(error);
    if (state === sqlStates.queryCanceled) return slowDatabase(error);
    if (state === sqlStates.readOnlyTransaction) return readOnlyDatabase(error);
    if (state !== null && unpreparedStates.has(state)) return unpreparedDatabase(error);
    const isAway = isConnectionFault(error) || isRetryable(error) || (state !== null && awayStates.has(state));
    return isAway ? absentDatabase(error) : undefined;
}

export function absentDatabase(cause: unknown): Problem {
    return new Problem({
        code: "database_unavailable",
        detail: "No old number is given as if it were new. Ask again: there is an answer as soon as it is back.",
        cause,
    });
}

function unpreparedDatabase(cause: unknown): Problem {
    return new Problem({
        code: "database_not_ready",
        detail: "Its tables are missing, of another version, or not readable for this role. Run `bun run migrate`.",
        cause,
    });
}

function readOnlyDatabase(cause: unknown): Problem {
    return new Problem({
        code: "database_read_only",
        detail: "It is a standby, or its administrator made it read-only: only what reads is answered. Ask an API whose database is the primary.",
        cause,
    });
}

export function slowDatabase(cause?: unknown): Problem {
    return new Problem({
        code: "database_slow",
        detail: "The query was ended. Ask again later, or for less: a shorter range, a filter, a smaller limit.",
        cause,
    });
}
