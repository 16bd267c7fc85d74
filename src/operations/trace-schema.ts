/** The life of a record, as `bun run trace` and `GET /v1/trace` show it. Those who import the types alone load no zod. */
import { z } from "@hono/zod-openapi";
import { batchKinds, historyKinds, rejectKinds, rejectResolutions } from "../database/schema.ts";
import { refusalSchema } from "./refusal-schema.ts";
import { besideSchema } from "./rejects/field-schema.ts";
import { countSchema, idSchema } from "./value-schemas.ts";

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
            .enum([
                "inserted",
                "duplicate",
                "conflict",
                "rejected",
                "displaced",
                "waiting",
                "failed",
                "pruned",
                "merged",
            ])
            .openapi({
                description:
                    "Where the record is now. Duplicates are not kept. pruned: deleted for its age. merged: its table does not " +
                    "record where rows came from, and the record is a row or an exact duplicate of one.",
            }),
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
                /** Of a conflict that stands; else null. */
                beside: besideSchema.nullable(),
            }),
        ),
        verdicts: z
            .array(z.object({ column: z.string(), value: z.string().nullable(), reason: z.string().nullable() }))
            .nullable()
            .openapi({ description: "The result of each of today's rules; null if no values are kept." }),
    })
    .openapi("TracedRecord");

export const traceSchema = z
    .object({
        asOf: momentSchema,
        stream: z.string(),
        stored: rawRecordSchema.nullable().openapi({
            description:
                "For a key of a table that does not record where rows came from, the row with this key. Otherwise null, and " +
                "`event` is the row.",
        }),
        versions: z
            .array(
                z.object({
                    historyId: idSchema,
                    what: z.enum(historyKinds),
                    record: rawRecordSchema,
                    path: z.string().nullable(),
                    recordNo: countSchema,
                    keptAt: momentSchema,
                    batch: batchSchema.nullable(),
                }),
            )
            .openapi({
                description:
                    "For a key of a stream that keeps history: what its row was before, with the record that replaced or " +
                    "deleted it, and the records that came too late (`superseded`), oldest first.",
            }),
        absentFrom: z
            .object({ path: z.string(), version: idSchema, batch: batchSchema.nullable() })
            .nullable()
            .openapi({
                description:
                    "For a key of a stream whose files are snapshots, where no row has it: the snapshot that was applied " +
                    "last, which does not have it either.",
            }),
        records: z.array(tracedRecordSchema).openapi({
            description:
                "For a key: the stored record first, then its rivals. For a file: every version, newest first.",
        }),
    })
    .openapi("Trace");
export type Trace = z.infer<typeof traceSchema>;
export type TracedRecord = Trace["records"][number];
export type TracedReject = TracedRecord["rejects"][number];
export type TracedBatch = z.infer<typeof batchSchema>;
export type RawRecord = z.infer<typeof rawRecordSchema>;
