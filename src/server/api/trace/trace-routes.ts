/** `GET /v1/trace` */
import { readTrace, type TraceSubject } from "../../../operations/read-trace.ts";
import { traceSchema } from "../../../operations/trace-schema.ts";
import type { Column } from "../../../streams/stream.ts";
import { addGetRoute } from "../get-route.ts";
import { Problem } from "../problem.ts";
import type { Api, Context } from "../route-types.ts";
import { idParameterSchema, textSchema } from "../shapes.ts";

export function addTraceRoutes(app: Api, context: Context, { name, type: { typed } }: Column): void {
    const keySchema = textSchema(typed?.mostCharacters ?? 0)
        .refine((text) => typed?.form.test(text), `must be ${typed?.description}`)
        .optional();
    addGetRoute(app, context, {
        path: "/v1/trace",
        summary: `The life of a record: give ${name}, or file and record`,
        query: {
            ...(typed && { [name]: keySchema }),
            file: textSchema(4096).optional().openapi({ description: "A path, as the watched folder names it." }),
            record: idParameterSchema.optional(),
        },
        answer: { description: "The trace", schema: traceSchema },
        toQuestion: (parameters) => subjectOf(name, parameters),
        async read(_, subject) {
            const trace = await readTrace(context.reader.sql, subject);
            return trace.records.length === 0 ? undefined : trace;
        },
        missing: { code: "record_not_found", detail: "Nothing of it is kept: no event and no reject." },
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
    throw new Problem("invalid_parameter", `Give \`${name}\` alone, or \`file\` and \`record\`.`, {
        parameter: key === undefined && file !== undefined ? "record" : name,
    });
}
