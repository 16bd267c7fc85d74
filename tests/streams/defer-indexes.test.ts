/** `--defer-indexes`: what is dropped for a backlog is there again afterwards, as it was, whoever has to make it. */
import { afterAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeTarget } from "../../src/database/database-target.ts";
import { choose } from "../../src/engine/load/defer-indexes.ts";
import { deferrable, makeOrders, orderCount, readIndexes, writeOrders } from "../support/deferred-indexes.ts";
import { header, idOf, makeFolder, useEmptyDatabase } from "../support/fixture.ts";
import { ingestOnce, startIngest } from "../support/ingest-process.ts";
import { expectSound, expireLeases } from "../support/read-tables.ts";
import { runScript } from "../support/run-script.ts";
import { openSession } from "../support/sessions.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(60_000);

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;
const folder = makeFolder();
const inputDir = join(folder, "input");
mkdirSync(inputDir);
writeOrders(inputDir);
const ofTable = ["--table", '"Shop".orders'];
const deferring = [...ofTable, "--defer-indexes"];
/** Dies when the indexes are gone and nothing is loaded. */
const dying = { environment: { FAULT_AT: "after-defer", FAULT_ACTION: "kill" } };
let before: Awaited<ReturnType<typeof readIndexes>>;

beforeEach(async () => {
    await sql`drop schema if exists "Shop" cascade`;
    await sql`delete from ingest.deferred_indexes`;
    await sql`delete from ingest.streams where name = 'orders'`;
    await sql`drop schema if exists ingest_orders cascade`;
    await makeOrders(sql);
    before = await readIndexes(sql);
});

const countOrders = async () => (await sql<{ rows: number }[]>`select count(*) as rows from "Shop".orders`)[0]!.rows;

async function expectAsBefore(): Promise<void> {
    expect(await readIndexes(sql)).toEqual(before);
    expect(await countOrders()).toBe(orderCount);
    await expectSound(sql);
}

test("it is chosen for a backlog that is larger than the table, and proposed for a large one", () => {
    const MiB = 1024 * 1024;
    const situation = { unreadBytes: 8 * MiB, stagedRecords: 0, tableBytes: MiB, deferrable: ["a"], obstacle: null };
    expect(choose(situation, true)).toBe("defer");
    expect(choose({ ...situation, unreadBytes: 8 * MiB - 1 }, true)).toBe(null);
    expect(choose({ ...situation, tableBytes: 8 * MiB }, true)).toBe(null);
    expect(choose({ ...situation, deferrable: [] }, true)).toBe(null);
    expect(choose({ ...situation, obstacle: "it is not ours" }, true)).toBe("obstacle");
    expect(choose(situation, false)).toBe(null);
    expect(choose({ ...situation, unreadBytes: 256 * MiB }, false)).toBe("propose");
    expect(choose({ ...situation, unreadBytes: 256 * MiB, obstacle: "it is not ours" }, false)).toBe(null);
});

test("definitions of every kind and comments come back identical", async () => {
    const { exitCode, stderr, summary } = await ingestOnce(database.url, inputDir, deferring);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    const [, names] = /6 indexes of "?Shop"?\.orders deferred until the backlog is loaded: (.*)\. Queries/.exec(
        stderr,
    )!;
    expect(names!.split(", ").sort()).toEqual(deferrable);
    expect(summary?.deferredIndexes).toBeUndefined();
    await expectAsBefore();
});

test("a watching ingest makes them when the backlog is loaded, and goes on", async () => {
    const watching = startIngest(database.url, inputDir, [...deferring, "--trigger", "200ms"]);
    await waitUntil("they are made", () => /orders_words: made in/.test(watching.stderr()));
    await waitUntil("all are", async () => (await readIndexes(sql)).deferred === 0);
    expect((await watching.stop()).exitCode).toBe(143);
    await expectAsBefore();
});

test("a run that is stopped says that they stay deferred, and the next one makes them", async () => {
    const stopped = startIngest(database.url, inputDir, [...deferring, "--trigger", "200ms"]);
    await waitUntil("they are dropped", () => stopped.stderr().includes("deferred until"));
    const writer = openSession(database);
    await writer`begin`;
    await writer`lock table "Shop".orders in row exclusive mode`;
    await waitUntil("they are to be made", () => stopped.stderr().includes("Making 6 indexes"));
    expect(await stopped.stop()).toMatchObject({
        exitCode: 143,
        stderr: expect.stringMatching(/Indexes of "?Shop"?.orders stay deferred: the next ingest of it makes them\./),
    });
    await writer`rollback`;
    expect((await ingestOnce(database.url, inputDir, ofTable)).exitCode).toBe(0);
    await expectAsBefore();
});

test("what a killed run left is known to all commands, and made by the next run, without the option", async () => {
    expect((await ingestOnce(database.url, inputDir, deferring, dying)).exitCode).toBe(137);
    expect((await readIndexes(sql)).deferred).toBe(6);
    await expireLeases(sql);
    const environment = { DATABASE_URL: database.url };
    const command = async (name: Parameters<typeof runScript>[0], ...args: string[]) =>
        await runScript(name, args, { environment });
    expect((await command("status")).stdout).toContain('6 indexes of "Shop".orders are deferred: orders_by_day');
    const { streams } = JSON.parse((await command("status", "--json", "--stream", "orders")).stdout);
    expect(streams[0].deferredIndexes.map(({ index }: { index: string }) => index).sort()).toEqual(deferrable);
    expect(streams[0].deferredNote).toEndWith("The next ingest makes them.");
    const findings = JSON.parse((await command("doctor", "--json")).stdout);
    const finding = findings.findings.find(({ name }: { name: string }) => name === "indexes");
    expect(finding).toMatchObject({ state: "note", remedy: expect.stringContaining("ingest.make_index") });
    const maker = openSession(database);
    await maker`begin`;
    await maker`select ingest.make_index(min(deferred_index_id)) from ingest.deferred_indexes`;
    expect((await command("status")).stdout).toContain("orders_by_day (being made");
    await maker`rollback`;
    const check = await command("check");
    expect(check).toMatchObject({ exitCode: 1, stdout: expect.stringContaining("find_deferred_indexes") });
    expect((await command("reset", "--yes", "--stream", "orders")).stdout).toContain("The next ingest makes them.");

    expect((await ingestOnce(database.url, inputDir, ofTable)).exitCode).toBe(0);
    await expectAsBefore();
});

test("removing their stream makes them first, or is refused where it cannot", async () => {
    expect((await ingestOnce(database.url, inputDir, deferring, dying)).exitCode).toBe(137);
    await expireLeases(sql);
    await sql`create index orders_by_day on "Shop".orders (id)`;
    const remove = () => runScript("remove", ["orders"], { environment: { DATABASE_URL: database.url } });
    expect(await remove()).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining("something else has its name"),
    });
    await sql`drop index "Shop".orders_by_day`;
    expect((await remove()).exitCode).toBe(0);
    expect(await readIndexes(sql)).toEqual(before);
});

test("an index that the new rows do not allow is said, and the others are made", async () => {
    await sql`create index orders_share on "Shop".orders ((100 / (amount - 7.50)))`;
    const { exitCode, stderr, summary } = await ingestOnce(database.url, inputDir, deferring);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 1 });
    expect(stderr).toContain("The index orders_share could not be made again: 22012");
    expect(summary?.deferredIndexes).toMatchObject([
        { index: "orders_share", problem: expect.stringContaining("22012") },
    ]);
    expect(await readIndexes(sql)).toEqual({ ...before, deferred: 1 });
});

test("of two processes one drops and makes them", async () => {
    const runs = await Promise.all([1, 2].map(() => ingestOnce(database.url, inputDir, deferring)));
    expect(runs.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    expect(runs.filter(({ stderr }) => stderr.includes("deferred until")).length).toBe(1);
    await expectAsBefore();
});

test("while somebody reads the table the ingest loads with its indexes, and says so", async () => {
    const reader = openSession(database);
    await reader`begin`;
    await reader`select from "Shop".orders`;
    const { exitCode, stderr } = await ingestOnce(database.url, inputDir, deferring);
    await reader`commit`;
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(stderr).toContain("are not deferred: 55P03: another session holds a lock");
    await expectAsBefore();
});

const role = `sluice_loader_${randomBytes(3).toString("hex")}`;
afterAll(async () => {
    await sql.unsafe(`drop owned by ${role} cascade; drop role ${role}`);
});

test("a role that does not own the table loads with its indexes, and says what helps", async () => {
    const empty = mkdtempSync(join(folder, "empty-"));
    expect((await ingestOnce(database.url, empty, ofTable)).exitCode).toBe(0);
    const script = await Bun.file(join(import.meta.dir, "../../sql/roles/loader.sql")).text();
    await sql.unsafe(script.replaceAll("sluice_loader", role));
    await sql.unsafe(`alter role ${role} password '${role}'`);
    const loader = makeTarget({ ...database.target, user: role, password: role });
    const { exitCode, stderr } = await ingestOnce(loader.url, inputDir, deferring);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(stderr).toContain(`are not deferred: the role ${role} does not own "Shop".orders. The owner may say: grant`);
    await expectAsBefore();
});

test("a stream's file may ask for it", async () => {
    const cwd = mkdtempSync(join(folder, "project-"));
    mkdirSync(join(cwd, "streams"));
    const declaration = { files: "orders.csv", table: '"Shop".orders', deferIndexes: true };
    writeFileSync(join(cwd, "streams/orders.ts"), `export default ${JSON.stringify(declaration)};`);
    const { exitCode, stderr } = await ingestOnce(database.url, inputDir, [], { cwd });
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(stderr).toContain("6 indexes of");
    await expectAsBefore();
});

test("the four indexes of events are deferred, too", async () => {
    const ofEvents = await readIndexes(sql, "public.events");
    const eventsDir = mkdtempSync(join(folder, "events-"));
    const agent = "x".repeat(900);
    const lines = Array.from(
        { length: 9_500 },
        (_, no) => `${idOf(no)},view,p1,u${no},2026-05-01 10:00:00,,,${agent}\n`,
    );
    writeFileSync(join(eventsDir, "events.csv"), `${header},agent\n${lines.join("")}`);
    const { exitCode, stderr, summary } = await ingestOnce(database.url, eventsDir, ["--defer-indexes"]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(stderr).toContain("4 indexes of events deferred");
    expect(summary?.records.inserted).toBe(9_500);
    expect(await readIndexes(sql, "public.events")).toEqual(ofEvents);
    await expectSound(sql);
});
