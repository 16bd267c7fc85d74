/** Ctrl-C and SIGTERM in the middle of a big load: the run ends at once, nothing is half done, the next one goes on. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createRandom } from "../../src/shop/generator/random.ts";
import { useEmptyDatabase, useGeneratedFolder } from "../support/fixture.ts";
import { chooseSeed, isLongRun, testTimeoutMs } from "../support/generate-folder.ts";
import { ingestOnce, startIngest } from "../support/ingest-process.ts";
import { countSteps, expectChecksToPass, expectOracle, expectSound, expireLeases } from "../support/read-tables.ts";
import { runsOf } from "../support/sample.ts";
import { openSession, whenWaiting } from "../support/sessions.ts";
import { useInbox } from "../support/use-inbox.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const seed = chooseSeed("stopped ingest");
const stops = isLongRun ? 20 : runsOf(3, 2);
const database = useEmptyDatabase(import.meta.path);
const size = isLongRun ? 300_000 : 45_000;
const { inputDir, oracle } = useGeneratedFolder({
    files: 2,
    seed,
    minRecords: size,
    maxRecords: size,
    duplicates: 0.05,
});
const inbox = useInbox(inputDir);

const flags = ["--trigger", "available-now", "--max-chunk-bytes", "512KiB", "--max-batch-records", "20000"];

describe.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
] as const)("%s in the middle of a big load", (signal, exitCode) => {
    test(`ends the run with exit code ${exitCode}, and the next runs go on from there`, async () => {
        const random = createRandom(seed);
        const tookMs: number[] = [];
        for (let stop = 0; stop < stops; stop += 1) {
            const before = await countSteps(database.sql);
            const child = startIngest(database.url, inbox.input, flags);
            await waitUntil("it is at work", async () => (await countSteps(database.sql)) > before);
            await Bun.sleep(random.between(0, 200));
            const at = performance.now();
            child.kill(signal);
            const ended = await child.finish({ deadlineMs: 20_000 });
            tookMs.push(Math.round(performance.now() - at));
            expect(ended).toMatchObject({ exitCode, summary: null });
            await expectNothingHalfDone();
        }
        console.log(`${signal}: ended after ${tookMs.join(", ")} ms`);
        expect((await ingestOnce(database.url, inbox.input, flags)).exitCode).toBe(0);
        await expectOracle(database.sql, oracle);
        await expectSound(database.sql);
    });
});

test("a merge that does not end by itself is rolled back when the run is stopped", async () => {
    const { child, unlock } = await startBlockedMerge();
    child.kill("SIGTERM");
    const { exitCode } = await child.finish({ deadlineMs: 20_000 });
    await unlock();
    expect(exitCode).toBe(143);
    await expectNothingHalfDone();
    expect((await ingestOnce(database.url, inbox.input, flags)).exitCode).toBe(0);
    await expectOracle(database.sql, oracle);
});

test("a second Ctrl-C ends the run at once, and what its backends still finish counts once", async () => {
    const { child, unlock } = await startBlockedMerge();
    child.kill("SIGINT");
    // Nearer to the first it would be the same press, which arrives twice.
    await Bun.sleep(400);
    child.kill("SIGINT");
    const { exitCode } = await child.finish({ deadlineMs: 20_000 });
    expect(exitCode).toBe(130);
    await unlock();
    await expireLeases(database.sql);
    expect((await ingestOnce(database.url, inbox.input, flags)).exitCode).toBe(0);
    await expectOracle(database.sql, oracle);
    await expectSound(database.sql);
});

/** A merge that waits for a lock on `events` for as long as the test likes. */
async function startBlockedMerge() {
    const session = openSession(database);
    await session`begin`;
    await session`lock table public.events in access exclusive mode`;
    const child = startIngest(database.url, inbox.input, flags);
    await whenWaiting(database.sql);
    return { child, unlock: () => session`commit` };
}

async function expectNothingHalfDone(): Promise<void> {
    const [left] = await database.sql`
        select
            (select count(*) from ingest.loads where loads.state = 'loading') as loading,
            (select count(*) from ingest.workers) as workers,
            (select count(*) from ingest.loader_lease where loader_lease.worker_id is not null) as leases`;
    expect(left).toEqual({ loading: 0, workers: 0, leases: 0 });
    await expectChecksToPass(database.sql);
}
