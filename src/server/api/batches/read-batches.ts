/** Batches from the ledger, newest first. */
import { z } from "@hono/zod-openapi";
import { and, eq, inArray, lt, sql } from "drizzle-orm";
import { type BatchKind, batches, batchKinds, chunkMerges, chunks, files } from "../../../database/schema.ts";
import { orderOf, type TimedKey } from "../listing.ts";
import type { Database } from "../reader.ts";
import {
    countSchema,
    type InstantRange,
    idSchema,
    instantSchema,
    isoInstant,
    isoInstantOrNull,
    recordCounts,
    splitColumns,
    streamNameIn,
    sumOutcomes,
    within,
} from "../shapes.ts";

/** More files than this in one batch are counted, not listed. */
const maxBatchFiles = 200;

const { shape, fields } = splitColumns({
    batchId: [idSchema, batches.batchId],
    workerId: [z.guid(), batches.workerId],
    stream: [z.string(), streamNameIn("batches")],
    kind: [z.enum(batchKinds).openapi({ description: "A replay processes rejects again." }), batches.kind],
    chunks: [countSchema, batches.chunks],
    read: [recordCounts.read, batches.read],
    inserted: [recordCounts.inserted, batches.inserted],
    updated: [recordCounts.updated, batches.updated],
    duplicate: [recordCounts.duplicate, batches.duplicate],
    superseded: [recordCounts.superseded, batches.superseded],
    deleted: [recordCounts.deleted, batches.deleted],
    conflict: [recordCounts.conflict, batches.conflict],
    rejected: [recordCounts.rejected, batches.rejected],
    removed: [recordCounts.removed, batches.removed],
    displaced: [
        countSchema.openapi({ description: "Events replaced by a replay; they are rejects now." }),
        batches.displaced,
    ],
    startedAt: [instantSchema, isoInstant(batches.startedAt)],
    finishedAt: [instantSchema, isoInstant(batches.finishedAt)],
    oldestStagedAt: [
        instantSchema.nullable().openapi({
            description: "finishedAt − oldestStagedAt is the longest time from staging to commit.",
        }),
        isoInstantOrNull(batches.oldestStagedAt),
    ],
    durationMs: [
        z.record(z.string(), z.number()).openapi({ description: "Milliseconds by phase." }),
        batches.durationMs,
    ],
});
export const batchFields = fields;

export const batchSchema = z.object(shape).openapi("Batch");
export type Batch = z.infer<typeof batchSchema>;

export const batchDetailSchema = batchSchema
    .extend({
        fileCount: countSchema,
        files: z
            .array(z.object({ fileId: idSchema, path: z.string(), ...recordCounts }))
            .openapi({ description: "The result for each file; the first 200 in path order." }),
    })
    .openapi("BatchDetail");
export type BatchDetail = z.infer<typeof batchDetailSchema>;

export interface BatchesQuery extends InstantRange {
    limit: number;
    /** Only those with a lower id. */
    before?: number | undefined;
    /** Only those after this one. */
    after?: TimedKey | undefined;
    kind?: BatchKind | undefined;
    /** Only those that rejected something, or found conflicts. */
    withRejects?: boolean;
    streamId?: number | undefined;
    /** Only those that merged or replayed records of this file. */
    file?: number | undefined;
}

/** One row more than `limit`. */
export function selectBatches(db: Database, query: BatchesQuery) {
    const order = orderOf(batches.batchId, batches.finishedAt, query);
    const { limit, before, after, kind, withRejects = false, streamId, file } = query;
    return db
        .select(fields)
        .from(batches)
        .where(
            and(
                before === undefined ? undefined : lt(batches.batchId, before),
                after === undefined ? undefined : order.past(after),
                kind === undefined ? undefined : eq(batches.kind, kind),
                streamId === undefined ? undefined : eq(batches.streamId, streamId),
                withRejects ? sql`${batches.rejected} + ${batches.conflict} > 0` : undefined,
                file === undefined ? undefined : inArray(batches.batchId, selectBatchesOf(db, file)),
                ...within(batches.finishedAt, query),
            ),
        )
        .orderBy(...order.by)
        .limit(limit + 1);
}

function selectBatchesOf(db: Database, fileId: number) {
    return db
        .select({ batchId: chunkMerges.batchId })
        .from(chunkMerges)
        .innerJoin(chunks, eq(chunks.chunkId, chunkMerges.chunkId))
        .where(eq(chunks.fileId, fileId));
}

export async function readBatch(db: Database, batchId: number) {
    const [batch] = await db.select(fields).from(batches).where(eq(batches.batchId, batchId));
    return batch;
}

/**
 * Counts of the batch by file, in path order. `fileCount` counts those beyond maxBatchFiles too. A batch never
 * changes once it is committed, so this may be a later statement than the one that read the batch.
 */
export async function readBatchFiles(db: Database, batchId: number) {
    const rows = await db
        .select({
            fileCount: sql`count(*) over ()`.mapWith(Number),
            fileId: files.fileId,
            path: files.path,
            ...sumOutcomes(chunkMerges),
        })
        .from(chunkMerges)
        .innerJoin(chunks, eq(chunks.chunkId, chunkMerges.chunkId))
        .innerJoin(files, eq(files.fileId, chunks.fileId))
        .where(eq(chunkMerges.batchId, batchId))
        .groupBy(files.fileId, files.path)
        .orderBy(files.path, files.fileId)
        .limit(maxBatchFiles);
    return {
        fileCount: rows[0]?.fileCount ?? 0,
        files: rows.map(({ fileCount: _, ...file }) => file),
    };
}
