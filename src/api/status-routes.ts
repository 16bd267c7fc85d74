/** `GET /v1/status`: what `bun run status` shows, from the same query. */
import { createRoute, z } from "@hono/zod-openapi";
import { readStatus } from "../status/read-status.ts";
import type { Api, Context } from "./api.ts";
import { sharedForMs } from "./api.ts";
import { problemResponses } from "./problem.ts";
import { countSchema, idSchema, instantSchema, recordCounts } from "./shapes.ts";

const failedFileSchema = z.object({
    fileId: idSchema,
    path: z.string(),
    problem: z.string().nullable(),
    problemDetail: z.string().nullable(),
    attempts: countSchema,
    nextAttemptAt: instantSchema.nullable().openapi({ description: "Null when it is not tried again by itself." }),
});

const lastBatchSchema = z.object({
    batchId: idSchema,
    ...recordCounts,
    startedAt: instantSchema,
    finishedAt: instantSchema,
    oldestStagedAt: instantSchema.nullable(),
    durationMs: z.record(z.string(), z.number()),
});

const workerSchema = z.object({
    workerId: z.guid(),
    host: z.string(),
    pid: z.number().int(),
    inputDir: z.string(),
    startedAt: instantSchema,
    leaseUntil: instantSchema,
    report: z.unknown(),
});

export const statusSchema = z
    .object({
        asOf: instantSchema.openapi({ description: "The database's clock at the snapshot that every number is from." }),
        state: z.enum(["empty", "stopped", "working", "up_to_date"]),
        stateText: z.string(),
        databaseName: z.string(),
        serverVersion: z.string(),
        table: z.literal("events"),
        totals: z.object({ ...recordCounts, batches: countSchema }),
        events: countSchema,
        files: z.object({
            pending: countSchema,
            loaded: countSchema,
            merged: countSchema,
            skipped: countSchema,
            failed: countSchema,
            replaced: countSchema,
        }),
        failedFiles: z.array(failedFileSchema).openapi({ description: "The ten that failed last." }),
        backlog: z.object({
            files: countSchema,
            unreadBytes: countSchema,
            chunks: countSchema,
            stagedRecords: countSchema,
            oldestStagedAt: instantSchema.nullable(),
        }),
        lastBatch: lastBatchSchema.nullable(),
        freshness: z.object({
            lastMergedAt: instantSchema.nullable(),
            secondsSinceLastMerge: z.number().nonnegative().nullable(),
            lastBatchLagSeconds: z.number().nullable(),
        }),
        workers: z.array(workerSchema),
        rejectReasons: z.array(z.object({ reason: z.string(), records: countSchema })).openapi({
            description: "The most frequent among the newest rejects; a record counts once for each of its reasons.",
        }),
        rejectsLookedAt: countSchema,
    })
    .openapi("Status");

const getStatus = createRoute({
    method: "get",
    path: "/v1/status",
    summary: "What is going on, as of one moment",
    request: { query: z.strictObject({}) },
    responses: {
        200: { description: "The status", content: { "application/json": { schema: statusSchema } } },
        ...problemResponses(400, 503),
    },
});

export function addStatusRoutes(app: Api, { reader }: Context): void {
    app.openapi(getStatus, async (c) => {
        return c.json(await reader.share("status", sharedForMs.live, () => readStatus(reader.sql)), 200);
    });
}
