/**
 * The disk of the database is full: where COPY writes, where a merge writes, where the log is written (then Postgres
 * stops with a PANIC), and for a migration. The ingest says so and what to do, waits, and ends with the tables of an
 * undisturbed run once there is room: promises 2, 4, 5 and 8.
 */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chownSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Sql } from "../../src/database/connect.ts";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import { findPostmaster } from "../../src/database/embedded/postmaster.ts";
import { choosePlaces, makeHomeDir } from "../../src/database/embedded/server-places.ts";
import { makeFolder } from "../support/fixture.ts";
import { chooseSeed, generateFolder, isLongRun, testTimeoutMs } from "../support/generate-folder.ts";
import { type IngestProcess, ingestOnce, startIngest } from "../support/ingest-process.ts";
import { ask, type OwnServer, openOwnServer } from "../support/own-server.ts";
import { countsOfAnyOrder, expectSameTables, expectSound, readTables, type Tables } from "../support/read-tables.ts";
import { runScript } from "../support/run-script.ts";
import { openSmallDisk, type SmallDisk, whyNoSmallDisk } from "../support/small-disk.ts";
import { waitUntil } from "../support/wait-until.ts";
import { expectOrderly } from "./expect-orderly.ts";

setDefaultTimeout(testTimeoutMs);

const missing = whyNoSmallDisk();
if (missing !== null) console.error(`The tests of a full disk are skipped: ${missing}.`);

const seed = chooseSeed("full disk");
/** How long it stays full once it is known to be. */
const fullForMs = isLongRun ? 60_000 : 1_000;
const rooms: [string, number][] = [
    ["no room for a first row", 0],
    ["room for some", 300_000],
];
const chosen = isLongRun ? rooms : [rooms[seed % rooms.length]!];
const flags = ["--max-chunk-bytes", "64KiB", "--max-batch-records", "2000", "--merge-workers", "2"];

describe.skipIf(missing !== null)("a full disk", () => {
    let server: OwnServer;
    const folder = makeFolder();
    const inputDir = join(folder, "input");
    let undisturbed: Tables;
    let dataDisk: SmallDisk;
    let logDisk: SmallDisk;

    beforeAll(async () => {
        dataDisk = openSmallDisk(64);
        logDisk = openSmallDisk(96);
        // The log is to hold what a test writes: it keeps to a few segments of 16 MB.
        const settings = { max_wal_size: "64MB", min_wal_size: "32MB", wal_compression: "off" };
        server = await openOwnServer({ settings, prepare: (clusterDir) => moveLog(clusterDir, logDisk.path) });
        const tablespace = join(dataDisk.path, "tablespace");
        mkdirSync(tablespace);
        if (server.account) chownSync(tablespace, server.account.uid, server.account.gid);
        await generateFolder(inputDir, {
            files: 12,
            seed,
            minRecords: 300,
            maxRecords: isLongRun ? 3_000 : 700,
            dirty: 0.05,
            duplicates: 0.1,
        });
        const target = await server.createDatabase();
        await ask(target, (sql) => sql.unsafe(`create tablespace small location '${tablespace}'`));
        expect((await ingestOnce(target.url, inputDir, flags)).exitCode).toBe(0);
        undisturbed = await ask(target, (sql) => readTables(sql));
    });
    afterEach(() => {
        dataDisk.free();
        logDisk.free();
    });
    afterAll(async () => {
        await server?.close();
        for (const disk of [dataDisk, logDisk]) disk?.close();
    });

    test.each(chosen)(
        "under the staging table (%s): what was copied counts only when all of it was",
        async (_, leftBytes) => {
            const target = await server.createDatabase();
            await ask(target, (sql) => moveTables(sql, "ingest.staging_%"));
            dataDisk.fill(leftBytes);
            const child = startIngest(target.url, inputDir, ["--trigger", "available-now", ...flags]);
            await expectWaiting(target, child);
            dataDisk.free();
            await expectUndisturbedEnd(target, child);
        },
    );

    test.each(chosen)("under events (%s): a merge is committed whole or not at all", async (_, leftBytes) => {
        const target = await server.createDatabase();
        await ask(target, (sql) => moveTables(sql, "public.events"));
        dataDisk.fill(leftBytes);
        const child = startIngest(target.url, inputDir, ["--trigger", "available-now", ...flags]);
        await expectWaiting(target, child);
        const [sums] = await ask(
            target,
            (sql) => sql`
                select
                    (select count(*) from public.events) as events,
                    (select coalesce(sum(batches.inserted), 0)::bigint from ingest.batches) as inserted`,
        );
        expect(sums!.events).toBe(sums!.inserted);
        dataDisk.free();
        await expectUndisturbedEnd(target, child);
    });

    test("under the log, where Postgres ends with a PANIC: all goes on once it has room and runs again", async () => {
        const target = await server.createDatabase();
        // No checkpoint may come between and free old segments.
        await ask(target, (sql) => sql.unsafe("alter system set max_wal_size = '10GB'"));
        await ask(target, (sql) => sql`select pg_reload_conf()`);
        await ask(target, (sql) => sql.unsafe("checkpoint"));
        logDisk.fill();
        await ask(target, (sql) => useUpLog(sql));
        const before = server.log().length;
        const child = startIngest(target.url, inputDir, ["--trigger", "available-now", ...flags]);
        await waitUntil("Postgres ends with a PANIC", () => / 53100 PANIC: /.test(server.log().slice(before)));
        await waitUntil("the ingest says so", () => /disk is full|The database is unreachable/.test(child.stderr()));
        await Bun.sleep(fullForMs);
        expect(child.isRunning()).toBe(true);
        logDisk.free();
        // Without room it could not recover either, and was gone: its owner starts it again.
        await waitUntil("the server is back", async () => {
            await server.start().catch(() => {});
            return await ask(target, (sql) => sql`select 1`).then(
                () => true,
                () => false,
            );
        });
        await ask(target, (sql) => sql.unsafe("alter system reset max_wal_size"));
        await ask(target, (sql) => sql`select pg_reload_conf()`);
        await expectUndisturbedEnd(target, child);
    });

    test("under a new database: a migration says so, changes nothing, and is done by the next", async () => {
        const [other, target] = [await server.createDatabase(), await server.createBareDatabase()];
        const name = new URL(target.url).pathname.slice(1);
        await ask(other, (sql) => sql.unsafe(`alter database ${name} set tablespace small`));
        dataDisk.fill();
        const environment = { DATABASE_URL: target.url };
        const refused = await runScript("migrate", [], { environment });
        expectOrderly(refused);
        expect(refused.exitCode).toBe(1);
        expect(refused.stderr).toMatch(/disk of the database is full.*\n(.*\n)*? +fix: +Free disk space/);
        dataDisk.free();
        expect((await runScript("migrate", [], { environment })).exitCode).toBe(0);
        expect((await ingestOnce(target.url, inputDir, flags)).exitCode).toBe(0);
        await expectUndisturbed(target);
    });

    test("under the embedded server: the ingest says what keeps it from starting, and starts it once it can", async () => {
        // It may hold a copy of the binaries, too.
        const disk = openSmallDisk(256);
        const dataDir = join(disk.path, "data");
        const flagsOfIt = ["--data-dir", dataDir, "--trigger", "100ms", ...flags];
        const child = startIngest("", inputDir, flagsOfIt);
        try {
            await waitUntil("something is merged", () => child.batches().length > 0);
            const places = choosePlaces(makeHomeDir(dataDir));
            disk.fill();
            // It may have ended by itself: the log has no room either.
            const running = findPostmaster(places);
            if (running !== null) process.kill(running.pid, "SIGKILL");
            await waitUntil("it says why", () => {
                // Recovery empties the staging table: the server may find room there, start, and have none for the work.
                disk.fill();
                return /(embedded .*(No space left|no space left|ENOSPC)|disk is full)/i.test(child.stderr());
            });
            await Bun.sleep(fullForMs);
            disk.free();
            await waitUntil("it is back", () => child.stderr().includes("The database is back"));
            child.kill("SIGTERM");
            const ended = await child.finish();
            expectOrderly(ended);
            expect(ended.exitCode).toBe(143);
            const rest = await ingestOnce("", inputDir, ["--data-dir", dataDir, "--check", ...flags]);
            expect(rest).toMatchObject({ summary: { failedBefore: 0, files: { failed: 0 } } });
            // One record may be left, and that one rejected: then the run calls itself incomplete.
            expect([0, 5]).toContain(rest.exitCode);
            expect(rest.stderr).toMatch(/^\d+ passed, 0 failed/m);
            const { stdout } = await runScript("status", ["--data-dir", dataDir, "--json"]);
            // One that watches may merge in another order, where a quote stays open: promise 10 then promises the sum.
            expect(countsOfAnyOrder(JSON.parse(stdout).totals)).toEqual(countsOfAnyOrder(undisturbed.counts));
        } finally {
            child.kill("SIGTERM");
            await child.exited;
            disk.close();
        }
    });

    /** It says what is wrong and what to do, in its own words and in the status, and does not give up. */
    async function expectWaiting(target: DatabaseTarget, child: IngestProcess): Promise<void> {
        await waitUntil("it says so", () => child.stderr().includes("53100: its disk is full; free some space there"));
        await waitUntil("the status says so", async () => {
            const { stdout } = await runScript("status", [], { environment: { DATABASE_URL: target.url } });
            return /tried again \(last: 53100 /.test(stdout);
        });
        await Bun.sleep(fullForMs);
        expect(child.isRunning()).toBe(true);
    }

    async function expectUndisturbedEnd(target: DatabaseTarget, child: IngestProcess): Promise<void> {
        const ended = await child.finish();
        expectOrderly(ended);
        expect(ended).toMatchObject({ exitCode: 0, summary: { records: undisturbed.counts } });
        await expectUndisturbed(target);
    }

    async function expectUndisturbed(target: DatabaseTarget): Promise<void> {
        expectSameTables(await ask(target, (sql) => readTables(sql)), undisturbed);
        await ask(target, (sql) => expectSound(sql));
    }
});

/** Before the server's first start. */
function moveLog(clusterDir: string, to: string): void {
    const from = join(clusterDir, "pg_wal");
    const copied = Bun.spawnSync(["cp", "-a", from, to]);
    if (!copied.success) throw new Error(copied.stderr.toString());
    rmSync(from, { recursive: true });
    symlinkSync(join(to, "pg_wal"), from);
}

/** Tables and their indexes onto the small disk. */
async function moveTables(sql: Sql, like: string): Promise<void> {
    const relations = await sql<{ kind: string; name: string }[]>`
        select
            case pg_class.relkind when 'i' then 'index' else 'table' end as kind,
            format('%I.%I', pg_namespace.nspname, pg_class.relname) as name
        from pg_class
        inner join pg_namespace on pg_namespace.oid = pg_class.relnamespace
        left join pg_index on pg_index.indexrelid = pg_class.oid
        where
            pg_class.relkind in ('r', 'i')
            and coalesce(pg_index.indrelid, pg_class.oid)::regclass::text like any (array[${like}, replace(${like}, 'public.', '')])`;
    expect(relations.length).toBeGreaterThan(0);
    for (const { kind, name } of relations) await sql.unsafe(`alter ${kind} ${name} set tablespace small`);
}

/** Leaves less than 100 KB of the log's last segment: where the next one should be there is no room. */
async function useUpLog(sql: Sql): Promise<void> {
    const segmentBytes = 16 * 1024 * 1024;
    const piece = 64 * 1024;
    while (true) {
        const [log] = await sql<{ left: number }[]>`
            select
                ${segmentBytes}::bigint * (1 + (
                    select count(*)
                    from pg_ls_waldir() as segments
                    where segments.name > pg_walfile_name(pg_current_wal_insert_lsn()) and segments.name ~ '^[0-9A-F]{24}$'
                )) - mod(pg_current_wal_insert_lsn() - '0/0', ${segmentBytes}) as left`;
        if (Number(log!.left) < 2 * piece) return;
        await sql`select pg_logical_emit_message(false, 'filler', repeat('x', ${piece - 4096}))`;
    }
}
