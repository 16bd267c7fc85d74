/**
 * Errors as RFC 9457 problem+json: a stable `code`, a sentence, the offending parameter, a request id.
 * Never SQL text, never values of a row, never what the caller sent.
 */
import { z } from "@hono/zod-openapi";

/** Every code that this API answers with. A code is never renamed; clients match on it. */
export const problems = {
    invalid_parameter: { status: 400, title: "Invalid parameter" },
    unknown_parameter: { status: 400, title: "Unknown parameter" },
    invalid_cursor: { status: 400, title: "Invalid cursor" },
    invalid_file_name: { status: 400, title: "Invalid file name" },
    invalid_body: { status: 400, title: "Invalid request body" },
    range_too_wide: { status: 400, title: "Too many buckets in the range" },
    token_required: { status: 401, title: "Token required" },
    token_invalid: { status: 401, title: "Invalid token" },
    host_not_allowed: { status: 403, title: "Host name not allowed" },
    origin_not_allowed: { status: 403, title: "Requests from other sites cannot change anything" },
    role_may_not_write: { status: 403, title: "The API's database role may only read" },
    not_found: { status: 404, title: "Not found" },
    batch_not_found: { status: 404, title: "Batch not found" },
    record_not_found: { status: 404, title: "Record not found" },
    experiment_not_found: { status: 404, title: "Experiment not found" },
    stream_not_found: { status: 404, title: "Stream not found" },
    reject_not_found: { status: 404, title: "Reject not found" },
    file_not_found: { status: 404, title: "File not found" },
    method_not_allowed: { status: 405, title: "Method not allowed" },
    experiment_running: { status: 409, title: "An experiment is running" },
    replay_running: { status: 409, title: "A replay is running" },
    reject_changed: { status: 409, title: "The reject has changed" },
    reject_resolved: { status: 409, title: "The reject is resolved" },
    reject_busy: { status: 409, title: "The reject is being changed" },
    stream_in_bucket: { status: 409, title: "The stream's files are in a bucket" },
    stream_without_key: { status: 409, title: "The stream has no key" },
    table_unreadable: { status: 409, title: "The stream's table cannot be read" },
    body_too_large: { status: 413, title: "Request body too large" },
    unsupported_media_type: { status: 415, title: "Unsupported media type" },
    too_many_attempts: { status: 429, title: "Too many wrong tokens" },
    internal_error: { status: 500, title: "Internal error" },
    database_unavailable: { status: 503, title: "Database unreachable" },
    database_slow: { status: 503, title: "Database too slow" },
    database_read_only: { status: 503, title: "Database is read-only" },
    database_not_ready: { status: 503, title: "Database is not set up" },
    database_rights: { status: 503, title: "Rights are missing in the database" },
    too_many_requests_waiting: { status: 503, title: "Too many requests waiting for the database" },
    too_many_uploads: { status: 503, title: "Too many uploads" },
    too_many_streams: { status: 503, title: "Too many live streams" },
    folder_unavailable: { status: 507, title: "The input folder is not writable" },
} as const;

export type ProblemCode = keyof typeof problems;
export type ProblemStatus = (typeof problems)[ProblemCode]["status"];

export const problemSchema = z
    .object({
        type: z.string().openapi({ example: "urn:sluice:problem:invalid_parameter" }),
        title: z.string(),
        status: z.number().int(),
        detail: z.string(),
        code: z.enum(Object.keys(problems) as [ProblemCode, ...ProblemCode[]]),
        parameter: z.string().optional().openapi({ description: "The invalid parameter, if there is one." }),
        requestId: z.string(),
    })
    .openapi("Problem");

interface ProblemMore {
    parameter?: string;
    headers?: Record<string, string>;
    /** Further members of the body (RFC 9457, section 3.2), such as what was last known. */
    extension?: Record<string, unknown>;
    cause?: unknown;
}

/** Thrown anywhere under a route. `detail` is one or two sentences: what is wrong, and what to do. */
export class Problem extends Error {
    override readonly name = "Problem";

    constructor(
        readonly code: ProblemCode,
        readonly detail: string,
        readonly more: ProblemMore = {},
    ) {
        super(`${code}: ${detail}`, { cause: more.cause });
    }

    get status(): ProblemStatus {
        return problems[this.code].status;
    }

    /** A new one with further members: the same problem may be on its way to several callers. */
    extend(extension: Record<string, unknown>): Problem {
        return new Problem(this.code, this.detail, { ...this.more, extension });
    }
}

/** A 503 always says when to come back. */
export function problemResponse({ code, status, detail, more }: Problem, requestId: string): Response {
    const { parameter, headers, extension } = more;
    const { title } = problems[code];
    const type = `urn:sluice:problem:${code}`;
    return new Response(JSON.stringify({ type, title, status, detail, code, parameter, requestId, ...extension }), {
        status,
        headers: {
            "content-type": "application/problem+json",
            "cache-control": "no-store",
            ...(status === 503 && { "retry-after": "2" }),
            ...headers,
        },
    });
}

/** The responses of a route: its JSON, and what it may refuse. */
export function answers<Schema extends z.ZodType, Status extends ProblemStatus>(
    description: string,
    schema: Schema,
    ...statuses: Status[]
) {
    return { 200: { description, content: { "application/json": { schema } } }, ...problemResponses(...statuses) };
}

/** The problem responses of a route, for `createRoute`. Every route can be asked wrongly and can find no database. */
export function problemResponses<Status extends ProblemStatus>(...statuses: Status[]) {
    const response = (status: ProblemStatus) => ({
        description: titlesOf(status),
        content: { "application/problem+json": { schema: problemSchema } },
    });
    return Object.fromEntries(statuses.map((status) => [status, response(status)])) as Record<
        Status,
        ReturnType<typeof response>
    >;
}

function titlesOf(status: ProblemStatus): string {
    return Object.entries(problems)
        .filter(([, problem]) => problem.status === status)
        .map(([code, problem]) => `\`${code}\`: ${problem.title}.`)
        .join(" ");
}
