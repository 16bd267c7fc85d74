/** The answer of `bun run status` and `GET /v1/status`. Modules that import only its types load no zod. */
import { z } from "@hono/zod-openapi";
import { countSchema, idSchema, instantSchema, recordCounts } from "../value-schemas.ts";

export const states = [
    "paused",
    "stopped",
    "blocked",
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
    nextAttemptAt: instantSchema.nullable().openapi({ description: "Null if it is not retried automatically." }),
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
    name: z.string().openapi({ description: "--worker-name; the name of its machine where it has none." }),
    host: z.string(),
    pid: z.number().int(),
    inputDir: z.string(),
    startedAt: instantSchema,
    leaseUntil: instantSchema,
    isLoader: z.boolean().openapi({ description: "Whether it is the one that loads this stream. All of them merge." }),
    report: z.unknown().openapi({ description: "What it left with its latest heartbeat." }),
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
        "paused: somebody has paused it, see `pausedBy`; for all streams together: each of them is paused. stopped: no " +
        "ingest is running. blocked: the table is not the one that the stream was made for, see `problem`. " +
        "stuck: work is waiting and cannot continue. failing: a file failed within the last hour, is retried " +
        "automatically, or no file was merged since. rejecting: more than half of the latest records were not accepted. " +
        "behind: the backlog takes longer than a few triggers, or more arrives than can be merged. starting. empty: no " +
        "file has ever been seen. running. idle: nothing arrived within a minute. If several apply, the first one.",
});

const toneSchema = z.enum(tones).openapi({
    description: "Severity. bad: act now. busy: look at it today.",
});

const deferredIndexSchema = z.object({
    table: z.string(),
    index: z.string(),
    deferredAt: instantSchema,
    problem: z.string().nullable().openapi({ description: "Why it could not be made." }),
    isBeingMade: z.boolean(),
    phase: z.string().nullable().openapi({ description: "What Postgres is at, if this role may see it." }),
    percent: z.number().nullable().openapi({ description: "How much of that phase is done." }),
});

export const streamStatusSchema = z
    .object({
        name: z.string(),
        table: z.string(),
        mode: z.string(),
        state: stateSchema,
        tone: toneSchema,
        verdict: z.string(),
        problem: z.string().nullable().openapi({ description: "What blocks it, as a stable code." }),
        problemDetail: z.string().nullable().openapi({ description: "The same in words, with the remedy." }),
        problemAt: instantSchema.nullable(),
        pausedAt: instantSchema
            .nullable()
            .openapi({ description: "Since when somebody has paused it; null: nobody has." }),
        pausedBy: z.string().nullable(),
        pauseReason: z.string().nullable(),
        totals: totalsSchema,
        files: filesSchema,
        backlog: z.object({
            files: countSchema,
            unreadBytes: countSchema,
            chunks: countSchema,
            stagedRecords: countSchema,
            records: countSchema.openapi({
                description: "Staged records, and unread ones as estimated from the mean size of the latest.",
            }),
            seconds: z.number().nonnegative().nullable(),
            oldestWaitingAt: instantSchema.nullable().openapi({
                description: "When the oldest unread file was seen, or the oldest chunk was staged.",
            }),
        }),
        arrival: z.object({ recordsPerSecond: z.number().nonnegative(), windowSeconds: countSchema }),
        committed: z
            .object({ recordsPerSecond: z.number().nonnegative(), windowSeconds: countSchema })
            .openapi({ description: "Records that merges read in the last minute." }),
        lastMergedAt: instantSchema.nullable(),
        standingRejects: countSchema,
        workers: countSchema,
        deferredIndexes: z.array(deferredIndexSchema).openapi({
            description:
                "Indexes of its table that were dropped for a backlog (--defer-indexes) and are not made again yet.",
        }),
        deferredNote: z.string().nullable().openapi({ description: "The same in words; null when there are none." }),
    })
    .openapi("StreamStatus");
export type StreamStatus = z.infer<typeof streamStatusSchema>;

export const statusSchema = z
    .object({
        asOf: instantSchema.openapi({ description: "The database's clock at the snapshot of all numbers." }),
        state: stateSchema,
        tone: toneSchema,
        verdict: z.string().openapi({ description: "The state in words, with the remedy." }),
        databaseName: z.string(),
        serverVersion: z.string(),
        standby: z.object({ lagSeconds: z.number().nonnegative() }).nullable().openapi({
            description: "If a standby answered: how far it is behind. `asOf` is the time up to which it has replayed.",
        }),
        table: z
            .string()
            .openapi({ description: "The table of the chosen stream, or of the built-in one if none is chosen." }),
        totals: totalsSchema.openapi({
            description:
                "Over all committed batches. Replays are included, and read records a second time. displaced: rows that " +
                "a replay replaced.",
        }),
        events: countSchema.openapi({
            description: "Rows of `table`. For a stream that is not built in, only those that Sluice inserted.",
        }),
        files: filesSchema,
        failedFiles: z.array(failedFileSchema).openapi({ description: "The ten latest failures." }),
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
            records: countSchema.openapi({
                description: "Staged records, and unread ones as estimated from the mean size of the latest.",
            }),
            seconds: z.number().nonnegative().nullable().openapi({
                description: "The time to merge them at the capacity below; null while that is unknown.",
            }),
        }),
        arrival: z
            .object({ recordsPerSecond: z.number().nonnegative(), windowSeconds: countSchema })
            .openapi({ description: "Arrivals in the last minute; an estimate while files are unread." }),
        capacity: z.object({ recordsPerSecond: countSchema.nullable(), asOf: instantSchema.nullable() }).openapi({
            description:
                "The rate of the ten largest of the latest 200 merges while they ran, and when the last of these ended: a " +
                "lower bound. Merges of fewer than 1,000 records that took less than a second are left out, because " +
                "their rate means little. Null if there are no others.",
        }),
        lastBatch: lastBatchSchema.nullable(),
        recentMerges: z
            .object({ read: countSchema, rejected: countSchema, conflict: countSchema })
            .openapi({ description: "The latest 200 merges of the last hour." }),
        freshness: z.object({
            lastMergedAt: instantSchema.nullable(),
            secondsSinceLastMerge: z.number().nonnegative().nullable(),
            lastBatchLagSeconds: z.number().nullable(),
            p50Seconds: z
                .number()
                .nullable()
                .openapi({
                    description:
                        "From the time when a file was seen (for records appended later: staged) to the commit, for the records " +
                        "that were merged in the window; null if there are none.",
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
                    "How the headers of the newest 1,000 files differ from the known columns: columns that are kept or " +
                    "ignored, and optional ones that are missing; the 20 most frequent.",
            }),
        unmatchedFiles: z.object({ files: countSchema, lastPath: z.string().nullable() }).openapi({
            description:
                "Files among the newest 1,000 that were read with the defaults, because no declared source matches.",
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
                    "Sessions and prepared transactions that read ingest.staging more than ten seconds ago, in a transaction " +
                    "that is still open: until it ends, merged rows cannot be removed. The ten longest. `state` and `since` " +
                    "are null if the API's role may not see them.",
            }),
        rejectReasons: z.array(z.object({ reason: z.string(), records: countSchema })).openapi({
            description: "The most frequent reasons of open rejects. A record counts once for each of its reasons.",
        }),
        standingRejects: countSchema.openapi({ description: "Rejects and conflicts that no replay has resolved." }),
        notifications: z
            .object({
                pending: countSchema,
                oldestPendingAt: instantSchema.nullable(),
                delivered: countSchema,
                lastDeliveredAt: instantSchema.nullable(),
                failedAttempts: countSchema,
                lastFailedAt: instantSchema.nullable(),
                lastFailure: z.string().nullable(),
                givenUp: countSchema.openapi({ description: "Messages that nobody took within 24 hours." }),
            })
            .openapi({
                description:
                    "What became of the messages about changes of state, of all streams: those that wait for their " +
                    "delivery, and the attempts so far.",
            }),
        streams: z.array(streamStatusSchema).openapi({
            description: "Each active stream, or the chosen one. The numbers above are sums over them.",
        }),
    })
    .openapi("Status");

export type Status = z.infer<typeof statusSchema>;
export type FailedFile = Status["failedFiles"][number];
export type LastBatch = NonNullable<Status["lastBatch"]>;
export type LiveWorker = Status["workers"][number];
