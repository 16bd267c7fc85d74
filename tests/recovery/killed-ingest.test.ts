/**
 * kill -9 of the ingest at random moments, and the runs after it that go on from there: promises 2, 4, 8 and 10. Rows, rejects and counts must be those of a run that nobody disturbed.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createRandom, type Random } from "../../src/shop/generator/random.ts";
import { useEmptyDatabase, useGeneratedFolder } from "../support/fixture.ts";
import { chooseSeed, isLongRun, testTimeoutMs } from "../support/generate-folder.ts";
import { ingestOnce, startIngest } from "../support/ingest-process.ts";
import {
    countSteps,
    emptyTables,
    expectOracle,
    expectSameTables,
    expectSound,
    expireLeases,
    readTables,
    type Tables,
} from "../support/read-tables.ts";
import { runsOf, sample } from "../support/sample.ts";
import { useInbox } from "../support/use-inbox.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const seed = chooseSeed("killed ingest");
const kills = isLongRun ? 20 : runsOf(6, 3);
const database = useEmptyDatabase(import.meta.path);
const most = isLongRun ? 1_500 : 400;
const { inputDir, oracle } = useGeneratedFolder({
    files: isLongRun ? 50 : 25,
    seed,
    maxRecords: most,
    dirty: 0.05,
    duplicates: 0.1,
});
const inbox = useInbox(inputDir);

const start = (flags: string[]) => startIngest(database.url, inbox.input, ["--trigger", "available-now", ...flags]);
const steps = () => countSteps(database.sql);

const ways: [string, string[]][] = [
    ["small chunks, one merge worker", ["--max-chunk-bytes", "8KiB", "--merge-workers", "1"]],
    [
        "batches smaller than a file, four merge workers",
        ["--max-chunk-bytes", "16KiB", "--max-batch-records", "200", "--merge-workers", "4"],
    ],
];

describe.each(sample(ways.toReversed(), 1))("an ingest killed again and again (%s)", (_, flags) => {
    test("ends with the tables of an undisturbed one", async () => {
        const undisturbed = await runUndisturbed(flags);
        const stepsPerKill = Math.ceil((await steps()) / kills);
        await expectOracle(database.sql, oracle);
        await emptyTables(database.sql);

        const random = createRandom(seed);
        let stagedAtKills = 0;
        for (let kill = 0; kill < kills; kill += 1) {
            await killAtRandomMoment(random, flags, stepsPerKill);
            const staged = await database.sql`select from ingest.chunks where state = 'staged'`;
            stagedAtKills += staged.length;
            // As if ten seconds had gone by; the last test waits for them.
            await expireLeases(database.sql);
        }
        const { exitCode } = await ingestOnce(database.url, inbox.input, flags);
        expect(exitCode).toBe(0);
        await expectUndisturbed(undisturbed);
        expect(stagedAtKills).toBeGreaterThan(0);
    });
});

test("a killed ingest is taken over by one that was waiting all along, without anybody's help", async () => {
    const flags = ["--max-chunk-bytes", "8KiB"];
    const undisturbed = await runUndisturbed(flags);
    await emptyTables(database.sql);

    const first = start(flags);
    await waitUntil("the first ingest loads", () => hasLoads(first.pid));
    const second = start(flags);
    await waitUntil("the second ingest is there", () => isRegistered(second.pid));
    first.kill("SIGKILL");
    expect(await first.exited).toBe(137);
    expect((await second.finish()).exitCode).toBe(0);
    await expectUndisturbed(undisturbed);
});

async function runUndisturbed(flags: string[]): Promise<Tables> {
    const { exitCode } = await ingestOnce(database.url, inbox.input, flags);
    expect(exitCode).toBe(0);
    return await readTables(database.sql);
}

/** Kills it after a random number of steps and a random part of a second, or while it still starts. */
async function killAtRandomMoment(random: Random, flags: string[], stepsPerKill: number): Promise<void> {
    const before = await steps();
    const child = start(flags);
    if (random.chance(0.15)) {
        await Bun.sleep(random.between(0, 600));
    } else {
        const more = random.between(0, stepsPerKill);
        await waitUntil(`${more} steps more`, async () => !child.isRunning() || (await steps()) >= before + more);
        await Bun.sleep(random.between(0, 40));
    }
    child.kill("SIGKILL");
    await child.exited;
}

async function expectUndisturbed(undisturbed: Tables): Promise<void> {
    expectSameTables(await readTables(database.sql), undisturbed);
    await expectSound(database.sql);
}

async function isRegistered(pid: number): Promise<boolean> {
    return (await database.sql`select from ingest.workers where pid = ${pid}`).length > 0;
}

async function hasLoads(pid: number): Promise<boolean> {
    const loads = await database.sql`
        select
        from ingest.loads
        inner join ingest.workers on workers.worker_id = loads.worker_id
        where workers.pid = ${pid} and loads.state = 'staged'`;
    return loads.length > 2;
}
