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
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const seed = chooseSeed("killed ingest");
const kills = isLongRun ? 20 : 6;
const database = useEmptyDatabase(import.meta.path);
const most = isLongRun ? 1_500 : 400;
const { inputDir, oracle } = useGeneratedFolder({
    files: isLongRun ? 50 : 25,
    seed,
    maxRecords: most,
    dirty: 0.05,
    duplicates: 0.1,
});

const start = (flags: string[]) => startIngest(database.url, inputDir, ["--trigger", "available-now", ...flags]);
const steps = () => countSteps(database.sql);

const ways: [string, string[]][] = [
    ["small chunks, one merge worker", ["--max-chunk-bytes", "8KiB", "--merge-workers", "1"]],
    [
        "batches smaller than a file, four merge workers",
        ["--max-chunk-bytes", "16KiB", "--max-batch-records", "200", "--merge-workers", "4"],
    ],
];

describe.each(ways)("an ingest killed again and again (%s)", (way, flags) => {
    test("ends with the tables of an undisturbed one", async () => {
        const undisturbed = await runUndisturbed(flags);
        const stepsPerKill = Math.ceil((await steps()) / kills);
        await expectOracle(database.sql, oracle);
        await emptyTables(database.sql);

        const random = createRandom(seed);
        const hits: Hit[] = [];
        for (let kill = 0; kill < kills; kill += 1) {
            hits.push(await killAtRandomMoment(random, flags, stepsPerKill));
        }
        console.log(`killed (${way}): ${describeHits(hits)}`);
        const { exitCode } = await ingestOnce(database.url, inputDir, flags);
        expect(exitCode).toBe(0);
        await expectUndisturbed(undisturbed);
        expect(hits.some(({ staged }) => staged > 0)).toBe(true);
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

/** The ledger at a kill. */
interface Hit {
    isBooting: boolean;
    loading: number;
    staged: number;
    halfMerged: number;
    merging: number;
}

async function runUndisturbed(flags: string[]): Promise<Tables> {
    const { exitCode } = await ingestOnce(database.url, inputDir, flags);
    expect(exitCode).toBe(0);
    return await readTables(database.sql);
}

/** Kills it after a random number of steps and a random part of a second, or while it still starts. */
async function killAtRandomMoment(random: Random, flags: string[], stepsPerKill: number): Promise<Hit> {
    const before = await steps();
    const child = start(flags);
    const isBooting = random.chance(0.15);
    if (isBooting) {
        await Bun.sleep(random.between(0, 600));
    } else {
        const more = random.between(0, stepsPerKill);
        await waitUntil(`${more} steps more`, async () => !child.isRunning() || (await steps()) >= before + more);
        await Bun.sleep(random.between(0, 40));
    }
    child.kill("SIGKILL");
    await child.exited;
    const hit = { isBooting, ...(await readHit()) };
    // As if ten seconds had gone by; that they pass by themselves, too, is the last test's business.
    await expireLeases(database.sql);
    return hit;
}

async function readHit(): Promise<Omit<Hit, "isBooting">> {
    const [hit] = await database.sql<Omit<Hit, "isBooting">[]>`
        select
            (select count(*) from ingest.loads where loads.state = 'loading') as loading,
            (select count(*) from ingest.chunks where chunks.state = 'staged') as staged,
            (select count(*) from ingest.chunks where chunks.state = 'staged' and chunks.merged_slices > 0) as "halfMerged",
            (
                select count(*)
                from pg_stat_activity
                where
                    pg_stat_activity.datname = current_database()
                    and pg_stat_activity.state = 'active'
                    and pg_stat_activity.query like '%merge_batch%'
                    and pg_stat_activity.pid <> pg_backend_pid()
            ) as merging`;
    return hit!;
}

function describeHits(hits: Hit[]): string {
    const count = (isHit: (hit: Hit) => boolean) => hits.filter(isHit).length;
    return [
        `${hits.length} kills`,
        `${count(({ isBooting }) => isBooting)} at the start`,
        `${count(({ loading }) => loading > 0)} in a load`,
        `${count(({ staged }) => staged > 0)} with chunks staged`,
        `${count(({ halfMerged }) => halfMerged > 0)} with chunks merged in part`,
        `${count(({ merging }) => merging > 0)} in a merge`,
    ].join(", ");
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
