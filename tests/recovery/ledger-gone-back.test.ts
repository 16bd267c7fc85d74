/**
 * The ledger goes back in time, or is emptied, under a running ingest: what it has forgotten is read again, by itself, and
 * the end is the same. An ingest remembers what it saw of the folder; that must not outlive the ledger it was learnt from.
 */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DatabaseTarget, withDatabase } from "../../src/database/database-target.ts";
import { headerLine, useFolder } from "../support/fixture.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { type IngestProcess, ingestOnce, startIngest } from "../support/ingest-process.ts";
import { ask, useOwnServer } from "../support/own-server.ts";
import { expectSound, expireLeases, readFileStates } from "../support/read-tables.ts";
import { runScript } from "../support/run-script.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const server = useOwnServer();
let target: DatabaseTarget;
const inputDir = useFolder();
let ingest: IngestProcess | null = null;

beforeEach(async () => {
    await server.start();
    target = await server.createDatabase();
});
afterEach(async () => {
    ingest?.kill("SIGKILL");
    await ingest?.exited;
    ingest = null;
});

const recordsAFile = 3;

function put(no: number): void {
    const records = Array.from({ length: recordsAFile }, (_, index) => {
        const id = `${String(no).padStart(8, "0")}-0000-4000-8000-${String(index).padStart(12, "0")}`;
        return `${id},view,p1,u1,2024-01-02 03:04:05,,\n`;
    });
    writeFileSync(join(inputDir, `${no}.csv`), headerLine + records.join(""));
}

const countEvents = async () =>
    (await ask(target, (sql) => sql<{ events: number }[]>`select count(*) as events from public.events`))[0]!.events;
const filesAreIn = (files: number) =>
    waitUntil(`${files} files are in`, async () => (await countEvents()) === files * recordsAFile);
/** While the ingest is frozen, for no longer than its lease, and with nobody connected to the database. */
async function whileFrozen(frozen: IngestProcess, statements: string[]): Promise<void> {
    frozen.kill("SIGSTOP");
    await ask(withDatabase(target, "postgres"), async (sql) => {
        await sql`select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = ${target.database}`;
        for (const statement of statements) await sql.unsafe(statement);
    });
    frozen.kill("SIGCONT");
}

const heartbeat = () => Bun.sleep(2_500);

async function expectEachOnce(files: number): Promise<void> {
    await filesAreIn(files);
    ingest!.kill("SIGTERM");
    await ingest!.finish();
    // It finds nothing left to do, and sweeps what was staged.
    expect((await ingestOnce(target.url, inputDir)).summary).toMatchObject({ batches: 0 });
    const states = await ask(target, readFileStates);
    expect(states).toEqual(Object.fromEntries(Array.from({ length: files }, (_, no) => [`${no}.csv`, "merged"])));
    await ask(target, expectSound);
}

describe("under a watching ingest", () => {
    test("a copy of the data directory is put back: what it lacks is read again", async () => {
        put(0);
        ingest = startIngest(target.url, inputDir);
        await filesAreIn(1);
        await heartbeat();
        await server.stop();
        const restore = server.keepCopy();
        await server.start();
        for (const no of [1, 2]) put(no);
        await filesAreIn(3);
        await heartbeat();
        await server.stop();
        restore();
        await server.start();
        expect(await countEvents()).toBeLessThanOrEqual(3 * recordsAFile);
        put(3);
        await expectEachOnce(4);
    });

    test("a database of the same name is made anew from an older one", async () => {
        put(0);
        ingest = startIngest(target.url, inputDir);
        await filesAreIn(1);
        await whileFrozen(ingest, [`create database backup template ${target.database}`]);
        put(1);
        await filesAreIn(2);
        await heartbeat();
        await whileFrozen(ingest, [
            `drop database ${target.database}`,
            `alter database backup rename to ${target.database}`,
        ]);
        const { stderr } = ingest;
        await expectEachOnce(2);
        expect(stderr()).toContain("The ledger does not know this run any more");
    });

    test("a reset while it was frozen past its lease leaves nothing unread", async () => {
        for (const no of [0, 1]) put(no);
        ingest = startIngest(target.url, inputDir);
        await filesAreIn(2);
        ingest.kill("SIGSTOP");
        await ask(target, expireLeases);
        const { exitCode } = await runScript("reset", ["--yes"], { environment: { DATABASE_URL: target.url } });
        expect(exitCode).toBe(0);
        expect(await countEvents()).toBe(0);
        ingest.kill("SIGCONT");
        await expectEachOnce(2);
    });

    test("a heartbeat later nothing is asked of files that are known: the ledger has its mark", async () => {
        put(0);
        ingest = startIngest(target.url, inputDir);
        await filesAreIn(1);
        await heartbeat();
        const before = await ask(target, (sql) => sql`select xmin::text, updated_at from ingest.files`);
        await server.stop();
        await server.start();
        put(1);
        await filesAreIn(2);
        expect(
            await ask(target, (sql) => sql`select xmin::text, updated_at from ingest.files where path = '0.csv'`),
        ).toEqual(before);
        expect(ingest.stderr()).not.toContain("does not know this run");
    });
});

test("an available-now run that is emptied under way does not end before all is in again", async () => {
    for (let no = 0; no < 40; no += 1) put(no);
    const flags = ["--trigger", "available-now", "--max-batch-records", "3"];
    ingest = startIngest(target.url, inputDir, flags);
    await waitUntil("some files are in", async () => (await countEvents()) > 5);
    ingest.kill("SIGSTOP");
    await ask(target, expireLeases);
    await runScript("reset", ["--yes"], { environment: { DATABASE_URL: target.url } });
    ingest.kill("SIGCONT");
    expect((await ingest.finish()).exitCode).toBe(0);
    await expectEachOnce(40);
});
