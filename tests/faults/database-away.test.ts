/**
 * The database is unreachable for a while: seconds here, minutes in the long run, in the middle of the work and at the start. The
 * ingest waits, says so once, costs no more than when it works, and loses and doubles nothing: promises 7, 8 and 10.
 */
import { expect, setDefaultTimeout, test } from "bun:test";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import { useGeneratedFolder } from "../support/fixture.ts";
import { chooseSeed, isLongRun, testTimeoutMs } from "../support/generate-folder.ts";
import { ingestOnce, startIngest } from "../support/ingest-process.ts";
import { ask, useOwnServer } from "../support/own-server.ts";
import { expectOracle, expectOracleInAnyOrder, expectSound } from "../support/read-tables.ts";
import { runScript } from "../support/run-script.ts";
import { waitUntil } from "../support/wait-until.ts";
import { watchUsage } from "../support/watch-usage.ts";
import { expectOrderly } from "./expect-orderly.ts";

setDefaultTimeout(testTimeoutMs);

const seed = chooseSeed("database away");
const awayMs = isLongRun ? 180_000 : 5_000;
const flags = ["--max-chunk-bytes", "8KiB", "--max-batch-records", "500", "--merge-workers", "2"];
/** A few times what it takes; what leaks at each attempt to come back is more than that after three minutes. */
const mostMemoryKiB = 300 * 1024;
/** Connections that are attempted and not yet given up included. */
const mostDescriptors = 60;

const server = useOwnServer();
const { inputDir, oracle } = useGeneratedFolder({ files: 20, seed, maxRecords: 300, duplicates: 0.1 });

async function expectAllIn(target: DatabaseTarget): Promise<void> {
    await ask(target, (sql) => expectOracle(sql, oracle));
    await ask(target, (sql) => expectSound(sql));
}

test("in the middle: the ingest waits, bounded, the status says so, and all is in once it is back", async () => {
    const target = await server.createDatabase();
    const child = startIngest(target.url, inputDir, ["--trigger", "100ms", ...flags]);
    const usage = watchUsage(child.pid);
    await waitUntil("something is merged", () => child.batches().length > 0);
    await server.stop();
    await waitUntil("the ingest has noticed", () => child.stderr().includes("The database is unreachable"));
    const status = await runScript("status", [], { environment: { DATABASE_URL: target.url } });
    expectOrderly(status);
    expect(status.exitCode).toBe(4);
    expect(status.stderr).toContain("does not answer");
    await Bun.sleep(awayMs);
    expect(child.isRunning()).toBe(true);
    expect(child.stderr().match(/The database is unreachable/g)).toHaveLength(1);
    expect(child.stderr()).not.toContain("The database is back");
    await server.start();
    await waitUntil("all is in", async () => {
        const [row] = await ask(
            target,
            (sql) => sql<{ read: number }[]>`select coalesce(sum(read), 0)::bigint as read from ingest.batches`,
        );
        return row!.read === oracle.total.read;
    });
    child.kill("SIGTERM");
    const ended = await child.finish();
    expectOrderly(ended);
    expect(ended.exitCode).toBe(143);
    usage.stop();
    expect(usage.most().memoryKiB).toBeLessThan(mostMemoryKiB);
    expect(usage.most().descriptors).toBeLessThan(mostDescriptors);
    const again = await ingestOnce(target.url, inputDir, flags);
    expect(again).toMatchObject({ exitCode: 0, stderr: "" });
    // A file whose load failed may come after those behind it.
    await ask(target, (sql) => expectOracleInAnyOrder(sql, oracle));
    await ask(target, expectSound);
});

test("at the start: whoever starts it is told where, and what to do; started again when it is back, it does all", async () => {
    const target = await server.createDatabase();
    await server.stop();
    const refused = await ingestOnce(target.url, inputDir, flags);
    expectOrderly(refused);
    expect(refused.exitCode).toBe(4);
    expect(refused.stderr).toContain(`127.0.0.1:${target.port}`);
    await server.start();
    expect((await ingestOnce(target.url, inputDir, flags)).exitCode).toBe(0);
    await expectAllIn(target);
});
