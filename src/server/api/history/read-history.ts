/** What upserts replaced, deleted or found superseded, newest first. */
import { z } from "@hono/zod-openapi";
import { and, desc, eq, lt, sql } from "drizzle-orm";
import { chunks, files, type HistoryKind, history, historyKinds } from "../../../database/schema.ts";
import type { Database } from "../reader.ts";
import { countSchema, idSchema, instantSchema, isoInstant, splitColumns, streamNameIn } from "../shapes.ts";

const { shape, fields } = splitColumns({
    historyId: [idSchema, history.historyId],
    stream: [z.string(), streamNameIn("history")],
    what: [
        z.enum(historyKinds).openapi({
            description: "replaced, deleted: a row, by the record of that place. superseded: that record itself.",
        }),
        history.what,
    ],
    key: [z.string(), history.key],
    record: [
        z.record(z.string(), z.string().nullable()).openapi({ description: "The values by column, as text." }),
        sql<Record<string, string | null>>`${history.record}`,
    ],
    path: [z.string().nullable(), files.path],
    recordNo: [countSchema, history.recordNo],
    chunkId: [idSchema, history.chunkId],
    batchId: [idSchema, history.batchId],
    keptAt: [instantSchema, isoInstant(history.keptAt)],
});

export const versionSchema = z.object(shape).openapi("Version");
export type Version = z.infer<typeof versionSchema>;

export interface HistoryQuery {
    limit: number;
    before?: number | undefined;
    what?: HistoryKind | undefined;
    /** As text; of several columns as an array of texts, as `key` of a version is. */
    key?: string | undefined;
    streamId?: number | undefined;
}

/** One row more than `limit`. */
export function selectHistory(db: Database, { limit, before, what, key, streamId }: HistoryQuery) {
    return db
        .select(fields)
        .from(history)
        .leftJoin(chunks, eq(chunks.chunkId, history.chunkId))
        .leftJoin(files, eq(files.fileId, chunks.fileId))
        .where(
            and(
                before === undefined ? undefined : lt(history.historyId, before),
                what === undefined ? undefined : eq(history.what, what),
                streamId === undefined ? undefined : eq(history.streamId, streamId),
                key === undefined
                    ? undefined
                    : and(sql`left(${history.key}, 100) = left(${key}, 100)`, eq(history.key, key)),
            ),
        )
        .orderBy(desc(history.historyId))
        .limit(limit + 1);
}
