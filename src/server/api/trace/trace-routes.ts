/** `GET /v1/trace` */
import { createRoute, z } from "@hono/zod-openapi";
import { readTrace, type TraceSubject } from "../../../operations/read-trace.ts";
import { traceSchema } from "../../../operations/trace-schema.ts";
import type { Column } from "../../../streams/stream.ts";
import type { Api, Context } from "../api.ts";
import { sharedForMs } from "../api.ts";
import { answers, Problem } from "../problem.ts";
import { idParameterSchema, textSchema } from "../shapes.ts";

function getTrace({ name, type: { typed } }: Column) {
    const keySchema = textSchema(typed?.mostCharacters ?? 0)
        .refine((text) => typed?.form.test(text), `must be ${typed?.description}`)
        .optional();
    return createRoute({
        method: "get",
        path: "/v1/trace",
        summary: `The life of a record: give ${name}, or file and record`,
        request: {
            query: z.strictObject({
                ...(typed && { [name]: keySchema }),
                file: textSchema(4096).optional().openapi({ description: "A path, as the watched folder names it." }),
                record: idParameterSchema.optional(),
            }),
        },
        responses: answers("The trace", traceSchema, 400, 404, 503),
    });
}

export function addTraceRoutes(app: Api, { reader }: Context, key: Column): void {
    app.openapi(getTrace(key), async (c) => {
        const subject = subjectOf(key.name, c.req.valid("query"));
        const shared = `trace ${JSON.stringify(subject)}`;
        const trace = await reader.share(shared, sharedForMs.live, () => readTrace(reader.sql, subject));
        if (trace.records.length === 0) {
            throw new Problem({ code: "record_not_found", detail: "Nothing of it is kept: no event and no reject." });
        }
        return c.json(trace, 200);
    });
}

interface TraceParameters {
    file?: string | undefined;
    record?: number | undefined;
}

function subjectOf(name: string, query: TraceParameters): TraceSubject {
    const { [name]: key, file, record } = query as TraceParameters & Record<string, unknown>;
    if (typeof key === "string" && file === undefined && record === undefined) return { key: key.toLowerCase() };
    if (key === undefined && file !== undefined && record !== undefined) return { file, record };
    throw new Problem({
        code: "invalid_parameter",
        detail: `Give \`${name}\` alone, or \`file\` and \`record\`.`,
        parameter: key === undefined && file !== undefined ? "record" : name,
    });
}
