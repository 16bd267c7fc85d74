/**
 * Postgres dies under a running ingest: crash recovery empties the UNLOGGED staging table, connections end in the middle
 * of everything. The ingest goes on by itself, and ends with the tables of an undisturbed run: promises 2, 4, 5, 8, 10.
 */
import { beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import { createRandom } from "../../src/shop/generator/random.ts";
import { countFolder } from "../support/count-records.ts";
import { idOf, makeFolder, shopCsv, useGeneratedFolder } from "../support/fixture.ts";
import { chooseSeed, isLongRun, testTimeoutMs } from "../support/generate-folder.ts";
import { type IngestProcess, ingestOnce, startIngest } from "../support/ingest-process.ts";
import { ask, countRows, holdSlices, useOwnServer } from "../support/own-server.ts";
import {
    countSteps,
    expectOracle,
    expectSameTables,
    expectSound,
    expireLeases,
    readCounts,
    readFileStates,
    readTables,
    type Tables,
} from "../support/read-tables.ts";
import { runScript } from "../support/run-script.ts";
import { runsOf, sample } from "../support/sample.ts";
import { makeDataDir } from "../support/test-server.ts";
import { useInbox } from "../support/use-inbox.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const seed = chooseSeed("lost database");
const crashes = isLongRun ? 20 : runsOf(4, 2);
const server = useOwnServer();
const most = isLongRun ? 1_500 : 400;
const { inputDir, oracle } = useGeneratedFolder({ files: 20, seed, maxRecords: most, dirty: 0.05, duplicates: 0.1 });
const inbox = useInbox(inputDir);
let target: DatabaseTarget;

beforeEach(async () => {
    await server.start();
    target = await server.createDatabase();
});

const smallChunks = ["--max-chunk-bytes", "8KiB", "--max-batch-records", "1000"];
const ways: [string, string[]][] = [
    ["a chunk a file, one merge worker", ["--merge-workers", "1"]],
    ["many chunks a file, four merge workers", ["--merge-workers", "4", ...smallChunks]],
];
const manyChunks = ways[1]![1];
const faults: [string, () => Promise<void>][] = [
    ["a backend is killed", crashBackend],
    ["the postmaster is killed", () => server.crash()],
    ["the server is restarted", () => server.restart()],
];

const start = (flags: string[], inDir = inbox.input) =>
    startIngest(target.url, inDir, ["--trigger", "available-now", ...flags]);
const stagedChunks = "ingest.chunks where state = 'staged'";

describe.each([
    ["the ingest stages again what was lost and goes on", "staged", 0xffff, stagedChunks, 0],
    ["each slice is merged once", "merged in part", 0xff00, `${stagedChunks} and merged_slices > 0`, 1],
] as const)("%s, with chunks %s", (_outcome, _what, heldSlices, struckChunks, way) => {
    const chosen = isLongRun ? ways : [ways[way]!];
    test.each(faults.flatMap(([fault, strike]) => chosen.map(([way, flags]) => [fault, way, flags, strike] as const)))(
        "when %s (%s)",
        async (_fault, _way, flags, strike) => {
            const slices = await holdSlices(target, heldSlices);
            const child = start(flags);
            await waitUntil("there are such chunks", async () => (await countRows(target, struckChunks)) > 2);
            await strike();
            await slices.end({ timeout: 1 });
            await expectUndisturbedEnd(child);
        },
    );
});

describe("at random moments", () => {
    test.each(sample(ways.toReversed(), 1))("crashes of the server change nothing (%s)", async (_way, flags) => {
        const random = createRandom(seed);
        const steps = await stepsOfUndisturbedRun(flags);
        const child = start(flags);
        // Before it has reached the database it ends with 4, as it should.
        await waitUntil("the ingest is at work", async () => (await countRows(target, "ingest.loads")) > 0);
        let struck = 0;
        for (; struck < crashes && child.isRunning(); struck += 1) {
            await letItWork(child, random.between(0, Math.ceil(steps / crashes)));
            await Bun.sleep(random.between(0, 40));
            await random.pick(faults)[1]();
        }
        console.log(`${struck} crashes`);
        await expectUndisturbedEnd(child);
        expect(struck).toBeGreaterThan(1);
    });

    test("crashes of server and ingest together change nothing", async () => {
        const random = createRandom(seed + 1);
        const flags = manyChunks;
        const steps = await stepsOfUndisturbedRun(flags);
        for (let crash = 0; crash < crashes; crash += 1) {
            const child = start(flags);
            await letItWork(child, random.between(0, Math.ceil(steps / crashes)));
            child.kill("SIGKILL");
            await random.pick(faults)[1]();
            await ask(target, expireLeases);
        }
        await expectUndisturbedEnd(start(flags));
    });
});

test("while the server is unreachable the ingest says so once, waits, and says once that it is back", async () => {
    const child = start(manyChunks);
    await waitUntil("something is merged", async () => (await countRows(target, "ingest.batches")) > 1);
    await server.stop();
    await waitUntil("the ingest has noticed", () => child.stderr().includes("The database is unreachable"));
    // Long enough for several attempts to come back.
    await Bun.sleep(isLongRun ? 60_000 : 4_000);
    expect(child.stderr()).not.toContain("The database is back");
    await server.start();
    const { exitCode, stderr } = await child.finish();
    expect(exitCode).toBe(0);
    const said = stderr.split("\n").filter((line) => line.includes("The database is"));
    expect(said).toEqual([expect.stringContaining("is unreachable"), expect.stringContaining("is back")]);
    await ask(target, (sql) => expectOracle(sql, oracle));
    await ask(target, expectSound);
});

test("while the server is unreachable the ingest can be stopped", async () => {
    const child = startIngest(target.url, inbox.input, ["--trigger", "100ms", ...manyChunks]);
    await waitUntil("something is merged", async () => (await countRows(target, "ingest.batches")) > 1);
    await server.stop();
    await waitUntil("the ingest has noticed", () => child.stderr().includes("The database is unreachable"));
    expect((await child.stop()).exitCode).toBe(143);
    await server.start();
});

test("a source that is gone when its staged rows are lost fails its file visibly, and the rest is merged", async () => {
    const twoFiles = makeFolder();
    const [first, second] = readdirSync(inputDir).sort();
    for (const name of [first!, second!]) cpSync(join(inputDir, name), join(twoFiles, name));
    const slices = await holdSlices(target);
    const child = start([], twoFiles);
    await waitUntil("both are staged", async () => (await countRows(target, stagedChunks)) === 2);
    rmSync(join(twoFiles, first!));
    await crashBackend();
    await slices.end({ timeout: 1 });
    const { exitCode, stderr } = await child.finish();
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${first}: Its bytes 0 to`);
    expect(await ask(target, readFileStates)).toEqual({
        [first!]: "failed file_vanished",
        [second!]: "merged",
    });
    await ask(target, expectSound);

    cpSync(join(inputDir, first!), join(twoFiles, first!));
    expect((await ingestOnce(target.url, twoFiles)).exitCode).toBe(0);
    const { read, inserted, rejected } = countFolder(twoFiles).total;
    expect(await ask(target, readCounts)).toMatchObject({ read, inserted, rejected });
    await ask(target, expectSound);
});

test("a source that is of other bytes when its staged rows are lost is not merged as the one it was", async () => {
    const oneFile = makeFolder();
    const put = (...prices: string[]) => {
        const records = prices.map((price, no) => `${idOf(no)},purchase,p1,u1,2024-05-01 10:00:00,1,${price}`);
        writeFileSync(join(oneFile, "a.csv"), shopCsv(...records));
    };
    put("1.00", "1.00");
    const slices = await holdSlices(target);
    const child = start([], oneFile);
    await waitUntil("it is staged", async () => (await countRows(target, stagedChunks)) === 1);
    put("1.00", "2.00");
    await crashBackend();
    await slices.end({ timeout: 1 });
    // After an outage the folder is looked at anew: it is another version of the file, and taken for what it is.
    expect((await child.finish()).exitCode).toBe(0);
    expect(await countRows(target, "ingest.files where path = 'a.csv' and version = 1 and state = 'replaced'")).toBe(1);
    expect(await countRows(target, "ingest.files where path = 'a.csv' and version = 2 and state = 'merged'")).toBe(1);
    expect(await countRows(target, "ingest.chunk_merges")).toBe(1);
    const events = await ask(target, (sql) => sql`select price from public.events order by event_id`);
    expect([...events]).toEqual([{ price: "1.00" }, { price: "2.00" }]);
    await ask(target, expectSound);
});

test("a server that answers nothing any more does not keep the ingest from being stopped", async () => {
    const child = startIngest(target.url, inbox.input, ["--trigger", "100ms", ...manyChunks]);
    await waitUntil("something is merged", async () => (await countRows(target, "ingest.batches")) > 1);
    const backends = await ask(
        target,
        (sql) => sql<{ pid: number }[]>`
            select pid
            from pg_stat_activity
            where
                application_name like 'sluice-%'
                and datname = current_database()
                and backend_type = 'client backend'`,
    );
    for (const { pid } of backends) process.kill(pid, "SIGSTOP");
    child.kill("SIGTERM");
    const ended = await child.finish({ deadlineMs: 20_000 }).catch((error: Error) => error.message);
    for (const { pid } of backends) process.kill(pid, "SIGCONT");
    expect(ended).toMatchObject({ exitCode: 143 });
});

test("should fail: no server at the start is exit code 4, with the address", async () => {
    await server.stop();
    const { exitCode, stderr } = await ingestOnce(target.url, inbox.input);
    await server.start();
    expect(exitCode).toBe(4);
    expect(stderr).toContain(`127.0.0.1:${target.port}`);
});

test("an embedded server whose postmaster is killed is started again by the ingest that uses it", async () => {
    const dataDir = makeDataDir();
    const flags = ["--data-dir", dataDir, "--trigger", "available-now", ...manyChunks];
    const child = startIngest("", inbox.input, flags);
    await waitUntil("something is merged", () => child.batches().length > 1);
    const pidFile = Bun.spawnSync(["find", dataDir, "-name", "postmaster.pid"]).stdout.toString().trim();
    process.kill(Number((await Bun.file(pidFile).text()).split("\n")[0]), "SIGKILL");
    const { exitCode, summary } = await child.finish();
    expect(exitCode).toBe(0);
    expect(summary!.records.read).toBeGreaterThan(0);
    const status = await runScript("status", ["--data-dir", dataDir, "--json"]);
    expect(JSON.parse(status.stdout).totals).toMatchObject(oracle.total);
    expect((await runScript("check", ["--data-dir", dataDir])).exitCode).toBe(0);
    rmSync(dataDir, { recursive: true });
});

/** Kills one of the ingest's backends; Postgres then ends all of them. */
async function crashBackend(): Promise<void> {
    const [backend] = await ask(
        target,
        (sql) => sql<{ pid: number }[]>`
            select pid
            from pg_stat_activity
            where application_name like 'sluice-%' and datname = current_database()
            order by state = 'active' desc
            limit 1`,
    );
    if (backend) server.killBackend(backend.pid);
    await ask(target, (sql) => sql`select 1`);
}

async function expectUndisturbedEnd(child: IngestProcess): Promise<void> {
    const { exitCode, stderr } = await child.finish();
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    await ask(target, (sql) => expectOracle(sql, oracle));
    await ask(target, expectSound);
}

let undisturbed: Tables | null = null;

/** In a database of its own; all ways must end with its tables. */
async function stepsOfUndisturbedRun(flags: string[]): Promise<number> {
    const { exitCode } = await ingestOnce(target.url, inbox.input, flags);
    expect(exitCode).toBe(0);
    const tables = await ask(target, readTables);
    undisturbed ??= tables;
    expectSameTables(tables, undisturbed);
    const steps = await ask(target, countSteps);
    target = await server.createDatabase();
    return steps;
}

/** Until it is so many steps further, or has ended. */
async function letItWork(child: IngestProcess, steps: number): Promise<void> {
    const from = await ask(target, countSteps);
    const isFurther = async () => !child.isRunning() || (await ask(target, countSteps)) >= from + steps;
    await waitUntil(`${steps} steps more`, isFurther);
}
