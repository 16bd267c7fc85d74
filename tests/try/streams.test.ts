/** `bun run try` for any stream: of a declared one by its files or its name, of a table that nothing is declared for. */
import { beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { header, idOf, useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { runScript } from "../support/run-script.ts";

setDefaultTimeout(60_000);

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;
const folder = useFolder("streams");

beforeEach(async () => {
    await sql.unsafe(`
        drop schema if exists ingest_orders cascade;
        drop schema if exists ingest_lines cascade;
        delete from ingest.streams where stream_id > 0;
        drop schema if exists sales cascade;
        create schema sales;
        create table sales.orders (id bigint primary key, total numeric(10, 2) check (total >= 0));
        create table sales.lines (
            order_id bigint references sales.orders,
            no integer,
            note text default 'none',
            primary key (order_id, no)
        );
        insert into sales.orders values (1, 5)`);
    mkdirSync(join(folder, "data"));
    writeFileSync(
        join(folder, "streams", "orders.ts"),
        `export default { files: "orders*.csv", table: "sales.orders" };`,
    );
});

const put = (name: string, ...lines: string[]) => writeFileSync(join(folder, name), `${lines.join("\n")}\n`);

async function tryIt(...args: string[]) {
    const { exitCode, stdout, stderr } = await runScript("try", ["--json", ...args], {
        cwd: folder,
        environment: { DATABASE_URL: database.url },
    });
    return { exitCode, stderr, tried: stdout === "" ? [] : JSON.parse(stdout) };
}

const whatIsThere = async () =>
    (
        await sql`
            select
                (select count(*) from sales.orders) as orders, (select count(*) from sales.lines) as lines,
                (select count(*) from public.events) as events, (select count(*) from ingest.files) as files,
                (select count(*) from ingest.loads) as loads, (select count(*) from ingest.rejects) as rejects,
                (select count(*) from ingest.batches) as batches,
                (select json_agg(name) from ingest.streams where is_active) as active`
    )[0];

test("each file for the stream whose files it is; --stream for another; nothing is left but an empty schema", async () => {
    put("orders-1.csv", "id,total", "1,5", "1,6", "2,-1", "3,7");
    put("e.csv", header, `${idOf(1)},view,p,u,2024-01-01 00:00:00,1,1`);
    const before = await whatIsThere();
    const { exitCode, stderr, tried } = await tryIt("orders-1.csv", "e.csv");
    expect(stderr).toContain("ingest_orders was created");
    expect(exitCode).toBe(0);
    expect(tried.map(({ file, records }: { file: string; records: object }) => [file, records])).toMatchObject([
        ["orders-1.csv", { read: 4, inserted: 1, duplicate: 1, conflict: 1, rejected: 1 }],
        ["e.csv", { read: 1, inserted: 1, duplicate: 0, conflict: 0, rejected: 0 }],
    ]);
    expect(tried[0].reasons.map(({ reason }: { reason: string }) => reason).sort()).toEqual([
        "id_conflict",
        "orders_total_check",
    ]);
    expect(await whatIsThere()).toEqual(before);
    const again = await tryIt("e.csv", "--stream", "orders");
    expect([again.exitCode, again.tried[0].problem]).toEqual([1, "header_missing_columns"]);
    expect(again.stderr).not.toContain("was made");
});

test("--table for a table that nothing is declared for, and that of a declared stream as it is declared", async () => {
    put("some.csv", "order_id,no", "1,1", "9,1");
    const before = await whatIsThere();
    const { tried } = await tryIt("some.csv", "--table", "sales.lines");
    expect(tried[0].records).toMatchObject({ read: 2, inserted: 1, duplicate: 0, conflict: 0, rejected: 1 });
    expect(tried[0].reasons[0].reason).toBe("order_id_unknown");
    put("other.csv", "id,total", "4,1");
    expect((await tryIt("other.csv", "--table", "sales.orders")).tried[0].records.inserted).toBe(1);
    expect(await whatIsThere()).toEqual(before);
    const [declared] = await sql`select files from ingest.streams where name = 'orders'`;
    expect(declared!.files).toBe("orders*.csv");
});

test("should fail for a stream that there is not, and a table that cannot be taken, with what would help", async () => {
    put("some.csv", "order_id,no", "1,1");
    expect((await tryIt("some.csv", "--stream", "order")).stderr).toContain("Did you mean orders?");
    expect((await tryIt("some.csv", "--table", "sales.nowhere")).stderr).toContain("table_missing");
});
