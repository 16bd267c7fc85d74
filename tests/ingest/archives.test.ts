/** Files in zip archives, beyond tests/cases/zip-*: several streams, an archive that is being written, leaving, a crash. */
import { beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runChecks } from "../../src/operations/run-checks.ts";
import { declare, makeTable, useSeveralStreams } from "../streams/several-streams.ts";
import { headerLine, idOf, useEmptyDatabase } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { startIngest } from "../support/ingest-process.ts";
import { makeZip } from "../support/make-zip.ts";
import { isThereObjectStore } from "../support/object-store.ts";
import { readCounts } from "../support/read-tables.ts";
import { runScript } from "../support/run-script.ts";
import { useBucket } from "../support/use-bucket.ts";
import { waitUntil } from "../support/wait-until.ts";

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;
const several = useSeveralStreams(database, () => [
    declare("orders", "orders-*.csv"),
    declare("readings", "exports-*.zip!/readings/*.csv"),
]);
const numbers = (...all: number[]) => `no,word\n${all.map((no) => `${no},w${no}\n`).join("")}`;
const events = (from: number, to: number) =>
    headerLine +
    Array.from({ length: to - from + 1 }, (_, index) => `${idOf(from + index)},view,p,u,2024-01-01 00:00:00,,1\n`).join(
        "",
    );
const put = (name: string, files: Record<string, string>) => several.put(name, makeZip(files) as unknown as string);
const at = (name: string) => join(several.inputDir, name);
const paths = async () => (await several.files()).map(({ stream, path, state }) => `${stream} ${path} ${state}`).sort();
const left = async () =>
    [...(await sql`select path from ingest.files where archived_at is not null order by path collate "C"`)].map(
        ({ path }) => path,
    );
const failingChecks = async () => (await runChecks(sql)).filter(({ passed }) => !passed);

beforeAll(async () => {
    await sql.unsafe(["orders", "readings"].map(makeTable).join("; "));
});

test("each stream gets its own of an archive; it leaves when all of it is merged, and not while a file of it fails", async () => {
    const files = {
        "orders-1.csv": numbers(1, 2),
        "readings/r.csv": numbers(3),
        "e.csv": events(1, 2),
        "notes.txt": "x",
    };
    put("exports-1.zip", files);
    put("exports-2.zip", { "orders-2.csv": numbers(5), "bad.csv": "foo\n1\n" });
    const archiveDir = join(several.inputDir, "..", "archive");
    await several.ingestOnce({}, { afterMerge: "archive", archiveDir });
    expect(await paths()).toEqual([
        "events exports-1.zip!/e.csv merged",
        "events exports-2.zip!/bad.csv failed",
        "orders exports-1.zip!/orders-1.csv merged",
        "orders exports-2.zip!/orders-2.csv merged",
        "readings exports-1.zip!/readings/r.csv merged",
    ]);
    // Each stream looks once when it is done; who is last sees that all of it is merged.
    await several.ingestOnce({}, { afterMerge: "archive", archiveDir });
    expect(readdirSync(several.inputDir)).toEqual(["exports-2.zip"]);
    expect(readdirSync(archiveDir, { recursive: true })).toContainEqual(
        expect.stringMatching(/^[\d-]+\/exports-1\.zip$/),
    );
    expect(await left()).toEqual([
        "exports-1.zip!/e.csv",
        "exports-1.zip!/orders-1.csv",
        "exports-1.zip!/readings/r.csv",
    ]);

    put("exports-2.zip", { "orders-2.csv": numbers(5), "bad.csv": events(9, 9) });
    await several.ingestOnce({}, { afterMerge: "delete" });
    await several.ingestOnce({}, { afterMerge: "delete" });
    expect(readdirSync(several.inputDir)).toEqual([]);
    expect(await failingChecks()).toEqual([]);
});

test("a running ingest finds an archive, says what it leaves, and reads what is new when it is written again", async () => {
    const running = several.start();
    put("a.zip", { "orders-11.csv": numbers(11), "notes.txt": "x", "__MACOSX/._x": "x" });
    await waitUntil("it is in", async () => (await several.count("orders where no = 11")) === 1);
    put("a.zip", { "orders-11.csv": numbers(11), "orders-12.csv": numbers(12) });
    await waitUntil("the new one is in", async () => (await several.count("orders where no = 12")) === 1);
    await running.stop();
    expect(running.lines).toContain("info: a.zip also holds notes.txt: not read, since no stream takes them.");
    const versions = await sql`select path, version from ingest.files where path like 'a.zip%' order by path`;
    expect([...versions]).toEqual([
        { path: "a.zip!/orders-11.csv", version: 1 },
        { path: "a.zip!/orders-12.csv", version: 1 },
    ]);
});

test("an archive that is young, whole or not, is left to the next run", async () => {
    const whole = makeZip({ "y.csv": events(31, 33) });
    writeFileSync(at("half.zip"), whole.subarray(0, 100));
    writeFileSync(at("whole.zip"), whole);
    const { left: young } = await several.ingestOnce({}, { tailSettleMs: 600_000 });
    expect(young).toMatchObject({ files: 2 });
    const longAgo = new Date(Date.now() - 3_600_000);
    for (const name of ["half.zip", "whole.zip"]) utimesSync(at(name), longAgo, longAgo);
    await several.ingestOnce({}, { tailSettleMs: 1_000 });
    expect((await paths()).filter((path) => /half|whole/.test(path))).toEqual([
        "events whole.zip!/y.csv merged",
        "orders half.zip failed",
    ]);
});

test("killed within a member, the next run goes on behind the last chunk", async () => {
    const records = 6_000;
    put("big.zip", { "big.csv": events(100_001, 100_000 + records) });
    const before = (await readCounts(sql)).read;
    const flags = ["--max-chunk-bytes", "64KiB", "--trigger", "50ms", "--tail-settle", "0"];
    const killed = startIngest(database.url, several.inputDir, flags, {
        environment: { FAULT_AT: "in-copy:4", FAULT_ACTION: "kill" },
    });
    expect(await killed.exited).toBe(137);
    const chunks = () => sql`
        select chunks.chunk_id, chunks.content_hash
        from ingest.chunks
        inner join ingest.files using (file_id)
        where files.path = 'big.zip!/big.csv'
        order by chunks.chunk_id`;
    const taken = await chunks();
    expect(taken.length).toBeGreaterThan(0);
    await sql`update ingest.loader_lease set worker_id = null, lease_until = null`;
    await ingestFolder(database.target, several.inputDir, { maxChunkBytes: 64 * 1024 });
    expect((await readCounts(sql)).read - before).toBe(records);
    expect((await chunks()).slice(0, taken.length)).toEqual([...taken]);
    expect(existsSync(at("big.zip"))).toBe(true);
    expect(await failingChecks()).toEqual([]);
}, 60_000);

test("try and add take an archive for the CSV files in it", async () => {
    put("shop.zip", { "2026/prices.csv": "no,word\n1,a\n2,b\n", "notes.txt": "x" });
    put("half.zip", {});
    writeFileSync(at("half.zip"), "PK");
    const run = (name: string, ...args: string[]) =>
        runScript(name, args, { cwd: several.inputDir, environment: { DATABASE_URL: database.url } });
    const tried = await run("try", "--json", "--table", "public.orders", "shop.zip", "half.zip");
    expect(JSON.parse(tried.stdout)).toMatchObject([
        { file: "shop.zip!/2026/prices.csv", problem: null, records: { read: 2 } },
        { file: "half.zip", problem: "archive_truncated" },
    ]);
    const missing = await run("try", "--table", "public.orders", "shop.zip!/2026/none.csv");
    expect(missing).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining("It holds 2026/prices.csv, notes.txt."),
    });
    const added = await run("add", "shop.zip", "--key", "no", "--print", "--input", ".");
    expect(added.stdout).toContain('files: "prices*.csv"');
});

describe.skipIf(!isThereObjectStore)("in a bucket", () => {
    const bucket = useBucket("archives");

    test("an archive is read by ranges, is deleted when all of it is merged, and is moved as a whole", async () => {
        // Larger than what is read at once.
        const noise = randomBytes(2_000_000);
        const archive = makeZip({ "x/e.csv": events(200_001, 200_100), "noise.bin": noise });
        expect(archive.length).toBeGreaterThan(1024 * 1024);
        await bucket.put("a.zip", archive);
        await bucket.put("b.zip", makeZip({ "e.csv": events(200_101, 200_102), "bad.csv": "foo\n1\n" }));
        const { records } = await ingestFolder(database.target, bucket.url, { afterMerge: "delete" });
        expect(records).toMatchObject({ read: 102, inserted: 102 });
        expect(await bucket.list()).toEqual(["b.zip"]);

        await bucket.put("b.zip", makeZip({ "e.csv": events(200_101, 200_102) }));
        const again = await ingestFolder(database.target, bucket.url, { afterMerge: "archive" });
        expect(again.records.read).toBe(0);
        expect(await bucket.list()).toEqual([expect.stringMatching(/^_archive\/[\d-]+\/\d+\/b\.zip$/)]);
        expect(await failingChecks()).toEqual([]);
    });
});
