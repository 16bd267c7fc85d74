/** What becomes of anything that a route throws. */
import { HTTPException } from "hono/http-exception";
import { sqlStateOf } from "../../database/sql-states.ts";
import { Problem, problemResponse, problems } from "./problem.ts";

/** For whoever runs the API: what failed, without SQL text, parameters or row values. */
export interface Fault {
    requestId: string;
    code: string;
    summary: string;
}

export function printFault({ requestId, code, summary }: Fault): void {
    console.error(`api: ${code} (request ${requestId}): ${summary}`);
}

/**
 * Turns an error into a problem+json response. Reports what is our fault (500) through `onFault`; a caller's mistake
 * or an absent database is not reported, the response says it all.
 */
export function answerFault(error: unknown, requestId: string, onFault: (fault: Fault) => void): Response {
    return problemResponse(toReportedProblem(error, requestId, onFault), requestId);
}

/** The same for what fails outside a request. */
export function toReportedProblem(error: unknown, requestId: string, onFault: (fault: Fault) => void): Problem {
    const problem = toProblem(error);
    if (problems[problem.code].status === 500) {
        onFault({ requestId, code: problem.code, summary: summarize(error) });
    }
    return problem;
}

function toProblem(error: unknown): Problem {
    if (error instanceof Problem) return error;
    if (error instanceof HTTPException) return fromHttpException(error);
    return new Problem({
        code: "internal_error",
        detail: "The request could not be answered. The program's error output has the reason under this request id.",
        cause: error,
    });
}

function fromHttpException(error: HTTPException): Problem {
    if (error.status === 413) return new Problem({ code: "body_too_large", detail: "Send a smaller request body." });
    if (error.status === 415) {
        return new Problem({ code: "unsupported_media_type", detail: "See /openapi.json for the type to send." });
    }
    if (error.status === 400)
        return new Problem({ code: "invalid_body", detail: "The body could not be read as JSON." });
    return new Problem({ code: "internal_error", detail: "The request could not be answered.", cause: error });
}

/** A database's own message can quote values, and drizzle's quotes the statement: only the SQLSTATE is told. */
function summarize(error: unknown): string {
    const state = sqlStateOf(error);
    if (state !== null) return `the database refused a statement (${state})`;
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
