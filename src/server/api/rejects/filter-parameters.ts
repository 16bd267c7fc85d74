/** Which rejects are meant: the same parameters for the list, the edits and the replays. */
import { z } from "@hono/zod-openapi";
import { rejectKinds } from "../../../database/schema.ts";
import { findColumnFault } from "../../../operations/rejects/column-fault.ts";
import type { RejectFilter } from "../../../operations/rejects/reject-filter.ts";
import type { KnownStream } from "../../../operations/streams/read-streams.ts";
import type { Stream } from "../../../streams/stream.ts";
import { Problem } from "../problem.ts";
import type { Context } from "../route-types.ts";
import { instantParameterSchema, rangeParameters, refuseEmptyRange, textSchema } from "../shapes.ts";
import { reasonParameter, refuseUnknownReason } from "./known-reasons.ts";

/** All but `batch` and `stream`, which queries and bodies write differently. */
export const filterParameters = {
    kind: z.enum(rejectKinds).optional(),
    reason: reasonParameter.optional(),
    file: textSchema(4096).optional().openapi({ description: "A file's id, or its path." }),
    column: textSchema(200).optional().openapi({
        description: "A column that has a reason, or in which a conflict differs from the stored row.",
        example: "total",
    }),
    contains: textSchema(1000).optional().openapi({
        description: "Text in one of the raw values, or in the raw line. Case-insensitive.",
    }),
    ...rangeParameters,
};

const mostRejects = 1000;

export const filterBody = {
    stream: textSchema(200).optional().openapi({ description: "Only this stream; default: all, in turn." }),
    ...filterParameters,
    batch: z.number().int().positive().optional().openapi({ description: "The id of the batch that rejected it." }),
    rejects: z
        .array(z.number().int().positive())
        .min(1)
        .max(mostRejects)
        .optional()
        .openapi({ description: "Only rejects with these ids." }),
    since: instantParameterSchema.optional().openapi({ description: "The same as `from`.", deprecated: true }),
};

interface Asked {
    kind?: RejectFilter["kind"];
    reason?: string | undefined;
    file?: string | undefined;
    batch?: number | undefined;
    column?: string | undefined;
    contains?: string | undefined;
    from?: string | undefined;
    to?: string | undefined;
    rejects?: number[] | undefined;
    since?: string | undefined;
}

/**
 * The filter of a request, without its stream.
 * @throws Problem `code` for a reason or a column that none of the streams has
 */
export async function filterOf(
    asked: Asked,
    { context, builtIn, stream, code }: FilterContext,
): Promise<Omit<RejectFilter, "streamId">> {
    const { kind, reason, file, batch, column: name, contains, from, to, rejects: ids, since } = asked;
    refuseEmptyRange({ from: from ?? since, to });
    await refuseUnknownReason(context, builtIn, { reason, stream }, code);
    const column = name === undefined ? undefined : await columnOf(name, { context, builtIn, stream, code });
    return { kind, reason, file, batch, column, contains, from: from ?? since, to, ids };
}

interface FilterContext {
    context: Context;
    builtIn: Stream;
    stream: KnownStream | undefined;
    code: "invalid_parameter" | "invalid_body";
}

async function columnOf(name: string, { context, builtIn, stream, code }: FilterContext) {
    const streams = stream === undefined ? await context.streams.all() : [stream];
    const found = findColumnFault(name, streams, builtIn);
    if ("column" in found) return found.column;
    throw new Problem(code, `\`column\`: ${found.problem}`, { parameter: "column" });
}
