/** Several streams in one process and in several: what befalls one leaves the others alone. */
import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "../../src/database/connect.ts";
import type { RefreshStream } from "../../src/engine/run/table-block.ts";
import { runChecks } from "../../src/operations/run-checks.ts";
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

beforeAll(async () => {
    await sql.unsafe(`${makeTable("orders")}; ${makeTable("returns")}`);
});

const isIn = (table: string, no: number) => async () =>
    (await sql.unsafe(`select from ${table} where no = ${no}`)).length === 1;
const eventsAre = (rows: number) => async () => (await several.count("events")) === rows;
const streamRow = async (name: string) => {
    const [row] = await sql`select problem, problem_detail as detail from ingest.streams where name = ${name}`;
    return { ...row } as { problem: string | null; detail: string | null };
};
const failedChecks = async () => (await runChecks(sql)).filter(({ passed }) => !passed).map(({ name }) => name);

test("one heartbeat renews a worker of each stream, and each stream is loaded by one of them", async () => {
    several.start();
    const ids = several.streams.map(({ id }) => id).sort();
    await waitUntil("each is loaded", async () => {
        const rows = await sql`
            select loader_lease.stream_id as stream
            from ingest.loader_lease
            inner join ingest.workers using (worker_id, stream_id)
            where workers.pid = ${process.pid}
            order by 1`;
        return rows.map(({ stream }) => stream).join() === ids.join();
    });
});

test.each<[what: string, change: string, undo: string, code: RegExp]>([
    [
        "dropped",
        "alter table orders rename to orders_gone",
        "alter table orders_gone rename to orders",
        /table_missing/,
    ],
    [
        "without its key",
        "alter table orders drop constraint orders_pkey",
        "alter table orders add primary key (no)",
        /table_without_key/,
    ],
    [
        "of a type that is taken by no rule",
        "alter table orders alter word type money using null",
        "alter table orders alter word type text using null",
        /column_type/,
    ],
])("a stream whose table is %s is blocked alone, says why, and comes back by itself", async (_, change, undo, code) => {
    const [first] = await sql`select coalesce(max(no), 0) as no from orders`;
    const from = Number(first!.no) + 1;
    const running = several.start({ refresh });
    several.putNumbers("orders-1.csv", from, from);
    await waitUntil("orders are in", isIn("orders", from));

    await sql.unsafe(change);
    several.putNumbers("orders-2.csv", from + 1, from + 9);
    await waitUntil("it says why", async () => (await streamRow("orders")).problem !== null);
    await waitUntil("it says what helps", async () => code.test((await streamRow("orders")).problem ?? ""));
    expect((await streamRow("orders")).detail).toContain("orders");
    several.putEvents("e.csv", 1, 5);
    several.putNumbers(`returns-${from}.csv`, from, from);
    await waitUntil("events go on", eventsAre(5));
    await waitUntil("returns go on", isIn("returns", from));
    expect((await streamRow("returns")).problem).toBeNull();
    const lines = running.lines.filter((line) => line.includes("The tables have changed"));
    expect(lines).toEqual([expect.stringMatching(/^warn: orders: /)]);

    await sql.unsafe(undo);
    await waitUntil("orders go on", isIn("orders", from + 9));
    await waitUntil("nothing is in the way", async () => (await streamRow("orders")).problem === null);
    await running.stop();
    expect((await several.files()).map(({ state }) => state)).toEqual(["merged", "merged", "merged", "merged"]);
    expect(await failedChecks()).toEqual([]);
});

test("a stream that may not write its table is blocked alone until it may", async () => {
    const role = `sluice_several_${process.pid}`;
    await sql.unsafe(`
        create role ${role} login password 'several' superuser;
        alter role ${role} nosuperuser;
        grant all on schema public, ingest, ingest_orders, ingest_returns to ${role};
        grant all on all tables in schema public, ingest, ingest_orders, ingest_returns to ${role};
        grant all on all sequences in schema public, ingest to ${role};
        grant execute on all functions in schema ingest, ingest_orders, ingest_returns to ${role};
        grant pg_read_all_stats to ${role};
        grant pg_signal_backend to ${role};
        grant create, temporary on database ${database.target.database} to ${role}`);
    const target = { ...database.target, user: role, password: "several" };
    try {
        await sql.unsafe(`revoke insert on orders from ${role}`);
        several.putNumbers("orders-1.csv", 9001, 9005);
        several.putNumbers("returns-1.csv", 9001, 9005);
        several.start({ target });
        await waitUntil("returns are in", isIn("returns", 9005));
        await waitUntil("it says why", async () => (await streamRow("orders")).problem === "table_rights");
        expect((await streamRow("orders")).detail).toContain("permission denied for table orders");
        await sql.unsafe(`grant insert on orders to ${role}`);
        await waitUntil("orders are in", isIn("orders", 9005));
        await waitUntil("nothing is in the way", async () => (await streamRow("orders")).problem === null);
    } finally {
        await sql`select pg_terminate_backend(pid) from pg_stat_activity where usename = ${role}`;
        await sql.unsafe(`drop owned by ${role}; drop role ${role}`).catch(() => {});
    }
});

test("a run that ends does not wait for a table that is gone: that stream has failed, and the others are done", async () => {
    several.putNumbers("orders-1.csv", 20_001, 20_003);
    several.putNumbers("returns-1.csv", 20_001, 20_003);
    await sql.unsafe("alter table orders rename to orders_gone");
    try {
        const summary = await several.ingestOnce({ refresh });
        expect(
            summary.streams?.map(({ stream, problem, records }) => [stream, problem !== null, records.inserted]),
        ).toEqual([
            ["orders", true, 0],
            ["returns", false, 3],
            ["events", false, 0],
        ]);
    } finally {
        await sql.unsafe("alter table orders_gone rename to orders");
    }
    expect((await several.ingestOnce({ refresh })).records).toMatchObject({ read: 3, inserted: 3 });
});

test("the backend of one stream is ended in its merge: the others go on, and nothing is doubled or lost", async () => {
    const holder = connect(database.target, { applicationName: "test holder", max: 1 });
    try {
        // The merge of orders waits for this lock, in its transaction.
        await holder.unsafe("begin; lock table orders in share mode");
        several.putNumbers("orders-1.csv", 30_001, 30_100);
        several.start({ refresh });
        const pid = await waitUntil("orders are being merged", async () => {
            const [row] = await sql`
                select pid from pg_locks where relation = 'orders'::regclass and not granted limit 1`;
            return row === undefined ? null : (row.pid as number);
        });
        several.putNumbers("returns-1.csv", 30_001, 30_100);
        await waitUntil("returns do not wait for it", isIn("returns", 30_100));
        await sql`select pg_terminate_backend(${pid})`;
        several.putNumbers("returns-2.csv", 30_101, 30_200);
        await waitUntil("returns go on", isIn("returns", 30_200));
        await holder.unsafe("rollback");
        await waitUntil("orders are in", isIn("orders", 30_100));
        expect(await failedChecks()).toEqual([]);
    } finally {
        await holder.end({ timeout: 1 });
    }
});

test("two processes with other streams each load their own", async () => {
    const [orders, returns, events] = several.streams;
    const first = several.start({ streams: [orders!] });
    const second = several.start({ streams: [returns!, events!] });
    several.putNumbers("orders-1.csv", 40_001, 40_050);
    several.putNumbers("returns-1.csv", 40_001, 40_050);
    several.putEvents("e.csv", 100, 109);
    await waitUntil("orders", isIn("orders", 40_050));
    await waitUntil("returns", isIn("returns", 40_050));
    await waitUntil("events", eventsAre(10));
    const [own, others] = [await first.stop(), await second.stop()];
    expect([own.records.read, others.records.read]).toEqual([50, 60]);
    const loads = await sql`
        select distinct loads.stream_id as stream, loads.worker_id as worker from ingest.loads order by 1`;
    expect(loads.length).toBe(3);
    expect(new Set(loads.map(({ worker }) => worker)).size).toBe(3);
    expect(await failedChecks()).toEqual([]);
});

test("two processes with the same streams: each stream is loaded by one at a time, and both merge", async () => {
    const first = several.start();
    const second = several.start();
    for (let no = 0; no < 20; no += 1) {
        several.putNumbers(`orders-${no}.csv`, 50_000 + no * 10, 50_009 + no * 10);
        several.putNumbers(`returns-${no}.csv`, 50_000 + no * 10, 50_009 + no * 10);
    }
    await waitUntil(
        "orders",
        async () => Number((await sql`select count(*) as n from orders where no >= 50000`)[0]!.n) === 200,
    );
    await waitUntil(
        "returns",
        async () => Number((await sql`select count(*) as n from returns where no >= 50000`)[0]!.n) === 200,
    );
    const holders = await sql`
        select loader_lease.stream_id, count(*) as loaders from ingest.loader_lease
        where lease_until > clock_timestamp() group by 1`;
    expect(holders.map(({ loaders }) => loaders)).toEqual([1, 1, 1]);
    // Who holds no lease takes it over when the other one ends.
    await first.stop();
    several.putNumbers("orders-99.csv", 51_000, 51_009);
    several.putNumbers("returns-99.csv", 51_000, 51_009);
    await waitUntil("the other one loads orders", isIn("orders", 51_009));
    await waitUntil("the other one loads returns", isIn("returns", 51_009));
    await second.stop();
    expect(await failedChecks()).toEqual([]);
});
