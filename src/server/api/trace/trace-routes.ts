/** `GET /v1/trace` */
import { createRoute, z } from "@hono/zod-openapi";
import { batchKinds, rejectKinds, rejectResolutions } from "../../../database/schema.ts";
import { readTrace, type TraceSubject, traceOutcomes } from "../../../operations/read-trace.ts";
import type { Column } from "../../../streams/stream.ts";
import type { Api, Context } from "../api.ts";
import { sharedForMs } from "../api.ts";
import { Problem, problemResponses } from "../problem.ts";
import { refusalSchema } from "../rejects/refusal.ts";
import { countSchema, idParameterSchema, idSchema, textSchema } from "../shapes.ts";

/** As Postgres writes an instant in JSON. */
const momentSchema = z.iso.datetime({ offset: true });
const rawRecordSchema = z.record(z.string(), z.string().nullable());

const batchSchema = z.object({
    batchId: idSchema,
    kind: z.enum(batchKinds),
    workerId: z.string(),
    startedAt: momentSchema,
    committedAt: momentSchema,
});

const tracedRecordSchema = z
    .object({
        recordNo: countSchema,
        outcome: z
            .enum(traceOutcomes)
            .openapi({ description: "Where the record is now. Duplicates are not kept. pruned: gone for its age." }),
        file: z.object({
            fileId: idSchema,
            path: z.string(),
            version: idSchema,
            state: z.string(),
            sizeBytes: countSchema,
            discoveredAt: momentSchema,
            mergedAt: momentSchema.nullable(),
            archivedAt: momentSchema.nullable(),
            archivedTo: z.string().nullable(),
        }),
        chunk: z.object({
            chunkId: idSchema,
            state: z.string(),
            firstByte: countSchema,
            endByte: countSchema,
            firstRecordNo: countSchema,
            records: countSchema,
            contentHash: z.string(),
            stagedAt: momentSchema,
            mergedAt: momentSchema.nullable(),
        }),
        load: z
            .object({
                loadId: idSchema,
                way: z.string(),
                workerId: z.string(),
                startedAt: momentSchema,
                endedAt: momentSchema.nullable(),
            })
            .nullable(),
        insertedBy: batchSchema.nullable(),
        event: rawRecordSchema.nullable(),
        rejects: z.array(
            z.object({
                rejectId: idSchema,
                kind: z.enum(rejectKinds),
                reasons: z.array(z.string()),
                record: rawRecordSchema.nullable(),
                originalRecord: rawRecordSchema.nullable(),
                rawText: z.string().nullable(),
                refusal: refusalSchema.nullable(),
                lineNo: countSchema.nullable(),
                byteOffset: countSchema.nullable(),
                rejectedAt: momentSchema,
                batch: batchSchema.nullable(),
                resolution: z.enum(rejectResolutions).nullable(),
                resolvedAt: momentSchema.nullable(),
                resolvedBy: batchSchema.nullable(),
            }),
        ),
        verdicts: z
            .array(z.object({ column: z.string(), value: z.string().nullable(), reason: z.string().nullable() }))
            .nullable()
            .openapi({ description: "Of every rule, by today's rules; null when no values are kept." }),
    })
    .openapi("TracedRecord");

const traceSchema = z
    .object({
        asOf: momentSchema,
        records: z.array(tracedRecordSchema).openapi({
            description:
                "For a key: the stored record first, then its rivals. For a file: every version, newest first.",
        }),
    })
    .openapi("Trace");

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
        responses: {
            200: { description: "The trace", content: { "application/json": { schema: traceSchema } } },
            ...problemResponses(400, 404, 503),
        },
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
