import { beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { drizzle } from "drizzle-orm/postgres-js";
import { connect } from "../../src/database/connect.ts";
import { readStatus } from "../../src/operations/status/read-status.ts";
import type { Status } from "../../src/operations/status/status-schema.ts";
import { useDatabase } from "../support/fixture.ts";
import { undoing } from "../support/sessions.ts";

const database = useDatabase(import.meta.path);
let empty: Status;
let status: Status;

beforeAll(async () => {
    empty = await readStatus(database.sql);
    await database.sql.unsafe(await Bun.file(join(import.meta.dir, "small-ledger.sql")).text());
    status = await readStatus(database.sql);
});

test("an empty database is all zeros, and says that nothing has happened", () => {
    expect(empty).toMatchObject({
        state: "empty",
        table: "events",
        totals: { batches: 0, read: 0, inserted: 0, duplicate: 0, conflict: 0, rejected: 0, displaced: 0 },
        events: 0,
        files: { pending: 0, loaded: 0, merged: 0, skipped: 0, failed: 0, replaced: 0 },
        failedFiles: [],
        backlog: { files: 0, unreadBytes: 0, chunks: 0, stagedRecords: 0, oldestStagedAt: null, oldestUnreadAt: null },
        arrival: { recordsPerSecond: 0, windowSeconds: 60 },
        capacity: { recordsPerSecond: null, asOf: null },
        lastBatch: null,
        freshness: { lastMergedAt: null, secondsSinceLastMerge: null, p50Seconds: null, p95Seconds: null, records: 0 },
        workers: [],
        rejectReasons: [],
        standingRejects: 0,
    });
});

test("totals are of all batches, and add up", () => {
    const { totals } = status;

    expect(totals).toMatchObject({
        batches: 2,
        read: 13,
        inserted: 9,
        duplicate: 1,
        conflict: 1,
        rejected: 2,
        displaced: 0,
    });
    expect(totals.inserted + totals.duplicate + totals.conflict + totals.rejected).toBe(totals.read);
});

test("events are counted once, by the rollup of totals", () => {
    expect(status.events).toBe(9);
});

test("files by state, and the failed ones with the reason", () => {
    expect(status.files).toEqual({ pending: 1, loaded: 1, merged: 1, skipped: 1, failed: 1, replaced: 1 });
    expect(status.failedFiles).toEqual([
        {
            fileId: 4,
            path: "failed.csv",
            problem: "header_missing_columns",
            problemDetail: "It has no column price.",
            attempts: 2,
            nextAttemptAt: null,
            failedAt: expect.any(String),
            stream: "events",
        },
    ]);
});

test("the backlog is what is not read, and what of the staged records is not merged", () => {
    expect(status.backlog).toEqual({
        files: 2,
        unreadBytes: 60,
        chunks: 1,
        stagedRecords: 6,
        oldestStagedAt: "2026-01-01T00:00:30.000Z",
        oldestUnreadAt: expect.any(String),
        mergeableSince: "2026-01-01T00:00:30.000Z",
        // 790 bytes hold 24 records, so 60 bytes hold two; 13 were merged in 3.5 s.
        records: 8,
        seconds: 2.2,
    });
    expect(status.capacity).toEqual({ recordsPerSecond: 4, asOf: "2026-01-01T00:01:02.500Z" });
    expect(status.arrival).toEqual({ recordsPerSecond: 0.1, windowSeconds: 60 });
});

test("the age of records at their commit, from when their file was seen, by record", async () => {
    await undoing(database.sql, async (sql) => {
        await sql`update ingest.files set discovered_at = now() - interval '100 seconds' where file_id = 1`;
        await sql`
            insert into ingest.chunks
                (chunk_id, file_id, first_byte, end_byte, first_record_no, first_line_no, records, content_hash, state, staged_at, merged_at)
            values
                (11, 1, 0, 10, 1, 2, 94, '', 'merged', now() - interval '20 seconds', now() - interval '10 seconds'),
                (12, 1, 10, 20, 95, 96, 6, '', 'merged', now() - interval '20 seconds', now() - interval '18 seconds'),
                (13, 1, 20, 30, 101, 102, 900, '', 'merged', now() - interval '1 hour', now() - interval '6 minutes')`;
        const freshness = async () => (await readStatus(sql)).freshness;
        expect(await freshness()).toMatchObject({ p50Seconds: 90, p95Seconds: 90, records: 100, windowSeconds: 300 });
        await sql`update ingest.chunks set records = 4 where end_byte = 10`;
        expect(await freshness()).toMatchObject({ p50Seconds: 2, p95Seconds: 90 });
    });
});

test("the last batch, and how fresh that is", () => {
    expect(status.lastBatch).toMatchObject({
        batchId: 2,
        read: 4,
        finishedAt: "2026-01-01T00:01:02.500Z",
        durationMs: { validate: 1200 },
    });
    const sinceMs = Date.parse(status.asOf) - Date.parse("2026-01-01T00:01:02.500Z");
    expect(status.freshness).toMatchObject({
        lastMergedAt: "2026-01-01T00:01:02.500Z",
        secondsSinceLastMerge: sinceMs / 1000,
        lastBatchLagSeconds: 32.5,
    });
});

test("a worker counts while its lease runs", () => {
    expect(status.workers.map(({ host, pid, report }) => ({ host, pid, report }))).toEqual([
        { host: "one", pid: 11, report: { phase: "load" } },
    ]);
});

test("a reject counts once for each of its reasons", () => {
    expect(status.rejectReasons).toEqual([
        { reason: "price_negative", records: 2 },
        { reason: "event_id_conflict", records: 1 },
        { reason: "quantity_negative", records: 1 },
    ]);
    expect(status.standingRejects).toBe(3);
});

test("reads the same through a client that drizzle has changed", async () => {
    const sql = connect(database.target, { applicationName: "drizzled", max: 1 });
    drizzle(sql);
    const { asOf: _, freshness: __, ...facts } = await readStatus(sql);
    await sql.end();

    expect(status).toMatchObject(facts);
});

test("reads neither events nor rejects", async () => {
    const read = await undoing(database.sql, async (sql) => {
        await readStatus(sql);
        return await sql<{ relname: string }[]>`
            select relname from pg_stat_xact_user_tables where seq_scan + coalesce(idx_scan, 0) > 0`;
    });
    const tables = read.map(({ relname }) => relname);
    expect(tables).toContain("event_stats");
    expect(tables).not.toContain("events");
    expect(tables).not.toContain("rejects");
});
