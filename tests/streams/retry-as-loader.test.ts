/** A loader that may only add rows replays what lacked a parent, as the owner does; where it may not, it says so. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DatabaseTarget, makeTarget } from "../../src/database/database-target.ts";
import { makeFolder, useDatabase } from "../support/fixture.ts";
import { ingestOnce, startIngest } from "../support/ingest-process.ts";
import { expectChecksToPass } from "../support/read-tables.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(60_000);

const database = useDatabase(import.meta.path);
const { sql } = database;
const inputDir = join(makeFolder(), "input");
/** Roles are the whole server's: one of this test's own. */
const role = `sluice_loader_${randomBytes(3).toString("hex")}`;
const flags = ["--table", "sales.orders", "--tail-settle", "0"];
let loader: DatabaseTarget;

beforeAll(async () => {
    mkdirSync(inputDir);
    await sql.unsafe(`
        create schema sales;
        create table sales.customers (id bigint primary key);
        create table sales.orders (id bigint primary key, customer_id bigint not null references sales.customers)`);
    // The owner makes the stream.
    expect((await ingestOnce(database.url, inputDir, flags)).exitCode).toBe(0);
    const script = await Bun.file(join(import.meta.dir, "../../sql/roles/loader.sql")).text();
    await sql.unsafe(script.replaceAll("sluice_loader", role));
    await sql.unsafe(`alter role ${role} password '${role}'`);
    loader = makeTarget({ ...database.target, user: role, password: role });
});
afterAll(async () => {
    await sql.unsafe(`drop owned by ${role} cascade; drop role ${role}`);
});

const countOrders = async () => (await sql`select from sales.orders`).length;

test("at the end of a run, and while it watches", async () => {
    writeFileSync(join(inputDir, "a.csv"), "id,customer_id\n1,1\n2,2\n3,3\n");
    const first = await ingestOnce(loader.url, inputDir, flags);
    expect(first.summary?.records.rejected).toBe(3);
    await sql`insert into sales.customers values (1)`;
    const second = await ingestOnce(loader.url, inputDir, flags);
    expect(second.stderr).not.toContain("42501");
    expect(second.summary?.retried).toMatchObject({ read: 1, inserted: 1, duplicate: 0, conflict: 0, rejected: 0 });

    await sql`insert into sales.customers values (2)`;
    const watching = startIngest(loader.url, inputDir, flags);
    await waitUntil("it got in", async () => (await countOrders()) === 2);
    watching.kill("SIGTERM");
    expect((await watching.finish()).stderr).not.toContain("42501");
    await expectChecksToPass(sql);
});

test("a right that is missing is said, with the remedy, and the run goes on", async () => {
    await sql`insert into sales.customers values (3)`;
    await sql.unsafe(`revoke execute on function ingest.replay_as_caller from public`);
    const { stderr, summary } = await ingestOnce(loader.url, inputDir, flags);
    expect(stderr).toContain("could not be replayed (SQLSTATE 42501). Run sql/roles/loader.sql again, as the owner.");
    expect(summary?.retried).toBeUndefined();
    expect(await countOrders()).toBe(2);
});
