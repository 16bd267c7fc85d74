/** One of several streams is paused: the others work, and its own things wait for it. */
import { beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import type { RefreshStream } from "../../src/engine/run/table-block.ts";
import { pauseStreams, resumeStreams } from "../../src/operations/pause-streams.ts";
import { runChecks } from "../../src/operations/run-checks.ts";
import { readStatus } from "../../src/operations/status/read-status.ts";
import { useEmptyDatabase } from "../support/fixture.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { waitUntil } from "../support/wait-until.ts";
import { declare, makeTable, refreshWith, useSeveralStreams } from "./several-streams.ts";

setDefaultTimeout(testTimeoutMs);

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;
const declared = [declare("orders", "orders-*.csv"), declare("returns", "returns-*.csv")];
const several = useSeveralStreams(database, () => declared);
const refresh: RefreshStream = (connection, stream) => refreshWith(database.target, declared)(connection, stream);
const idOf = (name: string) => several.streams.find((stream) => stream.name === name)!.id;
const pauseOrders = () => pauseStreams(sql, idOf("orders"), "ana@one", null);
const are = (table: string, rows: number) =>
    waitUntil(`${table}: ${rows}`, async () => (await several.count(table)) === rows);
const failedChecks = async () => (await runChecks(sql)).filter(({ passed }) => !passed).map(({ name }) => name);

beforeAll(async () => {
    await sql.unsafe(`${makeTable("orders")}; ${makeTable("returns")}`);
});
beforeEach(async () => {
    await sql.unsafe("truncate orders, returns, events");
    await resumeStreams(sql, null);
});

test("the others go on, the status names it, and it takes all that came once it is resumed", async () => {
    const running = several.start({ refresh });
    several.putNumbers("orders-1.csv", 1, 5);
    await are("orders", 5);
    await pauseOrders();
    await waitUntil("it says so", async () =>
        running.lines.some((line) => /^info: orders: Paused by ana@one\./.test(line)),
    );
    several.putNumbers("orders-2.csv", 6, 9);
    several.putNumbers("returns-1.csv", 1, 3);
    several.putEvents("e.csv", 1, 4);
    await are("returns", 3);
    await are("events", 4);
    const { state, tone, verdict, streams } = await readStatus(sql);
    expect([state, tone]).toEqual(["running", "busy"]);
    expect(verdict).toEndWith(" orders is paused.");
    expect(streams.map((stream) => [stream.name, stream.pausedAt !== null])).toEqual([
        ["events", false],
        ["orders", true],
        ["returns", false],
    ]);
    expect(await several.count("orders")).toBe(5);
    await resumeStreams(sql, idOf("orders"));
    await are("orders", 9);
    await running.stop();
    expect(await failedChecks()).toEqual([]);
});

test("what waits for a paused stream is no trouble of all together", async () => {
    await several.ingestOnce();
    await pauseOrders();
    await sql`
        insert into ingest.files (stream_id, path, state, size_bytes, mtime_ns, inode, discovered_at)
        values (${idOf("orders")}, 'orders-old.csv', 'pending', 900000000, 1, 1, now() - interval '5 hours')`;
    await sql`
        insert into ingest.workers (worker_id, host, pid, input_dir, started_at, lease_until, report, stream_id)
        select gen_random_uuid(), 'one', 11, '/srv', now() - interval '6 hours', now() + interval '1 hour', '{}', stream_id
        from ingest.streams`;
    try {
        const paused = await readStatus(sql);
        expect([paused.state, paused.tone]).not.toContain("bad");
        expect(["running", "idle", "empty"]).toContain(paused.state);
        await resumeStreams(sql, null);
        expect((await readStatus(sql)).state).toBe("stuck");
        await pauseStreams(sql, null, "ana@one", null);
        const { state, verdict } = await readStatus(sql);
        expect([state, verdict]).toEqual(["paused", "All 3 streams are paused. Resume them: `bun run resume`."]);
    } finally {
        await sql`delete from ingest.files where path = 'orders-old.csv'`;
        await sql`delete from ingest.workers where host = 'one'`;
    }
});

test("a run that ends leaves what is paused to the next, and does the others' work", async () => {
    await pauseOrders();
    several.putNumbers("orders-3.csv", 1, 5);
    several.putNumbers("returns-3.csv", 1, 5);
    const summary = await several.ingestOnce();
    expect(summary.paused).toBe(true);
    expect(summary.streams!.map(({ stream, paused, records }) => [stream, paused === true, records.inserted])).toEqual([
        ["orders", true, 0],
        ["returns", false, 5],
        ["events", false, 0],
    ]);
    await resumeStreams(sql, null);
    expect((await several.ingestOnce()).paused).toBeUndefined();
    expect(await several.count("orders")).toBe(5);
    expect(await failedChecks()).toEqual([]);
});

test("a table that is in the way of a paused stream is looked at once it is resumed", async () => {
    await pauseOrders();
    await sql.unsafe("alter table orders rename to orders_gone");
    try {
        const running = several.start({ refresh });
        await waitUntil("it is paused", async () => running.lines.some((line) => line.includes("orders: Paused by")));
        several.putNumbers("orders-4.csv", 1, 2);
        await Bun.sleep(2_000);
        const [row] = await sql`select problem from ingest.streams where name = 'orders'`;
        expect(row!.problem).toBeNull();
        await resumeStreams(sql, null);
        await waitUntil("it is blocked", async () => {
            const { streams } = await readStatus(sql);
            return streams.find(({ name }) => name === "orders")!.state === "blocked";
        });
        await sql.unsafe("alter table orders_gone rename to orders");
        await are("orders", 2);
        await running.stop();
    } finally {
        await sql.unsafe("alter table if exists orders_gone rename to orders");
    }
});
