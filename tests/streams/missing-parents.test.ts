/** A record that lacks the row which a foreign key names is replayed by itself once that is there. */
import { beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { useEmptyDatabase } from "../support/fixture.ts";
import { startIngest } from "../support/ingest-process.ts";
import { expectChecksToPass, expireLeases } from "../support/read-tables.ts";
import { openSession, whenWaiting } from "../support/sessions.ts";
import { waitUntil } from "../support/wait-until.ts";
import { declare, useSeveralStreams } from "./several-streams.ts";

setDefaultTimeout(60_000);

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;

beforeEach(async () => {
    await sql.unsafe(`
        drop schema if exists shop cascade;
        create schema shop;
        create table shop.customers (id bigint primary key, invited_by bigint references shop.customers);
        create table shop.orders (id bigint primary key, customer_id bigint not null references shop.customers);
        create table shop.lines (
            order_id bigint references shop.orders,
            no integer,
            amount integer check (amount > 0),
            primary key (order_id, no)
        )`);
});
const several = useSeveralStreams(database, () =>
    ["customers", "lines", "orders"].map((name) => declare(name, `${name}*.csv`, `shop.${name}`)),
);

const put = (path: string, header: string, ...records: string[]) =>
    several.put(path, `${[header, ...records].join("\n")}\n`);
const putOrders = (path: string, ...records: string[]) => put(path, "id,customer_id", ...records);
const putCustomers = (path: string, ...records: string[]) => put(path, "id,invited_by", ...records);

const counts = async () => [
    await several.count("shop.customers"),
    await several.count("shop.orders"),
    await several.count("shop.lines"),
];
const standing = async () =>
    (
        await sql`
        select streams.name, rejects.record_no, rejects.reasons
        from ingest.rejects
        inner join ingest.streams using (stream_id)
        where resolved_by_batch is null
        order by 1, 2`
    ).map((row) => `${row.name} ${row.record_no} ${row.reasons}`);

test("in one run, whichever comes first: children of children too, and what is wrong otherwise stays", async () => {
    put("lines.csv", "order_id,no,amount", "1,1,5", "1,2,-5", "2,1,5", "9,1,5");
    putOrders("orders.csv", "1,1", "2,2", "3,7");
    putCustomers("customers.csv", "1,", "2,1");
    const summary = await several.ingestOnce();
    expect(await counts()).toEqual([2, 2, 2]);
    expect(await standing()).toEqual([
        "lines 2 lines_amount_check",
        "lines 4 order_id_unknown",
        "orders 3 customer_id_unknown",
    ]);
    expect(summary.records.read).toBe(9);
    await expectChecksToPass(sql);

    expect((await several.ingestOnce()).retried).toBeUndefined();
});

test("in a later run, when a stream or somebody else has brought them; how many is in its summary", async () => {
    put("lines.csv", "order_id,no,amount", "1,1,5");
    putOrders("orders.csv", "1,1", "2,2");
    await several.ingestOnce();
    expect(await counts()).toEqual([0, 0, 0]);

    putCustomers("customers.csv", "1,");
    const { retried, streams } = await several.ingestOnce();
    expect(retried).toMatchObject({ read: 2, inserted: 2, duplicate: 0, conflict: 0, rejected: 0 });
    expect(streams?.map((one) => [one.stream, one.retried?.inserted])).toEqual([
        ["customers", undefined],
        ["lines", 1],
        ["orders", 1],
        ["events", undefined],
    ]);
    await sql`insert into shop.customers values (2)`;
    expect((await several.ingestOnce()).retried?.inserted).toBe(1);
    expect(await counts()).toEqual([2, 2, 1]);
    await expectChecksToPass(sql);
});

test("a table that is its own parent converges, though its records come in the wrong order and in files of their own", async () => {
    putCustomers("customers-1.csv", "5,4", "4,3", "9,9");
    await several.ingestOnce();
    expect(await counts()).toEqual([1, 0, 0]);
    putCustomers("customers-2.csv", "3,2", "2,1");
    await several.ingestOnce();
    putCustomers("customers-3.csv", "1,");
    expect((await several.ingestOnce()).retried?.inserted).toBe(4);
    expect(await counts()).toEqual([6, 0, 0]);
    expect(await standing()).toEqual([]);
    await expectChecksToPass(sql);
});

test("while it watches: soon after the parents' stream has merged; said in the log; an edit that waits for a person is left", async () => {
    const { lines, stop } = several.start();
    putOrders("orders.csv", "1,1", "2,1", "x,1", "3,8");
    await waitUntil("all are rejected", async () => (await standing()).length === 4);
    await sql`update ingest.rejects set record = record || '{"id": "7"}' where record_no = 3`;
    putCustomers("customers.csv", "1,");
    await waitUntil("two got in", async () => (await several.count("shop.orders")) === 2);
    await waitUntil("the log says so", () =>
        lines.some((line) => line.startsWith("info: orders: 2 of 2 rejects whose parent")),
    );
    await stop();
    expect(await standing()).toEqual(["orders 3 id_invalid", "orders 4 customer_id_unknown"]);
    await expectChecksToPass(sql);
});

test("one whose merge began before the parent was committed, and ended after the parent's rejects were looked at", async () => {
    const { stop } = several.start();
    putOrders("orders-1.csv", "3,8");
    await waitUntil("it is rejected", async () => (await standing()).length === 1);
    const session = openSession(database);
    await session`begin`;
    // A merge comes here when it has judged all of its records.
    await session`
        select from ingest.totals
        where stream_id = (select stream_id from ingest.streams where name = 'orders')
        for update`;
    putOrders("orders-2.csv", "1,1");
    await whenWaiting(sql);
    putCustomers("customers.csv", "1,");
    await waitUntil("the parent is there", async () => (await several.count("shop.customers")) === 1);
    const [{ now }] = await sql<[{ now: Date }]>`select clock_timestamp() as now`;
    const looked = waitUntil("what waits was looked at", async () => {
        const looks = await sql`
            select from pg_stat_activity
            where
                datname = current_database() and pid <> pg_backend_pid()
                and query like '%ready_rejects%' and query_start > ${now}`;
        return looks.length > 0;
    }).catch(() => {});
    // It may have ended between two questions of ours.
    await Promise.race([looked, Bun.sleep(5_000)]);
    await session`rollback`;
    await waitUntil("it got in", async () => (await several.count("shop.orders")) === 1);
    await stop();
    expect(await standing()).toEqual(["orders 1 customer_id_unknown"]);
    await expectChecksToPass(sql);
});

test("killed when the parents are in, and again while it replays: the run after that does it, nothing twice", async () => {
    const folder = dirname(several.inputDir);
    mkdirSync(join(folder, "streams"));
    for (const name of ["customers", "lines", "orders"]) {
        writeFileSync(
            join(folder, "streams", `${name}.ts`),
            `export default { files: "${name}*.csv", table: "shop.${name}" };`,
        );
    }
    const run = (environment: Record<string, string> = {}) =>
        startIngest(database.url, several.inputDir, ["--trigger", "available-now", "--tail-settle", "0"], {
            cwd: folder,
            environment,
        });
    putOrders("orders.csv", ...Array.from({ length: 300 }, (_, index) => `${index + 1},${(index % 3) + 1}`));
    await run().finish();
    expect(await counts()).toEqual([0, 0, 0]);

    putCustomers("customers.csv", "1,", "2,", "3,");
    await run({ FAULT_AT: "after-merge", FAULT_ACTION: "kill" }).finish();
    expect(await counts()).toEqual([3, 0, 0]);
    await expireLeases(sql);

    await sql.begin(async (transaction) => {
        await transaction`select from ingest.slices for update`;
        const second = run();
        await whenWaiting(sql);
        second.kill("SIGKILL");
        await second.exited;
    });
    await waitUntil("its replay has ended", async () => {
        const replaying = await sql`
            select from pg_stat_activity
            where datname = current_database() and query like '%replay_as_caller%' and pid <> pg_backend_pid() and state = 'active'`;
        return replaying.length === 0;
    });
    await expireLeases(sql);

    await run().finish();
    expect(await counts()).toEqual([3, 300, 0]);
    expect(await standing()).toEqual([]);
    await expectChecksToPass(sql);
});
