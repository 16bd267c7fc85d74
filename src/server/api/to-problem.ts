/** Turns whatever a route throws into a problem. */

import type { z } from "@hono/zod-openapi";
import { HTTPException } from "hono/http-exception";
import { isConnectionFault, isRetryable, sqlStateOf, sqlStates } from "../../database/sql-states.ts";
import { program } from "../../environment.ts";
import { Problem } from "./problem.ts";

/** For the operator of the API: what failed, without SQL text, parameters or row values. */
export interface Fault {
    requestId: string;
    code: string;
    summary: string;
}

export function printFault({ requestId, code, summary }: Fault): void {
    console.error(`api: ${code} (request ${requestId}): ${summary}`);
}

/** Reports a fault of our own (500) through `onFault`. In all other cases the answer tells the caller everything. */
export function toReportedProblem(error: unknown, requestId: string, onFault: (fault: Fault) => void): Problem {
    const problem = toProblem(error);
    if (problem.status === 500) onFault({ requestId, code: problem.code, summary: summarize(error) });
    return problem;
}

function toProblem(error: unknown): Problem {
    if (error instanceof Problem) return error;
    const status = error instanceof HTTPException ? error.status : null;
    if (status === 413) return new Problem("body_too_large", "Send a smaller request body.");
    if (status === 415) return new Problem("unsupported_media_type", "/openapi.json lists the accepted types.");
    if (status === 400) return new Problem("invalid_body", "The body could not be read as JSON.");
    return new Problem(
        "internal_error",
        "An unexpected error occurred. The program's log has the cause under this request id.",
        { cause: error },
    );
}

/** A database's own message can quote values, and drizzle's quotes the statement: only the SQLSTATE is told. */
function summarize(error: unknown): string {
    const state = sqlStateOf(error);
    if (state !== null) return `the database refused a statement (${state})`;
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

const databaseProblems = {
    database_unavailable: "Sluice does not answer with old numbers. Try again once the database is back.",
    database_not_ready: `Tables are missing, or from another version. Run \`${program} migrate\`.`,
    database_rights:
        "The role that the API connects as may not read something that it needs. Restart `start`, or, with a database of " +
        "your own, run sql/roles/api_reader.sql as its owner.",
    database_read_only:
        "The database is a standby, or set to read-only, so only reads work. Use an API on the primary.",
    database_slow:
        "The query was cancelled. Try again later, or request less: a shorter range, a filter, a smaller limit.",
};

export function databaseProblem(code: keyof typeof databaseProblems, cause?: unknown): Problem {
    return new Problem(code, databaseProblems[code], { cause });
}

const problemsByState: Readonly<Record<string, keyof typeof databaseProblems>> = {
    [sqlStates.queryCanceled]: "database_slow",
    [sqlStates.readOnlyTransaction]: "database_read_only",
    // The tables, a column or a function are missing.
    [sqlStates.undefinedTable]: "database_not_ready",
    [sqlStates.undefinedColumn]: "database_not_ready",
    [sqlStates.undefinedFunction]: "database_not_ready",
    [sqlStates.insufficientPrivilege]: "database_rights",
    [sqlStates.invalidSchemaName]: "database_not_ready",
    // Wrong database, wrong login, no one let in (allow_connections): nothing that the caller can change.
    [sqlStates.invalidCatalogName]: "database_unavailable",
    [sqlStates.invalidAuthorization]: "database_unavailable",
    [sqlStates.invalidPassword]: "database_unavailable",
    [sqlStates.objectNotInPrerequisiteState]: "database_unavailable",
};

/** For the `catch` of what asks the database. A wrong statement or a bug is thrown on as it is. @throws Problem */
export function throwDatabaseProblem(error: unknown): never {
    const known = problemsByState[sqlStateOf(error) ?? ""];
    if (known) throw databaseProblem(known, error);
    throw isConnectionFault(error) || isRetryable(error) ? databaseProblem("database_unavailable", error) : error;
}

interface CheckedRequest {
    target: string;
    error?: z.ZodError;
}

/** The `defaultHook` of the app: names the parameter that zod refused. @throws Problem */
export function refuseInvalidRequest({ target, error }: CheckedRequest): void {
    const issue = error?.issues[0];
    if (!issue) return;
    if (issue.code === "unrecognized_keys") throw unknownParameter(String(issue.keys[0]));
    const parameter = issue.path.map(String).join(".");
    const sentence = issue.message.endsWith("?") ? issue.message : `${issue.message}.`;
    const code = target === "json" ? "invalid_body" : "invalid_parameter";
    throw parameter === ""
        ? new Problem(code, sentence)
        : new Problem(code, `\`${parameter}\`: ${sentence}`, { parameter });
}

function unknownParameter(name: string): Problem {
    return new Problem(
        "unknown_parameter",
        "Unknown parameters are refused, because ignoring one would give a wrong answer. See /openapi.json.",
        // The caller's text, so it is cut.
        { parameter: name.slice(0, 100) },
    );
}
