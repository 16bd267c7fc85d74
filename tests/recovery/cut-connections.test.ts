/**
 * Connections that end at any moment, with what was asked on them done or not, and its answer lost: promises 2, 4 and 8.
 * The server itself stays well.
 */
import { expect, setDefaultTimeout, test } from "bun:test";
import { createRandom } from "../../src/shop/generator/random.ts";
import { type DatabaseProxy, openDatabaseProxy } from "../support/database-proxy.ts";
import { useEmptyDatabase, useGeneratedFolder } from "../support/fixture.ts";
import { chooseSeed, isLongRun, testTimeoutMs } from "../support/generate-folder.ts";
import { startIngest } from "../support/ingest-process.ts";
import { countSteps, expectOracle, expectSound } from "../support/read-tables.ts";
import { useInbox } from "../support/use-inbox.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const seed = chooseSeed("cut connections");
const cuts = isLongRun ? 60 : 10;
const database = useEmptyDatabase(import.meta.path);
const most = isLongRun ? 1_500 : 400;
const { inputDir, oracle } = useGeneratedFolder({ files: 40, seed, maxRecords: most, dirty: 0.05, duplicates: 0.1 });
const inbox = useInbox(inputDir);

const flags = [
    ...["--trigger", "available-now", "--merge-workers", "4"],
    ...["--max-chunk-bytes", "16KiB", "--max-batch-records", "500"],
];

const ofIngest = "datname = current_database() and application_name like 'sluice-%'";

async function signal(call: string, condition: string): Promise<number> {
    const struck = await database.sql.unsafe(
        `select ${call}(pid) from pg_stat_activity where ${ofIngest} ${condition}`,
    );
    return struck.length;
}

test.each<[string, strike: (proxy: DatabaseProxy) => Promise<number> | number, leastAnswersLost?: number]>([
    ["all connections are cut at once, with the server still at work on what it was sent", (proxy) => proxy.cut()],
    ["statements are done, and the answers that say so are lost", (proxy) => proxy.loseAnswers(), 1],
    ["backends are ended one by one", () => signal("pg_terminate_backend", "order by random() limit 1")],
    ["merges and loads are cancelled", () => signal("pg_cancel_backend", "and state = 'active'")],
])("%s, again and again, and nothing is lost or doubled", async (_, strike, leastAnswersLost = 0) => {
    const random = createRandom(seed);
    const proxy = await openDatabaseProxy(database.target);
    const child = startIngest(proxy.target.url, inbox.input, flags);
    await waitUntil("it is at work", async () => (await countSteps(database.sql)) > 0);
    let struck = 0;
    for (let turn = 0; turn < cuts && child.isRunning(); turn += 1) {
        await Bun.sleep(random.between(0, 250));
        struck += await strike(proxy);
    }
    console.log(`struck ${struck} times`);
    const { exitCode, stderr } = await child.finish();
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(proxy.answersLost()).toBeGreaterThanOrEqual(leastAnswersLost);
    await proxy.close();
    // First: it waits for the backends of lost connections.
    await expectSound(database.sql);
    await expectOracle(database.sql, oracle);
});
