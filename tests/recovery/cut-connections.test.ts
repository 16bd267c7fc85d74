/**
 * Connections that end at any moment, with what was asked on them done or not, and its answer lost: promises 2, 4 and 8.
 * The server itself stays well.
 */
import { expect, setDefaultTimeout, test } from "bun:test";
import { createRandom } from "../../src/shop/generator/random.ts";
import { openDatabaseProxy } from "../support/database-proxy.ts";
import { useEmptyDatabase, useGeneratedFolder } from "../support/fixture.ts";
import { chooseSeed, isLongRun, testTimeoutMs } from "../support/generate-folder.ts";
import { type IngestProcess, startIngest } from "../support/ingest-process.ts";
import { expectOracle, expectSound } from "../support/read-tables.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const seed = chooseSeed("cut connections");
const cuts = isLongRun ? 60 : 10;
const database = useEmptyDatabase(import.meta.path);
const most = isLongRun ? 1_500 : 400;
const { inputDir, oracle } = useGeneratedFolder({ files: 40, seed, maxRecords: most, dirty: 0.05, duplicates: 0.1 });

const flags = ["--trigger", "available-now", "--max-chunk-bytes", "16KiB", "--max-batch-records", "500"];

/** Strikes while the ingest is at work, at most `cuts` times. */
async function strikeWhileItWorks(child: IngestProcess, strike: () => Promise<number> | number): Promise<number> {
    const random = createRandom(seed);
    await waitUntil("it is at work", async () => (await countLoads()) > 0);
    let struck = 0;
    for (let turn = 0; turn < cuts && child.isRunning(); turn += 1) {
        await Bun.sleep(random.between(0, 250));
        struck += await strike();
    }
    return struck;
}

async function countLoads(): Promise<number> {
    const [row] = await database.sql<{ loads: number }[]>`select count(*) as loads from ingest.loads`;
    return row!.loads;
}

async function expectUndisturbedEnd(child: IngestProcess): Promise<void> {
    const { exitCode, stderr } = await child.finish();
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    // What a cut connection had begun ends on its own, a moment later.
    await waitUntil("no backend of it is left", async () => {
        const backends = await database.sql`
            select
            from pg_stat_activity
            where datname = current_database() and application_name like 'sluice-%'`;
        return backends.length === 0;
    });
    await expectOracle(database.sql, oracle);
    await expectSound(database.sql);
}

test("all connections cut at once, again and again, with the server still at work on what it was sent", async () => {
    const proxy = await openDatabaseProxy(database.target);
    const child = startIngest(proxy.target.url, inputDir, [...flags, "--merge-workers", "4"]);
    const struck = await strikeWhileItWorks(child, () => proxy.cut());
    console.log(`${struck} connections cut`);
    await expectUndisturbedEnd(child);
    await proxy.close();
});

test("what was asked is done, and the answer that says so is lost, again and again", async () => {
    const proxy = await openDatabaseProxy(database.target);
    const child = startIngest(proxy.target.url, inputDir, [...flags, "--merge-workers", "4"]);
    await strikeWhileItWorks(child, () => proxy.loseAnswers());
    await expectUndisturbedEnd(child);
    expect(proxy.answersLost()).toBeGreaterThan(0);
    await proxy.close();
});

test("backends ended one by one", async () => {
    const child = startIngest(database.url, inputDir, [...flags, "--merge-workers", "4"]);
    const struck = await strikeWhileItWorks(child, async () => {
        const ended = await database.sql`
            select pg_terminate_backend(pid)
            from pg_stat_activity
            where datname = current_database() and application_name like 'sluice-%'
            order by random()
            limit 1`;
        return ended.length;
    });
    console.log(`${struck} backends ended`);
    await expectUndisturbedEnd(child);
});

test("merges and loads cancelled one by one", async () => {
    const child = startIngest(database.url, inputDir, [...flags, "--merge-workers", "4"]);
    await strikeWhileItWorks(child, async () => {
        const cancelled = await database.sql`
            select pg_cancel_backend(pid)
            from pg_stat_activity
            where datname = current_database() and application_name like 'sluice-%' and state = 'active'`;
        return cancelled.length;
    });
    await expectUndisturbedEnd(child);
});
