/**
 * The ledger's tables. `bun run db:generate` turns a change here, or of a stream's own tables (src/shop/schema.ts), into a
 * migration under drizzle/.
 *
 * Everything that drizzle cannot say, or that can be rebuilt from these tables at any time (the UNLOGGED staging table,
 * functions, views, seed rows), lives in sql/ and is re-applied by migrate.ts whenever it changed.
 */
import { sql } from "drizzle-orm";
import {
    type AnyPgColumn,
    bigint,
    boolean,
    check,
    customType,
    date,
    index,
    integer,
    jsonb,
    numeric,
    pgSchema,
    primaryKey,
    smallint,
    text,
    timestamp,
    unique,
    uuid,
} from "drizzle-orm/pg-core";

/** The message of the database about a valid record that the table refused: `raisedIn` is the trigger, and where in it. */
export type Refusal = Partial<Record<"sqlState" | "message" | "detail" | "constraint" | "table" | "raisedIn", string>>;

export const instant = (name: string) => timestamp(name, { withTimezone: true, mode: "date" });
export const count = (name: string) => bigint(name, { mode: "number" });
/** Which stream (ingest.streams) a row is of; 0 is the built-in one. */
const stream = () => smallint("stream_id").notNull().default(0);

export const fileStates = ["pending", "loaded", "merged", "skipped", "failed", "replaced"] as const;
export type FileState = (typeof fileStates)[number];
export const loadStates = ["loading", "staged", "abandoned", "swept"] as const;
export const loadWays = ["verbatim", "parsed", "replay"] as const;
/** `held`: until its file is within its reject budget. `pending`: must be staged again. */
export const chunkStates = ["held", "staged", "pending", "merged", "failed"] as const;
export const batchKinds = ["merge", "replay"] as const;
export type BatchKind = (typeof batchKinds)[number];
export const rejectKinds = ["rejected", "conflict"] as const;
export type RejectKind = (typeof rejectKinds)[number];
/** `accepted` replaced the event; `conflict` and `rejected` are again a reject, of that batch; `displaced` was the event. */
export const rejectResolutions = [
    "inserted",
    "duplicate",
    "accepted",
    "conflict",
    "rejected",
    "displaced",
    "updated",
    "superseded",
    "deleted",
] as const;
export const historyKinds = ["replaced", "deleted", "superseded"] as const;
export type HistoryKind = (typeof historyKinds)[number];
/** How records meet rows with their key: src/streams/mode.ts. */
export const streamModes = ["insert", "append", "upsert", "snapshot"] as const;
export type ModeName = (typeof streamModes)[number];

/** A CHECK and no type of Postgres: a column of text becomes one without being rewritten. */
const oneOf = (name: string, column: AnyPgColumn, values: readonly string[]) =>
    check(name, sql.raw(`${column.name} in ('${values.join("', '")}')`));

/** A transaction's number that never wraps; only ever handed back to Postgres. */
const xid8 = customType<{ data: string }>({ dataType: () => "xid8" });
/** The verdicts on the records that were read: all but the first add up to `read`. */
const outcomes = {
    read: count("read").notNull(),
    inserted: count("inserted").notNull(),
    duplicate: count("duplicate").notNull(),
    conflict: count("conflict").notNull(),
    rejected: count("rejected").notNull(),
    /** Took the place of a row, came too late for it, or deleted it: of upserts and snapshots. */
    updated: count("updated").notNull().default(0),
    superseded: count("superseded").notNull().default(0),
    deleted: count("deleted").notNull().default(0),
    /** Rows that a snapshot no longer has: no records. */
    removed: count("removed").notNull().default(0),
};

export const ingest = pgSchema("ingest");

/** The streams: one row per target table, which ingest.add_stream puts here. */
export const streams = ingest.table(
    "streams",
    {
        streamId: smallint("stream_id").primaryKey(),
        name: text("name").notNull().unique("streams_name"),
        tableName: text("table_name").notNull(),
        mode: text("mode", { enum: streamModes }).notNull(),
        /** As its file declares it; null for one that is built in. */
        declaration: jsonb("declaration"),
        /** The key and the columns that the table must have: src/database/table-shape.ts. */
        shape: jsonb("shape"),
        shapeHash: text("shape_hash"),
        isActive: boolean("is_active").notNull().default(true),
        /** The schema of its staging table and functions: `ingest`, or `ingest_orders`. */
        home: text("home").notNull().default("ingest"),
        /** Which files are its: a glob; null for the stream that takes what no other does. */
        files: text("files"),
        /** What blocks it, as a stable code and a sentence for people; null while its table is right. */
        problem: text("problem"),
        problemDetail: text("problem_detail"),
        problemAt: instant("problem_at"),
        /** Since when somebody has paused it, who and why (sql/engine/pause.sql); null while nobody has. */
        pausedAt: instant("paused_at"),
        pausedBy: text("paused_by"),
        pauseReason: text("pause_reason"),
    },
    (table) => [oneOf("streams_mode", table.mode, streamModes)],
);

/** One row per version of a path in the watched folder. */
export const files = ingest.table(
    "files",
    {
        fileId: bigint("file_id", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
        /** Relative to the watched folder. */
        path: text("path").notNull(),
        version: integer("version").notNull().default(1),
        /** See docs/system_architecture.md. */
        state: text("state", { enum: fileStates }).notNull().default("pending"),
        sizeBytes: count("size_bytes").notNull(),
        /** Nanoseconds since 1970 and the inode, as lstat gives them: only ever compared for equality. */
        mtimeNs: bigint("mtime_ns", { mode: "bigint" }).notNull(),
        inode: numeric("inode").notNull(),
        /** Of an object in a bucket, what its server calls this content (ETag): with the size, which version it is. Else null. */
        versionTag: text("version_tag"),
        /** The ctime as of which the bytes are those that were read (src/engine/discover/recheck-files.ts); null: not known. */
        comparedCtimeNs: bigint("compared_ctime_ns", { mode: "bigint" }),
        /** How far the ledger's chunks reach. */
        loadedBytes: count("loaded_bytes").notNull().default(0),
        loadedRecords: count("loaded_records").notNull().default(0),
        loadedLines: count("loaded_lines").notNull().default(0),
        /**
         * Where what was taken unfinished begins (a record without its line end, lines behind an open quote, a header
         * alone), its record number and line: growth is read again from there.
         */
        tailByte: count("tail_byte"),
        tailRecordNo: count("tail_record_no"),
        tailLineNo: count("tail_line_no"),
        /** Column names as the file spells them, and of those the ones that go to events.attributes. */
        header: text("header").array(),
        extraColumns: text("extra_columns").array(),
        dialect: jsonb("dialect"),
        /** Our columns that neither the file nor its source has, and the file's that its source leaves out. */
        missingColumns: text("missing_columns").array(),
        ignoredColumns: text("ignored_columns").array(),
        /** The source in sluice.config.ts when the file was first read, or null: growth is read by the same. */
        source: jsonb("source"),
        /** sha-256 in hex of the whole content, when one chunk holds it all; null when it took several. */
        contentHash: text("content_hash"),
        /** Read by the defaults although sources were declared: none of them fits its name. */
        isUnmatched: boolean("is_unmatched").notNull().default(false),
        /** While pending: the size and time with which it was found to be too young to go on with, or null. */
        waitsAs: text("waits_as"),
        attempts: integer("attempts").notNull().default(0),
        nextAttemptAt: instant("next_attempt_at"),
        /** A stable code and a sentence for people, while failed or skipped. */
        problem: text("problem"),
        problemDetail: text("problem_detail"),
        /** The merged file whose content this one repeats, when skipped as a copy. */
        copyOf: count("copy_of"),
        discoveredAt: instant("discovered_at").notNull().default(sql`now()`),
        updatedAt: instant("updated_at").notNull().default(sql`now()`),
        mergedAt: instant("merged_at"),
        /** When the file left the folder after its merge, and where to; null when it was deleted. */
        archivedAt: instant("archived_at"),
        archivedTo: text("archived_to"),
        streamId: stream(),
        /** The size and time of a snapshot that may remove more rows than its stream allows: somebody has said so. */
        removalAllowedAs: text("removal_allowed_as"),
    },
    (table) => [
        oneOf("files_state", table.state, fileStates),
        unique("files_path_version").on(table.streamId, table.path, table.version),
        index("files_unarchived").on(table.fileId).where(sql`state in ('merged', 'skipped') and archived_at is null`),
        index("files_pending")
            .on(table.streamId, sql`${table.path} collate "C"`)
            .where(sql`state in ('pending', 'failed')`),
        index("files_loaded").on(table.fileId).where(sql`state = 'loaded'`),
        index("files_content_hash").on(table.contentHash),
        /** For the summary of a run: the files that it moved. An index by ranges of pages costs next to nothing. */
        index("files_updated_at").using("brin", table.updatedAt).with({ pages_per_range: 32 }),
        /** For a list of an old time range: without it all newer files would be walked. */
        index("files_discovered_at").on(table.discoveredAt),
        /** For copies of files that took several chunks. */
        index("files_size").on(table.sizeBytes).where(sql`content_hash is null`),
    ],
);

/** One row per attempt at one COPY. Written before the COPY begins. */
export const loads = ingest.table(
    "loads",
    {
        loadId: bigint("load_id", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
        workerId: uuid("worker_id").notNull(),
        backendPid: integer("backend_pid").notNull(),
        backendStart: instant("backend_start").notNull(),
        state: text("state", { enum: loadStates }).notNull().default("loading"),
        way: text("way", { enum: loadWays }).notNull(),
        /** Which partition of the staging table its rows are in. */
        lane: smallint("lane").notNull().default(0),
        records: count("records"),
        bytes: count("bytes"),
        startedAt: instant("started_at").notNull().default(sql`now()`),
        endedAt: instant("ended_at"),
        streamId: stream(),
    },
    (table) => [
        oneOf("loads_state", table.state, loadStates),
        oneOf("loads_way", table.way, loadWays),
        index("loads_open").on(table.loadId).where(sql`state in ('loading', 'staged', 'abandoned')`),
    ],
);

/** One row per contiguous byte range of a file, whole records. */
export const chunks = ingest.table(
    "chunks",
    {
        chunkId: bigint("chunk_id", { mode: "number" }).primaryKey().generatedByDefaultAsIdentity(),
        fileId: count("file_id")
            .notNull()
            .references(() => files.fileId),
        firstByte: count("first_byte").notNull(),
        endByte: count("end_byte").notNull(),
        /** Number of the chunk's first record in its file, from 1; and of its first line. */
        firstRecordNo: count("first_record_no").notNull(),
        firstLineNo: count("first_line_no").notNull(),
        records: count("records").notNull(),
        /** sha-256 of the bytes, in hex. */
        contentHash: text("content_hash").notNull(),
        /** Whether a value may have white space around it, or be empty in quotes: else the merge need not trim. */
        isPadded: boolean("is_padded").notNull().default(true),
        /** Whether every record was staged as typed values, and not as text. */
        isTyped: boolean("is_typed").notNull().default(false),
        /** How many records each slice has. Null: staged by an older version. */
        sliceRecords: integer("slice_records").array(),
        /** The one load whose staged rows count. Null while pending. */
        loadId: count("load_id").references(() => loads.loadId),
        state: text("state", { enum: chunkStates }).notNull(),
        /** Bit n is set when slice n has been merged. */
        mergedSlices: integer("merged_slices").notNull().default(0),
        attempts: integer("attempts").notNull().default(0),
        nextAttemptAt: instant("next_attempt_at"),
        problem: text("problem"),
        problemDetail: text("problem_detail"),
        stagedAt: instant("staged_at").notNull().default(sql`now()`),
        mergedAt: instant("merged_at"),
        /** Since when its events and rejects may be gone, for their age: docs/decisions/retention.md. */
        prunedAt: instant("pruned_at"),
        /** That of its file and its load. */
        streamId: stream(),
    },
    (table) => [
        oneOf("chunks_state", table.state, chunkStates),
        index("chunks_open").on(table.streamId, table.chunkId).where(sql`state in ('staged', 'pending')`),
        index("chunks_file").on(table.fileId, table.firstByte),
        index("chunks_load").on(table.loadId),
        index("chunks_held").on(table.fileId).where(sql`state = 'held'`),
        /** Apart from the staged ones, which may be many: the loader asks in each round. */
        index("chunks_pending").on(table.chunkId).where(sql`state = 'pending'`),
        /** For the flow of an old time range. */
        index("chunks_staged_at").using("brin", table.stagedAt).with({ pages_per_range: 32 }),
    ],
);

/** The rows that merges lock: whoever holds slice n may merge the records whose event_id falls into it. */
export const slices = ingest.table(
    "slices",
    {
        sliceNo: smallint("slice_no").notNull(),
        /** The last chunk that was merged in it, kept for upserts by order: an earlier one would bring old values back. */
        lastChunk: count("last_chunk").notNull().default(0),
        streamId: stream(),
    },
    (table) => [primaryKey({ columns: [table.streamId, table.sliceNo] })],
);

/** The keys that upserts have deleted, so that an older record that comes later does not bring a row back. */
export const tombstones = ingest.table(
    "tombstones",
    {
        streamId: stream(),
        /** The key as text: of two columns, as an array of texts. */
        key: text("key").notNull(),
        /** Of the record that deleted it, where records have one. */
        version: text("version"),
        chunkId: count("chunk_id").notNull(),
        recordNo: count("record_no").notNull(),
        deletedAt: instant("deleted_at").notNull().default(sql`now()`),
    },
    (table) => [
        primaryKey({ columns: [table.streamId, table.key] }),
        index("tombstones_deleted_at").using("brin", table.deletedAt).with({ pages_per_range: 32 }),
    ],
);

/** What upserts replaced, deleted or found superseded, of streams that keep it. */
export const history = ingest.table(
    "history",
    {
        historyId: bigint("history_id", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
        streamId: stream(),
        /** `replaced` and `deleted`: a row, by this record. `superseded`: this record itself. */
        what: text("what", { enum: historyKinds }).notNull(),
        chunkId: count("chunk_id").notNull(),
        recordNo: count("record_no").notNull(),
        batchId: count("batch_id").notNull(),
        /** As in tombstones. */
        key: text("key").notNull(),
        /** As a reject keeps it. */
        record: jsonb("record").$type<Record<string, string | null>>().notNull(),
        keptAt: instant("kept_at").notNull().default(sql`now()`),
    },
    (table) => [
        oneOf("history_what", table.what, historyKinds),
        index("history_batch").on(table.batchId),
        /** Cut: a text of any length may be a part of it. */
        index("history_key").on(table.streamId, sql`left(key, 100)`),
        index("history_kept_at").using("brin", table.keptAt).with({ pages_per_range: 32 }),
    ],
);

/** One row per merge. */
export const batches = ingest.table(
    "batches",
    {
        batchId: bigint("batch_id", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
        /** Chosen by the caller, who asks again with it when the acknowledgement was lost. */
        batchKey: uuid("batch_key").notNull().unique("batches_batch_key"),
        workerId: uuid("worker_id").notNull(),
        kind: text("kind", { enum: batchKinds }).notNull().default("merge"),
        slices: integer("slices").notNull(),
        chunks: integer("chunks").notNull(),
        ...outcomes,
        /** Events that were replaced by a conflicting record, on request: they are rejects of this batch now. */
        displaced: count("displaced").notNull().default(0),
        startedAt: instant("started_at").notNull(),
        finishedAt: instant("finished_at").notNull(),
        /** When the oldest chunk of the batch was staged: finishedAt − this is the wait plus the merge. */
        oldestStagedAt: instant("oldest_staged_at"),
        /** Milliseconds by phase. */
        durationMs: jsonb("duration_ms").notNull().$type<Record<string, number>>(),
        /** Tells which snapshots see the batch: /v1/stream goes by it, because ids do not follow the order of commits. */
        transactionId: xid8("transaction_id").notNull().default(sql`pg_current_xact_id()`),
        streamId: stream(),
        /** How many rows a snapshot left: of its table, or of its slices. Null for other batches. */
        rowsAfter: count("rows_after"),
    },
    (table) => [
        oneOf("batches_kind", table.kind, batchKinds),
        index("batches_finished_at").on(table.finishedAt),
        index("batches_transaction_id").on(table.transactionId),
        /** For the latest of one stream, however long ago: without it a status would walk the batches of all others. */
        index("batches_stream").on(table.streamId, table.batchId),
        index("batches_snapshot").on(table.streamId, table.batchId).where(sql`rows_after is not null`),
    ],
);

/**
 * The effect of each batch on each chunk: the grain at which conservation is checked. Like rejects without foreign keys:
 * they would fire once a row on the hot path; sql/checks/ guards the same.
 */
export const chunkMerges = ingest.table(
    "chunk_merges",
    {
        chunkId: count("chunk_id").notNull(),
        batchId: count("batch_id").notNull(),
        /** 0 in a replay: it judges records again whose slices are merged. */
        slices: integer("slices").notNull(),
        ...outcomes,
        displaced: count("displaced").notNull().default(0),
    },
    (table) => [primaryKey({ columns: [table.chunkId, table.batchId] }), index("chunk_merges_batch").on(table.batchId)],
);

/**
 * Every record that is neither an event nor an exact duplicate of one. Kept until its chunk is pruned: what a replay makes
 * of a reject is written beside it, and a new reject of that replay's batch follows when it is one again.
 */
export const rejects = ingest.table(
    "rejects",
    {
        rejectId: bigint("reject_id", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
        chunkId: count("chunk_id").notNull(),
        recordNo: count("record_no").notNull(),
        batchId: count("batch_id").notNull(),
        kind: text("kind", { enum: rejectKinds }).notNull(),
        /** Every reason, in the order of the rules: see ingest.reject_reasons. */
        reasons: text("reasons").array().notNull(),
        /** The raw values by column; null when the record could not be split into values. May be edited for a replay. */
        record: jsonb("record").$type<Record<string, string | null>>(),
        /** The raw text, when it could not: bounded, with unprintable bytes as \xNN. */
        rawText: text("raw_text"),
        lineNo: count("line_no"),
        byteOffset: count("byte_offset"),
        refusal: jsonb("refusal").$type<Refusal>(),
        rejectedAt: instant("rejected_at").notNull().default(sql`now()`),
        /** `record` as it was before somebody edited it. */
        originalRecord: jsonb("original_record").$type<Record<string, string | null>>(),
        editedAt: instant("edited_at"),
        /** The replay that resolved it; null while it stands. */
        resolvedByBatch: count("resolved_by_batch"),
        resolvedAt: instant("resolved_at"),
        resolution: text("resolution", { enum: rejectResolutions }),
        /** That of its chunk. */
        streamId: stream(),
        /** `parent`: it lacks the row that a foreign key names, and is replayed once that is there. */
        retryWhen: text("retry_when"),
    },
    (table) => [
        oneOf("rejects_kind", table.kind, rejectKinds),
        oneOf("rejects_resolution", table.resolution, rejectResolutions),
        unique("rejects_chunk_record_batch").on(table.chunkId, table.recordNo, table.batchId),
        index("rejects_batch").on(table.batchId),
        index("rejects_resolved_by").on(table.resolvedByBatch).where(sql`resolved_by_batch is not null`),
        index("rejects_waiting")
            .on(table.streamId, table.rejectId)
            .where(sql`retry_when is not null and resolved_by_batch is null`),
        /** By day: a thousandth of the size of another index, and as much of its cost. */
        index("rejects_rejected_at").using("brin", table.rejectedAt).with({ pages_per_range: 32 }),
    ],
);

const summedBatches = {
    kind: text("kind", { enum: batchKinds }).notNull(),
    batches: count("batches").notNull(),
    ...outcomes,
    displaced: count("displaced").notNull(),
    streamId: stream(),
};

/** The sums over ingest.batches, one row per stream and kind of batch: whoever shows them adds nothing up. */
export const totals = ingest.table("totals", summedBatches, (table) => [
    primaryKey({ columns: [table.streamId, table.kind] }),
]);

/** The share of pruned batches in those sums: the batches that are left and this add up to the totals. */
export const prunedTotals = ingest.table("pruned_totals", summedBatches, (table) => [
    primaryKey({ columns: [table.streamId, table.kind] }),
]);

const countedFiles = {
    state: text("state", { enum: fileStates }).notNull(),
    files: count("files").notNull(),
    streamId: stream(),
};

/** Files by state, without what ingest.file_changes holds: together they are the truth. */
export const fileStats = ingest.table("file_stats", countedFiles, (table) => [
    primaryKey({ columns: [table.streamId, table.state] }),
]);

/** Changes of the numbers of files by state since a merge last added them up. Rows are only inserted: nobody waits. */
export const fileChanges = ingest.table("file_changes", countedFiles);

/** Rejects by stream, the day they were written, kind and reason. The reason '' counts each reject once, whatever its reasons. */
export const rejectStats = ingest.table(
    "reject_stats",
    {
        day: date("day").notNull(),
        kind: text("kind", { enum: rejectKinds }).notNull(),
        reason: text("reason").notNull(),
        rejects: count("rejects").notNull(),
        /** How many of them a replay has resolved. */
        resolved: count("resolved").notNull(),
        firstRejectedAt: instant("first_rejected_at").notNull(),
        lastRejectedAt: instant("last_rejected_at").notNull(),
        lastRejectId: count("last_reject_id").notNull(),
        streamId: stream(),
    },
    (table) => [primaryKey({ columns: [table.streamId, table.day, table.kind, table.reason] })],
);

/** The workers, each with a lease by the database's clock. */
export const workers = ingest.table("workers", {
    workerId: uuid("worker_id").primaryKey(),
    host: text("host").notNull(),
    pid: integer("pid").notNull(),
    inputDir: text("input_dir").notNull(),
    startedAt: instant("started_at").notNull().default(sql`now()`),
    leaseUntil: instant("lease_until").notNull(),
    /** For status: JSON written with each heartbeat. */
    report: jsonb("report"),
    /** Left by its latest heartbeat: a ledger that still has it has all that was committed before (src/engine/ledger/ledger-proof.ts). */
    mark: uuid("mark"),
    /** A process that works on several streams is a worker of each. */
    streamId: stream(),
});

/** At most one worker loads a stream at a time: its row says which. Merging needs only slice locks. */
export const loaderLease = ingest.table("loader_lease", {
    streamId: stream().primaryKey(),
    workerId: uuid("worker_id"),
    leaseUntil: instant("lease_until"),
});

/**
 * Indexes that an ingest dropped for a backlog and makes again when it is loaded (sql/engine/deferred_indexes.sql). No index is in both
 * places, whatever is killed.
 */
export const deferredIndexes = ingest.table(
    "deferred_indexes",
    {
        deferredIndexId: bigint("deferred_index_id", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
        streamId: stream(),
        /** As SQL writes it, with its schema. */
        tableName: text("table_name").notNull(),
        schemaName: text("schema_name").notNull(),
        indexName: text("index_name").notNull(),
        /** The statement that makes it: pg_get_indexdef. */
        definition: text("definition").notNull(),
        /** It is not part of the definition. Empty: the default tablespace of the database. */
        tablespace: text("tablespace").notNull(),
        comment: text("comment"),
        deferredAt: instant("deferred_at").notNull().default(sql`now()`),
        /** Why it could not be made, with the remedy. */
        problem: text("problem"),
    },
    (table) => [unique("deferred_indexes_name").on(table.schemaName, table.indexName)],
);

/**
 * Which process tells what has changed (src/operations/notify/): one at a time, by a lease. One row, with the counts of what
 * became of the messages.
 */
export const notifier = ingest.table("notifier", {
    notifierId: smallint("notifier_id").primaryKey().default(0),
    holder: uuid("holder"),
    leaseUntil: instant("lease_until"),
    delivered: count("delivered").notNull().default(0),
    failedAttempts: count("failed_attempts").notNull().default(0),
    givenUp: count("given_up").notNull().default(0),
    lastDeliveredAt: instant("last_delivered_at"),
    lastFailedAt: instant("last_failed_at"),
    /** What came back at the last attempt that failed: `HTTP 500`, `ConnectionRefused`. */
    lastFailure: text("last_failure"),
});

/** The state of each stream as the receiver of messages knows it, and as it was last seen. */
export const toldStates = ingest.table("told_states", {
    streamId: smallint("stream_id").primaryKey(),
    /** `ok`, or the state of a problem. */
    told: text("told").notNull(),
    /** Since when it was so, and when the last message of it was written; null while nothing was told. */
    toldSince: instant("told_since"),
    toldAt: instant("told_at"),
    seen: text("seen").notNull(),
    seenSince: instant("seen_since").notNull(),
    /** Since when it is not ok; over only when the recovery is told. */
    troubledSince: instant("troubled_since"),
    /** Whether its last ingest was to run for ever; null while none was seen. */
    isWatched: boolean("is_watched"),
    /** Goes up with each change: of two that decide at once, one does. */
    version: integer("version").notNull(),
});

/** Messages that wait for their delivery. Each is gone once it is delivered or given up. */
export const notifications = ingest.table("notifications", {
    notificationId: bigint("notification_id", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    /** `webhook-id`: the same at each attempt. */
    messageId: text("message_id").notNull().unique("notifications_message_id"),
    /** Null for one about the database. */
    streamId: smallint("stream_id"),
    body: text("body").notNull(),
    createdAt: instant("created_at").notNull().default(sql`now()`),
    attempts: integer("attempts").notNull().default(0),
    nextAttemptAt: instant("next_attempt_at").notNull().default(sql`now()`),
});
