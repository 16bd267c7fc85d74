/** The status of several streams: each has its own numbers and verdict, and the numbers of all are their sums. */
import { beforeAll, describe, expect, test } from "bun:test";
import type { Sql } from "../../src/database/connect.ts";
import { readStatus } from "../../src/operations/status/read-status.ts";
import type { Status, StreamStatus } from "../../src/operations/status/status-schema.ts";
import { useDatabase } from "../support/fixture.ts";
import { undoing } from "../support/sessions.ts";

const { sql } = useDatabase(import.meta.path);
const [events, orders, sensors] = [0, 1, 2];

interface Seed {
    batches: [read: number, rejected: number, age: string][];
    files: [state: string, sizeBytes: number, loadedBytes: number, age: string][];
}

async function seed(streamId: number, { batches, files }: Seed): Promise<void> {
    for (const [read, rejected, age] of batches) {
        await sql`
            insert into ingest.batches (
                stream_id, batch_key, worker_id, slices, chunks, read, inserted, duplicate, conflict, rejected,
                started_at, finished_at, duration_ms
            )
            values (
                ${streamId}, gen_random_uuid(), gen_random_uuid(), 65535, 1, ${read}, ${read - rejected}, 0, 0, ${rejected},
                now() - ${age}::text::interval - interval '1 second', now() - ${age}::text::interval, '{}'
            )`;
    }
    await sql`
        insert into ingest.totals (stream_id, kind, batches, read, inserted, duplicate, conflict, rejected, displaced)
        select stream_id, 'merge', count(*), sum(read), sum(inserted), 0, 0, sum(rejected), 0
        from ingest.batches where stream_id = ${streamId} group by stream_id`;
    for (const [state, sizeBytes, loadedBytes, age] of files) {
        await sql`
            insert into ingest.files (
                stream_id, path, state, size_bytes, mtime_ns, inode, loaded_bytes, discovered_at, problem, problem_detail
            )
            select
                ${streamId}, 'file' || count(*) || '.csv', ${state}, ${sizeBytes}, 1, count(*), ${loadedBytes},
                now() - ${age}::text::interval, 'odd', 'It is odd.'
            from ingest.files`;
    }
    await sql`
        insert into ingest.workers (worker_id, host, pid, input_dir, started_at, lease_until, report, stream_id)
        values (gen_random_uuid(), 'one', 11, '/srv', now() - interval '1 hour', now() + interval '1 hour', '{}', ${streamId})`;
}

const named = ({ streams }: Status, name: string): StreamStatus => streams.find((stream) => stream.name === name)!;

beforeAll(async () => {
    await sql`select ingest.add_stream(${orders}::smallint, 'orders', 'sales.orders', 'insert')`;
    await sql`select ingest.add_stream(${sensors}::smallint, 'sensors', 'public.sensors', 'insert')`;
    await seed(events, {
        batches: [
            [600, 0, "10 seconds"],
            [300, 0, "5 minutes"],
        ],
        files: [["merged", 900, 900, "1 hour"]],
    });
    await seed(orders, {
        batches: [[100, 90, "2 minutes"]],
        files: [
            ["merged", 500, 500, "1 hour"],
            ["pending", 400, 100, "40 seconds"],
            ["failed", 70, 0, "1 hour"],
        ],
    });
    await sql`
        insert into ingest.chunks (
            stream_id, file_id, first_byte, end_byte, first_record_no, first_line_no, records, content_hash, state, staged_at
        )
        select ${orders}, file_id, 0, 100, 1, 2, 20, '', 'staged', now() - interval '30 seconds'
        from ingest.files where stream_id = ${orders} and state = 'pending'`;
    await sql`
        insert into ingest.reject_stats (
            stream_id, day, kind, reason, rejects, resolved, first_rejected_at, last_rejected_at, last_reject_id
        )
        select ${orders}, current_date, 'rejected', reason, 90, 0, now(), now(), 90
        from unnest(array['', 'total_invalid']) as reason`;
});

describe("each stream", () => {
    let status: Status;
    beforeAll(async () => {
        status = await readStatus(sql);
    });

    test("has its own equation, files, backlog and workers", () => {
        expect(status.streams.map(({ name }) => name)).toEqual(["events", "orders", "sensors"]);
        const { asOf, streams } = status;
        expect(streams.map(({ totals }) => [totals.read, totals.inserted, totals.rejected, totals.batches])).toEqual([
            [900, 900, 0, 2],
            [100, 10, 90, 1],
            [0, 0, 0, 0],
        ]);
        expect(streams.map(({ files }) => [files.merged, files.pending, files.failed])).toEqual([
            [1, 0, 0],
            [1, 1, 1],
            [0, 0, 0],
        ]);
        expect(streams.map(({ workers }) => workers)).toEqual([1, 1, 0]);
        const { oldestWaitingAt, ...backlog } = named(status, "orders").backlog;
        // 300 bytes are not read, and the 20 records known took 100 bytes.
        expect(backlog).toEqual({
            files: 1,
            unreadBytes: 300,
            chunks: 1,
            stagedRecords: 20,
            records: 80,
            seconds: 0.8,
        });
        expect(Math.round((Date.parse(asOf) - Date.parse(oldestWaitingAt!)) / 1000)).toBe(40);
    });

    test("has its own pace: what merges read in the last minute, over that minute", () => {
        expect(status.streams.map(({ committed }) => committed)).toEqual([
            { recordsPerSecond: 10, windowSeconds: 60 },
            { recordsPerSecond: 0, windowSeconds: 60 },
            { recordsPerSecond: 0, windowSeconds: 60 },
        ]);
        // 20 staged in the last minute, and 300 bytes of a file that was first seen in it: 60 more.
        expect(named(status, "orders").arrival.recordsPerSecond).toBe(1.3);
    });

    test("has its own verdict", () => {
        expect(status.streams.map(({ state, tone }) => [state, tone])).toEqual([
            ["running", "good"],
            ["failing", "bad"],
            ["empty", "quiet"],
        ]);
        expect(named(status, "orders").verdict).toContain("file3.csv: odd: It is odd.");
        expect(named(status, "orders").verdict).toContain("Not accepted: 90 of the latest 100 records");
    });
});

test("the numbers of all are the sums over the streams", async () => {
    const { totals, files, backlog, streams } = await readStatus(sql);
    const sum = (of: (stream: StreamStatus) => number) => streams.reduce((total, stream) => total + of(stream), 0);
    expect(totals).toMatchObject({
        batches: 3,
        read: 1000,
        inserted: 910,
        duplicate: 0,
        conflict: 0,
        rejected: 90,
        displaced: 0,
    });
    for (const name of ["batches", "read", "inserted", "duplicate", "conflict", "rejected"] as const)
        expect(sum((stream) => stream.totals[name])).toBe(totals[name]);
    for (const state of ["pending", "merged", "failed"] as const)
        expect(sum((stream) => stream.files[state])).toBe(files[state]);
    for (const name of ["files", "unreadBytes", "chunks", "stagedRecords"] as const)
        expect(sum((stream) => stream.backlog[name])).toBe(backlog[name]);
});

test("the verdict on all names the stream that somebody must act on", async () => {
    const { state, tone, verdict } = await readStatus(sql);
    expect([state, tone]).toEqual(["failing", "bad"]);
    expect(verdict).toStartWith("orders is failing. 1 file failed; the others continue. file3.csv: odd: It is odd.");
});

test("a blocked stream is named first, with its problem; what else is bad follows", async () => {
    await undoing(sql, async (within) => {
        await within`
            update ingest.streams
            set problem = 'table_missing', problem_detail = 'The table public.sensors is gone. Make it again', problem_at = now()
            where stream_id = ${sensors}`;
        const { state, verdict, streams } = await readStatus(within as unknown as Sql);
        expect([state, verdict]).toEqual([
            "blocked",
            "sensors is blocked. The table public.sensors is gone. Make it again. And orders is failing.",
        ]);
        expect(streams[2]).toMatchObject({
            state: "blocked",
            tone: "bad",
            problem: "table_missing",
            problemDetail: "The table public.sensors is gone. Make it again",
            problemAt: expect.any(String),
        });
    });
});

test("of one stream it has the numbers of that one alone", async () => {
    const status = await readStatus(sql, orders);
    expect(status).toMatchObject({
        table: "orders",
        state: "failing",
        events: 10,
        totals: { batches: 1, read: 100, inserted: 10, rejected: 90 },
        files: { merged: 1, pending: 1, failed: 1 },
        backlog: { files: 1, unreadBytes: 300, stagedRecords: 20 },
        lastBatch: { stream: "orders", read: 100 },
        failedFiles: [{ stream: "orders", problem: "odd" }],
        rejectReasons: [{ reason: "total_invalid", records: 90 }],
        standingRejects: 90,
    });
    expect(status.verdict).not.toContain("orders is");
    expect(status.streams.map(({ name }) => name)).toEqual(["orders"]);
    expect(status.workers.map(({ stream }) => stream)).toEqual(["orders"]);
});

test("a stream that is not active is not shown", async () => {
    await undoing(sql, async (within) => {
        await within`update ingest.streams set is_active = false where stream_id = ${sensors}`;
        const { streams } = await readStatus(within as unknown as Sql);
        expect(streams.map(({ name }) => name)).toEqual(["events", "orders"]);
    });
});

test("fifty streams and a long history: it reads the latest batches of each, however long ago they are", async () => {
    await undoing(sql, async (within) => {
        for (let id = 3; id < 50; id++)
            await within`select ingest.add_stream(${id}::smallint, ${`s${id}`}, ${`public.s${id}`}, 'insert')`;
        // Each stream's sixty are its only ones for a long time; those of events come after.
        await within`
            insert into ingest.batches (
                stream_id, batch_key, worker_id, slices, chunks, read, inserted, duplicate, conflict, rejected,
                started_at, finished_at, duration_ms
            )
            select
                case when no <= 3000 then no % 50 else 0 end, gen_random_uuid(), gen_random_uuid(), 65535, 1, 1, 1, 0, 0, 0,
                moment, moment + interval '1 second', '{}'
            from generate_series(1, 60000) as numbers (no), lateral (select now() - interval '9 days' + no * interval '10 seconds' as moment)`;
        await within`analyze ingest.batches`;
        const rowsSoFar = async () => {
            const [row] = await within<{ rows: number }[]>`
                select (seq_tup_read + idx_tup_fetch)::bigint as rows from pg_stat_xact_user_tables
                where schemaname = 'ingest' and relname = 'batches'`;
            return row!.rows;
        };
        await within`set local max_parallel_workers_per_gather = 0`;
        const before = await rowsSoFar();
        const { streams } = await readStatus(within as unknown as Sql);
        // Fifty of each of the fifty, the latest 200 of all, and the last minute's.
        expect((await rowsSoFar()) - before).toBeLessThan(3000);
        expect(streams).toHaveLength(50);
        expect(streams.every(({ lastMergedAt }) => lastMergedAt !== null)).toBe(true);
    });
});
