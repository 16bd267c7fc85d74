/** The answer of `bun run status` and `GET /v1/status`. Modules that import only its types load no zod. */
import { z } from "@hono/zod-openapi";
import { countSchema, idSchema, instantSchema, recordCounts } from "../value-schemas.ts";

export const states = [
    "stopped",
    "paused",
    "stuck",
    "failing",
    "rejecting",
    "behind",
    "starting",
    "empty",
    "running",
    "idle",
] as const;

const tones = ["good", "quiet", "busy", "bad"] as const;
export type Tone = (typeof tones)[number];

const failedFileSchema = z.object({
    fileId: idSchema,
    path: z.string(),
    problem: z.string().nullable(),
    problemDetail: z.string().nullable(),
    attempts: countSchema,
    nextAttemptAt: instantSchema.nullable().openapi({ description: "Null when it is not tried again by itself." }),
    failedAt: instantSchema,
    stream: z.string(),
});

const lastBatchSchema = z.object({
    batchId: idSchema,
    ...recordCounts,
    startedAt: instantSchema,
    finishedAt: instantSchema,
    oldestStagedAt: instantSchema.nullable(),
    durationMs: z.record(z.string(), z.number()),
    stream: z.string(),
});

const workerSchema = z.object({
    workerId: z.guid(),
    host: z.string(),
    pid: z.number().int(),
    inputDir: z.string(),
    startedAt: instantSchema,
    leaseUntil: instantSchema,
    report: z.unknown(),
    stream: z.string().openapi({ description: "A process that works on several streams is a worker of each." }),
});

const filesSchema = z.object({
    pending: countSchema,
    loaded: countSchema,
    merged: countSchema,
    skipped: countSchema,
    failed: countSchema,
    replaced: countSchema,
});

const totalsSchema = z.object({ ...recordCounts, batches: countSchema, displaced: countSchema });

const stateSchema = z.enum(states).openapi({
    description:
        "stopped: nobody is at work. paused: the table is not the one that the stream was made for, see `problem`. " +
        "stuck: work waits, and something keeps it from going on. failing: a file failed within the hour, is tried " +
        "again by itself, or no file got in since. rejecting: more than half of the latest records did not get in. " +
        "behind: what waits takes longer than a few triggers, or more arrives than can be merged. starting. empty: no " +
        "file has ever been seen. running. idle: nothing came within a minute. The gravest one that holds.",
});

const toneSchema = z.enum(tones).openapi({
    description: "How grave it is. bad: somebody must act now. busy: somebody should look at it today.",
});

export const streamStatusSchema = z
    .object({
        name: z.string(),
        table: z.string(),
        mode: z.string(),
        state: stateSchema,
        tone: toneSchema,
        verdict: z.string(),
        problem: z.string().nullable().openapi({ description: "Why it is paused, as a stable code." }),
        problemDetail: z.string().nullable().openapi({ description: "The same for people, with the remedy." }),
        problemAt: instantSchema.nullable(),
        totals: totalsSchema,
        files: filesSchema,
        backlog: z.object({
            files: countSchema,
            unreadBytes: countSchema,
            chunks: countSchema,
            stagedRecords: countSchema,
            records: countSchema.openapi({ description: "Staged, and unread by the mean size of the latest ones." }),
            seconds: z.number().nonnegative().nullable(),
            oldestWaitingAt: instantSchema.nullable().openapi({
                description: "When the oldest file that is not read was seen, or the oldest chunk staged.",
            }),
        }),
        arrival: z.object({ recordsPerSecond: z.number().nonnegative(), windowSeconds: countSchema }),
        committed: z
            .object({ recordsPerSecond: z.number().nonnegative(), windowSeconds: countSchema })
            .openapi({ description: "Records that merges read in the last minute." }),
        lastMergedAt: instantSchema.nullable(),
        standingRejects: countSchema,
        workers: countSchema,
    })
    .openapi("StreamStatus");
export type StreamStatus = z.infer<typeof streamStatusSchema>;

export const statusSchema = z
    .object({
        asOf: instantSchema.openapi({ description: "The database's clock at the snapshot that every number is from." }),
        state: stateSchema,
        tone: toneSchema,
        verdict: z.string().openapi({ description: "The same in sentences, for people, with what to do." }),
        databaseName: z.string(),
        serverVersion: z.string(),
        table: z
            .string()
            .openapi({ description: "That of the chosen stream; of the built-in one when none is chosen." }),
        totals: totalsSchema.openapi({
            description:
                "Over all committed batches, replays included, which read records a second time. displaced: rows that " +
                "a replay replaced.",
        }),
        events: countSchema.openapi({
            description: "Rows of `table`: of a stream that is not built in, those that Sluice inserted.",
        }),
        files: filesSchema,
        failedFiles: z.array(failedFileSchema).openapi({ description: "The ten that failed last." }),
        backlog: z.object({
            files: countSchema,
            unreadBytes: countSchema,
            chunks: countSchema,
            stagedRecords: countSchema,
            oldestStagedAt: instantSchema.nullable(),
            oldestUnreadAt: instantSchema.nullable(),
            mergeableSince: instantSchema.nullable().openapi({
                description: "When the oldest chunk that a merge may take was staged.",
            }),
            records: countSchema.openapi({ description: "Staged, and unread by the mean size of the latest ones." }),
            seconds: z.number().nonnegative().nullable().openapi({
                description: "What they take at the capacity below; null when that is not known yet.",
            }),
        }),
        arrival: z
            .object({ recordsPerSecond: z.number().nonnegative(), windowSeconds: countSchema })
            .openapi({ description: "What came in the last minute: an estimate while files wait to be read." }),
        capacity: z.object({ recordsPerSecond: countSchema.nullable(), asOf: instantSchema.nullable() }).openapi({
            description:
                "What the ten largest of the latest 200 merges reached while they ran, and when the last of these " +
                "ended: it can do at least this. Merges of fewer than 1,000 records that took less than a second say nothing and " +
                "are left out; null when there is no other.",
        }),
        lastBatch: lastBatchSchema.nullable(),
        recentMerges: z
            .object({ read: countSchema, rejected: countSchema, conflict: countSchema })
            .openapi({ description: "Of the last hour's merges, the latest 200 of them." }),
        freshness: z.object({
            lastMergedAt: instantSchema.nullable(),
            secondsSinceLastMerge: z.number().nonnegative().nullable(),
            lastBatchLagSeconds: z.number().nullable(),
            p50Seconds: z
                .number()
                .nullable()
                .openapi({
                    description:
                        "From the moment a file was seen (for what was appended later: from its staging) to the commit, of " +
                        "the records that were merged in the window; null when none were.",
                }),
            p95Seconds: z.number().nullable(),
            windowSeconds: countSchema,
            records: countSchema,
        }),
        workers: z.array(workerSchema),
        columnDrift: z
            .array(
                z.object({
                    kind: z.enum(["kept", "ignored", "missing"]),
                    column: z.string(),
                    files: countSchema,
                    lastPath: z.string(),
                }),
            )
            .openapi({
                description:
                    "How the headers of the newest 1,000 files differ from what is known: columns that are kept or " +
                    "ignored, and optional ones that are missing; the 20 most frequent.",
            }),
        unmatchedFiles: z.object({ files: countSchema, lastPath: z.string().nullable() }).openapi({
            description:
                "Of the newest 1,000 files, those read by the defaults because none of the declared sources fits.",
        }),
        stagingReaders: z
            .array(
                z.object({
                    pid: z.number().int().nullable(),
                    preparedAs: z.string().nullable(),
                    userName: z.string().nullable(),
                    applicationName: z.string().nullable(),
                    state: z.string().nullable(),
                    since: instantSchema.nullable(),
                }),
            )
            .openapi({
                description:
                    "Sessions and prepared transactions that have read ingest.staging more than ten seconds ago and are still in " +
                    "that transaction: merged rows cannot be removed until it ends. The ten longest; state and since are null " +
                    "where the API's role may not see them.",
            }),
        rejectReasons: z.array(z.object({ reason: z.string(), records: countSchema })).openapi({
            description: "The most frequent among those that stand; a record counts once for each of its reasons.",
        }),
        standingRejects: countSchema.openapi({ description: "Rejects and conflicts that no replay has resolved." }),
        streams: z.array(streamStatusSchema).openapi({
            description: "Each active stream, or the chosen one. The numbers above are sums over them.",
        }),
    })
    .openapi("Status");

export type Status = z.infer<typeof statusSchema>;
export type FailedFile = Status["failedFiles"][number];
export type LastBatch = NonNullable<Status["lastBatch"]>;
export type LiveWorker = Status["workers"][number];
