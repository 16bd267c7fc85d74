/** A pause is kept in the ledger: every process stops at it and goes on after it, whatever is killed, and nothing is lost or doubled. */
import { beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pauseStreams, resumeStreams } from "../../src/operations/pause-streams.ts";
import { readStatus } from "../../src/operations/status/read-status.ts";
import { headerLine, idOf, useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { type IngestProcess, ingestOnce, startIngest } from "../support/ingest-process.ts";
import { expectSound, readFileStates } from "../support/read-tables.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;
const inputDir = useFolder();
/** Longer than the watch on the ledger needs. */
const aWhileMs = 2_500;
let next = 1;

beforeEach(async () => {
    await resumeStreams(sql, null);
    next = 1;
});

function drop(name: string, records: number): void {
    const lines = Array.from({ length: records }, () => `${idOf(next++)},view,p1,u1,2024-05-01 10:00:00,1,1.00\n`);
    writeFileSync(join(inputDir, `.${name}`), headerLine + lines.join(""));
    renameSync(join(inputDir, `.${name}`), join(inputDir, name));
}

const pause = (reason: string | null = null) => pauseStreams(sql, null, "ana@one", reason);
const watchAll = (count: number): IngestProcess[] =>
    Array.from({ length: count }, () => startIngest(database.url, inputDir, ["--trigger", "200ms"]));
const says = (ingests: IngestProcess[], what: string, times = 1) =>
    waitUntil(`all say ${what}`, async () => ingests.every((ingest) => ingest.stderr().split(what).length > times));
const eventsAre = (count: number) =>
    waitUntil(`there are ${count} events`, async () => (await countOf("events")) === count);
async function countOf(table: string): Promise<number> {
    const [row] = await sql.unsafe<{ rows: number }[]>(`select count(*)::integer as rows from ${table}`);
    return row!.rows;
}
/** A run that ends by itself finds nothing to do, and sweeps staging; then all adds up and nothing is left. */
async function expectAllDone(): Promise<void> {
    const { exitCode, summary } = await ingestOnce(database.url, inputDir);
    expect([exitCode, summary?.records.read]).toEqual([0, 0]);
    await expectSound(sql);
}
/** What moves when anything of a stream is loaded or merged. */
async function ledger() {
    const [row] = await sql`
        select
            (select coalesce(max(load_id), 0) from ingest.loads) as loads,
            (select coalesce(max(batch_id), 0) from ingest.batches) as batches,
            (select count(*) from ingest.files) as files`;
    return { ...row };
}

test("two processes stop at a pause, keep their leases, and both go on after it", async () => {
    const ingests = watchAll(2);
    drop("a.csv", 100);
    await eventsAre(100);
    await waitUntil("both are workers", async () => (await countOf("ingest.workers")) === 2);
    await pause("the disk is replaced");
    await says(ingests, "Paused by ana@one: the disk is replaced. Nothing is loaded or merged until");
    const before = await ledger();
    drop("b.csv", 50);
    await Bun.sleep(aWhileMs);
    expect(await ledger()).toEqual(before);
    const status = await readStatus(sql);
    expect([status.state, status.tone, status.workers.length]).toEqual(["paused", "busy", 2]);
    expect(status.streams).toMatchObject([
        { state: "paused", pausedBy: "ana@one", pauseReason: "the disk is replaced", workers: 2 },
    ]);

    await resumeStreams(sql, null);
    await says(ingests, "Resumed.");
    await eventsAre(150);
    for (const ingest of ingests) await ingest.stop();
    await expectAllDone();
    expect(await readFileStates(sql)).toEqual({ "a.csv": "merged", "b.csv": "merged" });
});

test("what was begun is committed, and the rest of a large file waits", async () => {
    drop("large.csv", 60_000);
    const flags = ["--trigger", "200ms", "--max-chunk-bytes", "100KB", "--max-batch-records", "2000"];
    const ingest = startIngest(database.url, inputDir, flags);
    await waitUntil("some of it is merged", async () => (await countOf("ingest.batches")) >= 3);
    await pause();
    await says([ingest], "Paused by ana@one. ");
    await waitUntil("no load is open", async () => (await countOf("ingest.loads where state = 'loading'")) === 0);
    const before = await ledger();
    const events = await countOf("events");
    await Bun.sleep(aWhileMs);
    expect([await ledger(), await countOf("events")]).toEqual([before, events]);
    expect(events).toBeGreaterThan(0);
    expect(events).toBeLessThan(60_000);
    await resumeStreams(sql, null);
    await eventsAre(60_000);
    await ingest.stop();
    await expectAllDone();
});

test("kill -9 while it is paused, and a start: it is still paused, and takes nothing", async () => {
    const [ingest] = watchAll(1) as [IngestProcess];
    await waitUntil("it is a worker", async () => (await countOf("ingest.workers")) === 1);
    await pause();
    await says([ingest], "Paused by");
    drop("a.csv", 10);
    ingest.kill("SIGKILL");
    await ingest.exited;

    const [again] = watchAll(1) as [IngestProcess];
    await says([again], "Paused by");
    await Bun.sleep(aWhileMs);
    expect(await countOf("ingest.files")).toBe(0);
    expect(again.isRunning()).toBe(true);
    await resumeStreams(sql, null);
    await eventsAre(10);
    await again.stop();
    await expectAllDone();
});

test("a run that ends by itself takes nothing of a paused stream, says so, and has an exit code of its own", async () => {
    drop("a.csv", 10);
    await pause("wait for the new schema");
    const { exitCode, stderr, summary } = await ingestOnce(database.url, inputDir);
    expect([exitCode, summary?.paused, summary?.records.read]).toEqual([6, true, 0]);
    expect(stderr).toContain("Paused by ana@one: wait for the new schema. Nothing is taken until `bun run resume`.");
    expect(await countOf("ingest.loads")).toBe(0);
    await resumeStreams(sql, null);
    expect((await ingestOnce(database.url, inputDir)).exitCode).toBe(0);
    expect(await countOf("events")).toBe(10);
    await expectSound(sql);
});

test("a run that ends by itself is cut short by a pause, and the next one takes the rest", async () => {
    drop("large.csv", 60_000);
    const flags = ["--trigger", "available-now", "--max-chunk-bytes", "100KB", "--max-batch-records", "2000"];
    const ingest = startIngest(database.url, inputDir, [...flags, "--tail-settle", "0"]);
    await waitUntil("some of it is merged", async () => (await countOf("ingest.batches")) >= 3);
    await pause();
    const { exitCode, summary } = await ingest.finish();
    expect([exitCode, summary?.paused]).toEqual([6, true]);
    expect(await countOf("events")).toBeLessThan(60_000);
    await resumeStreams(sql, null);
    expect((await ingestOnce(database.url, inputDir)).exitCode).toBe(0);
    expect(await countOf("events")).toBe(60_000);
    await expectSound(sql);
});

test("an idle paused stream asks the database nothing but for its heartbeat and the watch on the ledger", async () => {
    const [ingest] = watchAll(1) as [IngestProcess];
    drop("a.csv", 10);
    await eventsAre(10);
    await pause();
    await says([ingest], "Paused by");
    await Bun.sleep(1_000);
    const [{ since }] = await sql<[{ since: string }]>`select clock_timestamp()::text as since`;
    const statements = async () => {
        const rows = await sql<{ query: string }[]>`
            select regexp_replace(query, '\\s+', ' ', 'g') as query
            from pg_stat_activity
            where datname = current_database() and application_name like 'sluice%' and query_start > ${since}::timestamptz`;
        return rows.map(({ query }) => query);
    };
    const seen = new Set<string>();
    for (let look = 0; look < 30; look += 1) {
        for (const query of await statements()) seen.add(query);
        await Bun.sleep(100);
    }
    const known = [/ingest\.renew_workers/, /as "isStaged"/];
    expect([...seen].filter((query) => !known.some((one) => one.test(query)))).toEqual([]);
    expect(known.every((one) => [...seen].some((query) => one.test(query)))).toBe(true);
    await ingest.stop();
});
