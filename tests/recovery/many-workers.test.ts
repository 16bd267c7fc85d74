/**
 * Several ingest processes on the same folder and database: promise 2 whoever loads and merges, and promise 10 in what it
 * promises of several loaders: inserted, rejected, and duplicate + conflict are those of one alone.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { useEmptyDatabase, useGeneratedFolder } from "../support/fixture.ts";
import { chooseSeed, isLongRun, testTimeoutMs } from "../support/generate-folder.ts";
import { type IngestProcess, startIngest } from "../support/ingest-process.ts";
import { expectOracleInAnyOrder, expectSound, expireLeases, readCounts } from "../support/read-tables.ts";
import { sample } from "../support/sample.ts";
import { useInbox } from "../support/use-inbox.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const seed = chooseSeed("many workers");
const database = useEmptyDatabase(import.meta.path);
const most = isLongRun ? 2_000 : 400;
const { inputDir, oracle } = useGeneratedFolder({ files: 25, seed, maxRecords: most, dirty: 0.05, duplicates: 0.2 });
const inbox = useInbox(inputDir);

const flags = ["--trigger", "available-now", "--max-chunk-bytes", "16KiB", "--max-batch-records", "500"];

async function expectResultOfOne(): Promise<void> {
    await expectOracleInAnyOrder(database.sql, oracle);
    await expectSound(database.sql);
}

describe.each(sample([[2], [3]], 1))("%i ingests at once", (count) => {
    test("do the work of one, and all of them end", async () => {
        const children = Array.from({ length: count }, () => startIngest(database.url, inbox.input, flags));
        const ended = await Promise.all(children.map((child) => child.finish()));
        expect(ended.map(({ exitCode, stderr }) => ({ exitCode, stderr }))).toEqual(
            Array(count).fill({ exitCode: 0, stderr: "" }),
        );
        expect(ended.reduce((sum, { summary }) => sum + summary!.records.read, 0)).toBe(oracle.total.read);
        await expectResultOfOne();
    });

    test("of which one is killed do the work of one", async () => {
        const children = Array.from({ length: count }, () => startIngest(database.url, inbox.input, flags));
        const loader = await waitForLoader(children);
        loader.kill("SIGKILL");
        await expireLeases(database.sql);
        const others = children.filter((child) => child !== loader);
        for (const { exitCode } of await Promise.all(others.map((child) => child.finish()))) expect(exitCode).toBe(0);
        await expectResultOfOne();
    });
});

describe("a frozen ingest", () => {
    test("in the middle of a COPY, thawed after its lease, commits nothing that another took over", async () => {
        const frozen = await startAndFreezeInCopy();
        const [before] = await readLoads();
        expect(before!.loading).toBeLessThanOrEqual(1);
        if (!isLongRun) await expireLeases(database.sql);
        const heir = startIngest(database.url, inbox.input, flags);
        const { exitCode } = await heir.finish();
        expect(exitCode).toBe(0);
        const countsOfHeir = await readCounts(database.sql);
        frozen.kill("SIGCONT");
        expect((await frozen.finish()).exitCode).toBe(0);
        expect(await readCounts(database.sql)).toEqual(countsOfHeir);
        await expectResultOfOne();
    });

    test("thawed while the other one is still at work, leaves the work to it and merges with it", async () => {
        const frozen = await startAndFreezeInCopy();
        await expireLeases(database.sql);
        const heir = startIngest(database.url, inbox.input, flags);
        await waitUntil("the heir loads", () => isLoader(heir.pid));
        frozen.kill("SIGCONT");
        expect((await heir.finish()).exitCode).toBe(0);
        expect((await frozen.finish()).exitCode).toBe(0);
        await expectResultOfOne();
    });

    test("again and again, at any moment, comes to the same result", async () => {
        const children = [startIngest(database.url, inbox.input, flags), startIngest(database.url, inbox.input, flags)];
        for (let turn = 0; turn < (isLongRun ? 20 : 4); turn += 1) {
            const child = children[turn % 2]!;
            child.kill("SIGSTOP");
            await expireLeases(database.sql);
            await Bun.sleep(Math.random() * 300);
            child.kill("SIGCONT");
            await Bun.sleep(Math.random() * 300);
        }
        for (const { exitCode, stderr } of await Promise.all(children.map((child) => child.finish()))) {
            expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
        }
        await expectResultOfOne();
    });
});

/** With some loads done, and one in the middle of its COPY. */
async function startAndFreezeInCopy(): Promise<IngestProcess> {
    const environment = { FAULT_AT: "in-copy:12", FAULT_ACTION: "freeze" };
    const child = startIngest(database.url, inbox.input, flags, { environment });
    await waitUntil("it is frozen", () => child.stderr().includes("is reached: freeze"));
    return child;
}

async function waitForLoader(children: IngestProcess[]): Promise<IngestProcess> {
    return await waitUntil("one of them loads", async () => {
        const loads = await database.sql`select from ingest.loads where state in ('staged', 'swept')`;
        if (loads.length < 3) return null;
        for (const child of children) if (await isLoader(child.pid)) return child;
        return null;
    });
}

async function isLoader(pid: number): Promise<boolean> {
    const found = await database.sql`
        select
        from ingest.loader_lease
        inner join ingest.workers on workers.worker_id = loader_lease.worker_id
        where workers.pid = ${pid}`;
    return found.length > 0;
}

async function readLoads(): Promise<{ loading: number }[]> {
    return await database.sql`select count(*) as loading from ingest.loads where state = 'loading'`;
}
