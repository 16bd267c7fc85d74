/** `GET /v1/trace` */
import { createRoute, z } from "@hono/zod-openapi";
import { isEventId, readTrace, type TraceSubject, traceOutcomes } from "../../../operations/read-trace.ts";
import type { Api, Context } from "../api.ts";
import { sharedForMs } from "../api.ts";
import { Problem, problemResponses } from "../problem.ts";
import { rejectKinds, rejectResolutions } from "../rejects/read-rejects.ts";
import { refusalSchema } from "../rejects/refusal.ts";
import { countSchema, idParameterSchema, idSchema, textSchema } from "../shapes.ts";

/** As Postgres writes an instant in JSON. */
const momentSchema = z.iso.datetime({ offset: true });
const rawRecordSchema = z.record(z.string(), z.string().nullable());

const batchSchema = z.object({
    batchId: idSchema,
    kind: z.enum(["merge", "replay"]),
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
                "For an event_id: the event's own record first, then its rivals. For a file: every version, newest first.",
        }),
    })
    .openapi("Trace");

const getTrace = createRoute({
    method: "get",
    path: "/v1/trace",
    summary: "The life of a record: give event_id, or file and record",
    request: {
        query: z.strictObject({
            event_id: textSchema(36).refine(isEventId, "must be a UUID with its dashes").optional(),
            file: textSchema(4096).optional().openapi({ description: "A path, as the watched folder names it." }),
            record: idParameterSchema.optional(),
        }),
    },
    responses: {
        200: { description: "The trace", content: { "application/json": { schema: traceSchema } } },
        ...problemResponses(400, 404, 503),
    },
});

export function addTraceRoutes(app: Api, { reader }: Context): void {
    app.openapi(getTrace, async (c) => {
        const subject = subjectOf(c.req.valid("query"));
        const key = `trace ${JSON.stringify(subject)}`;
        const trace = await reader.share(key, sharedForMs.live, () => readTrace(reader.sql, subject));
        if (trace.records.length === 0) {
            throw new Problem({ code: "record_not_found", detail: "Nothing of it is kept: no event and no reject." });
        }
        return c.json(trace, 200);
    });
}

function subjectOf(query: {
    event_id?: string | undefined;
    file?: string | undefined;
    record?: number | undefined;
}): TraceSubject {
    const { event_id: eventId, file, record } = query;
    if (eventId !== undefined && file === undefined && record === undefined) return { eventId: eventId.toLowerCase() };
    if (eventId === undefined && file !== undefined && record !== undefined) return { file, record };
    throw new Problem({
        code: "invalid_parameter",
        detail: "Give `event_id` alone, or `file` and `record`.",
        parameter: eventId === undefined ? (file === undefined ? "event_id" : "record") : "event_id",
    });
}
