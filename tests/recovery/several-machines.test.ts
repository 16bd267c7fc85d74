/**
 * Workers on several machines, which share the folder and the URL of the database and nothing else: two are killed, one is cut off
 * from the network and comes back. The tables are those of one worker alone, and each file is merged once. By default 120
 * files; with `SLUICE_TEST_LONG=1` 2,000, and a minute without network.
 */
import { beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readStatus } from "../../src/operations/status/read-status.ts";
import { atEnd } from "../support/at-end.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { type DatabaseProxy, openDatabaseProxy } from "../support/database-proxy.ts";
import { makeFolder } from "../support/fixture.ts";
import { isLongRun, testTimeoutMs } from "../support/generate-folder.ts";
import { type IngestProcess, ingestOnce, startIngest } from "../support/ingest-process.ts";
import { type Machine, type Network, openNetwork, whyNoMachines } from "../support/machines.ts";
import { expectSound, expireLeases } from "../support/read-tables.ts";
import { runScript } from "../support/run-script.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const files = isLongRun ? 2_000 : 120;
const recordsAFile = isLongRun ? 200 : 60;
const awayMs = isLongRun ? 60_000 : 3_000;
/** Small chunks and batches: there is always one under way. */
const flags = [
    ...["--trigger", "200ms", "--tail-settle", "0"],
    ...["--max-chunk-bytes", "1KiB", "--max-batch-records", "100", "--merge-workers", "2"],
];

const reason = await whyNoMachines();
if (reason !== null) console.error(`Workers on several machines are not tested: ${reason}.`);

describe.skipIf(reason !== null)("four machines", () => {
    const cwd = makeFolder();
    const inputDir = join(cwd, "input");
    let network: Network;
    let machines: Machine[];
    let database: TestDatabase;
    let proxy: DatabaseProxy;

    beforeAll(async () => {
        for (const folder of [inputDir, join(cwd, "streams")]) mkdirSync(folder);
        for (const name of ["orders", "readings"]) {
            const text = `export default { files: "${name}-*.csv", table: "shop.${name}" };\n`;
            writeFileSync(join(cwd, `streams/${name}.ts`), text);
        }
        network = openNetwork();
        atEnd(() => network.close());
        machines = ["north", "east", "south", "west"].map((name) => network.addMachine(name));
    });
    beforeEach(async () => {
        database = await openDatabase();
        proxy = await openDatabaseProxy(database.target, { address: network.address });
        atEnd(() => proxy.close());
    });

    test("of which two are killed and one is cut off do the work of one", async () => {
        const workers = new Map(machines.map((machine) => [machine, start(machine)]));
        put(0, files / 3);
        await waitUntil("all four are at work, and merged some", async () => {
            return (await namesAlive()).length === 4 && (await merged()) > files / 20;
        });

        const [cutOff, killed, alsoKilled, left] = await byDuty(workers);
        for (const machine of [killed, alsoKilled]) workers.get(machine)!.kill("SIGKILL");
        cutOff.cutOff();
        put(files / 3, (2 * files) / 3);
        if (!isLongRun) await expireLeases(database.sql);
        await waitUntil("who is gone is known to be", async () => {
            return (await namesAlive()).join() === `in-${left.name}`;
        });
        await Bun.sleep(awayMs);
        await waitUntil("the one that is left has done it all", async () => (await merged()) === (2 * files) / 3);

        cutOff.comeBack();
        for (const machine of [killed, alsoKilled]) workers.set(machine, start(machine));
        put((2 * files) / 3, files);
        await waitUntil("all are back, and all is merged", async () => {
            return (await namesAlive()).length === 4 && (await merged()) === files;
        });
        const { stdout } = await runScript("status", [], { environment: { DATABASE_URL: database.url }, cwd });
        for (const { name } of machines)
            expect(stdout).toContain(`in-${name}, pid ${workersPid(workers, name)} on ${name}, for`);
        for (const worker of workers.values()) expect((await worker.stop()).exitCode).toBe(143);

        await expectSound(database.sql);
        const alone = await openDatabase();
        const { exitCode } = await ingestOnce(alone.url, inputDir, flags.slice(2), { cwd });
        expect(exitCode).toBe(0);
        expect(await readResult(database)).toEqual(await readResult(alone));
    });

    function start({ name, prefix }: Machine): IngestProcess {
        const named = ["--worker-name", `in-${name}`];
        return startIngest(`${proxy.target.url}?sslmode=disable`, inputDir, [...flags, ...named], { cwd, prefix });
    }

    /** First who loads most: to strike the others would be too easy. */
    async function byDuty(workers: Map<Machine, IngestProcess>): Promise<[Machine, Machine, Machine, Machine]> {
        const loaders = await database.sql<{ pid: number }[]>`
            select workers.pid
            from ingest.loader_lease
            inner join ingest.workers on workers.worker_id = loader_lease.worker_id`;
        const isLoader = (machine: Machine) => loaders.filter(({ pid }) => pid === workers.get(machine)!.pid).length;
        return machines.toSorted((one, other) => isLoader(other) - isLoader(one)) as [
            Machine,
            Machine,
            Machine,
            Machine,
        ];
    }

    async function namesAlive(): Promise<string[]> {
        const { workers } = await readStatus(database.sql);
        return [...new Set(workers.map(({ name }) => name))].sort();
    }

    async function merged(): Promise<number> {
        const [row] = await database.sql<{ files: number }[]>`
            select count(*) as files from ingest.files where state = 'merged'`;
        return row!.files;
    }

    /** Every second file is of each stream. Some keys come again, some values are no numbers. */
    function put(from: number, to: number): void {
        for (let no = from; no < to; no += 1) {
            const name = `${no % 2 === 0 ? "orders" : "readings"}-${String(no).padStart(5, "0")}.csv`;
            const lines = Array.from({ length: recordsAFile }, (_, index) => {
                const id = (index % 10 === 9 && no > 1 ? no - 2 : no) * recordsAFile + index;
                return `${id},${id % 97 === 0 ? "x" : id % 1_000}\n`;
            });
            writeFileSync(join(inputDir, `${name}.tmp`), `id,amount\n${lines.join("")}`);
            renameSync(join(inputDir, `${name}.tmp`), join(inputDir, name));
        }
    }
});

const workersPid = (workers: Map<Machine, IngestProcess>, name: string) =>
    [...workers].find(([machine]) => machine.name === name)![1].pid;

async function openDatabase(): Promise<TestDatabase> {
    const database = await createTestDatabase(import.meta.path);
    atEnd(() => database.drop());
    await database.sql.unsafe(`
        create schema shop;
        create table shop.orders (id bigint primary key, amount numeric(10, 2) not null);
        create table shop.readings (id bigint primary key, amount integer not null)`);
    return database;
}

/** What must not depend on who did the work, nor on the order of merges: rows, counts, and that each file was merged once. */
async function readResult({ sql }: TestDatabase) {
    const [row] = await sql`
        select
            (select md5(string_agg(concat_ws(',', id, amount), ';' order by id)) from shop.orders) as orders,
            (select md5(string_agg(concat_ws(',', id, amount), ';' order by id)) from shop.readings) as readings,
            (select count(*) from ingest.files) as files,
            (select count(*) from ingest.files where state = 'merged' and loaded_bytes = size_bytes) as merged,
            (select sum(read) from ingest.batches) as read,
            (select sum(inserted) from ingest.batches) as inserted,
            (select sum(rejected) from ingest.batches) as rejected,
            (select sum(duplicate + conflict) from ingest.batches) as known`;
    return row;
}
