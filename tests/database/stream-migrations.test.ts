import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspectSchema, migrateDatabase } from "../../src/database/migrate.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { refusalOf } from "../support/failure-of.ts";

let database: TestDatabase;
let folder: string;

beforeEach(async () => {
    database = await createTestDatabase(import.meta.path);
    folder = mkdtempSync(join(tmpdir(), "sluice-streams-"));
});
afterEach(async () => {
    rmSync(folder, { recursive: true });
    await database.drop();
});

const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
const migrate = () => migrateDatabase(database.target, { log: () => {}, streamMigrationsDir: folder });

test("each is applied once, in the order of their names, and is named in the journal", async () => {
    write("0001_items.sql", "insert into public.orders values (1); alter table public.orders add column note text;");
    write("0000_orders.sql", "create table public.orders (order_id bigint primary key)");
    write("meta.json", "{}");
    const expected = ["streams/migrations/0000_orders.sql", "streams/migrations/0001_items.sql"];
    expect((await inspectSchema(database.target, database.sql, { streamMigrationsDir: folder })).migrations).toEqual(
        expected,
    );
    expect((await migrate()).migrations).toEqual(expected);
    expect((await migrate()).migrations).toEqual([]);
    write("0002_more.sql", "insert into public.orders values (2)");
    expect((await migrate()).migrations).toEqual(["streams/migrations/0002_more.sql"]);
    const rows = await database.sql`select order_id, note from public.orders order by order_id`;
    expect([...rows]).toEqual([
        { order_id: 1, note: null },
        { order_id: 2, note: null },
    ]);
    const journal = await database.sql`select name from ingest.stream_migrations order by name`;
    expect(journal.map(({ name }) => name)).toEqual(["0000_orders.sql", "0001_items.sql", "0002_more.sql"]);
});

test("one that fails is named with its line, and leaves nothing of any", async () => {
    write("0000_orders.sql", "create table public.orders (order_id bigint primary key);");
    write("0001_broken.sql", "create table public.items (\n    item_id no_such_type\n);");
    const failure = await refusalOf(migrate());
    expect(failure).toMatchObject({ code: "migration_failed" });
    expect(failure.message).toContain("streams/migrations/0001_broken.sql, line 2");
    const [row] = await database.sql`
        select to_regclass('public.orders') as orders, to_regclass('ingest.stream_migrations') as journal`;
    expect(row).toEqual({ orders: null, journal: null });
});

test("one that was changed after it was applied is refused by name", async () => {
    write("0000_orders.sql", "create table public.orders (order_id bigint primary key);");
    await migrate();
    write("0000_orders.sql", "create table public.orders (order_id text primary key);");
    const failure = await refusalOf(migrate());
    expect(failure).toMatchObject({ code: "migration_changed" });
    expect(failure.message).toContain("streams/migrations/0000_orders.sql");
});

test("those of another checkout are left alone", async () => {
    write("0000_orders.sql", "create table public.orders (order_id bigint primary key);");
    await migrate();
    rmSync(join(folder, "0000_orders.sql"));
    expect((await migrate()).migrations).toEqual([]);
});
