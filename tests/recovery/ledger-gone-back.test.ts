/**
 * The ledger goes back in time, or is emptied, under a running ingest: what it has forgotten is read again, by itself, and
 * the end is the same. An ingest remembers what it saw of the folder; that must not outlive the ledger it was learnt from.
 */
import { beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type DatabaseTarget, withDatabase } from "../../src/database/database-target.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { makeNumberedFolder, type NumberedFolder } from "../support/ingest-fixture.ts";
import { type IngestProcess, ingestOnce, startIngest } from "../support/ingest-process.ts";
import { ask, countRows, useOwnServer } from "../support/own-server.ts";
import { expectSound, expireLeases, readFileStates } from "../support/read-tables.ts";
import { runScript } from "../support/run-script.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const server = useOwnServer();
let target: DatabaseTarget;
let folder: NumberedFolder;
let ingest: IngestProcess;

beforeEach(async () => {
    folder = makeNumberedFolder();
    await server.start();
    target = await server.createDatabase();
});

const recordsAFile = 3;
const put = (files: number) => folder.put(files, recordsAFile);
const start = (flags?: string[]) => {
    ingest = startIngest(target.url, folder.inputDir, flags);
};
const countEvents = () => countRows(target, "public.events");
const filesAreIn = (files: number) =>
    waitUntil(`${files} files are in`, async () => (await countEvents()) === files * recordsAFile);
/** While the ingest is frozen, for no longer than its lease, and with nobody connected to the database. */
async function whileFrozen(...statements: string[]): Promise<void> {
    ingest.kill("SIGSTOP");
    await ask(withDatabase(target, "postgres"), async (sql) => {
        await sql`select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = ${target.database}`;
        for (const statement of statements) await sql.unsafe(statement);
    });
    ingest.kill("SIGCONT");
}

/** At a moment when it holds no lock: between two steps of one statement it does, and a reset would rightly refuse. */
async function freezeBetweenStatements(): Promise<void> {
    await waitUntil("it is frozen between statements", async () => {
        ingest.kill("SIGSTOP");
        // What the server works on ends by itself; a statement that waits for its client does not.
        const open = await waitUntil("the server has done its part", async () => {
            const waits = await ask(
                target,
                (sql) => sql`
                    select wait_event = 'ClientRead' as for_client from pg_stat_activity
                    where datname = current_database() and application_name like 'sluice-%' and state <> 'idle'`,
            );
            return waits.every((wait) => wait.for_client) && { statements: waits.length };
        });
        if (open.statements === 0) return true;
        ingest.kill("SIGCONT");
        return false;
    });
}

const heartbeat = () => Bun.sleep(2_500);

async function expectEachOnce(files: number): Promise<void> {
    await filesAreIn(files);
    await ingest.stop();
    // It finds nothing left to do, and sweeps what was staged.
    expect((await ingestOnce(target.url, folder.inputDir)).summary).toMatchObject({ batches: 0 });
    expect(Object.values(await ask(target, readFileStates))).toEqual(Array(files).fill("merged"));
    await ask(target, expectSound);
}

async function reset(): Promise<void> {
    await ask(target, expireLeases);
    const { exitCode } = await runScript("reset", ["--yes"], { environment: { DATABASE_URL: target.url } });
    expect(exitCode).toBe(0);
}

describe("under a watching ingest", () => {
    beforeEach(async () => {
        put(1);
        start();
        await filesAreIn(1);
    });

    test("a copy of the data directory is put back: what it lacks is read again", async () => {
        await heartbeat();
        await server.stop();
        const restore = server.keepCopy();
        await server.start();
        put(2);
        await filesAreIn(3);
        await heartbeat();
        await server.stop();
        restore();
        await server.start();
        expect(await countEvents()).toBeLessThanOrEqual(3 * recordsAFile);
        put(1);
        await expectEachOnce(4);
    });

    test("a database of the same name is made anew from an older one", async () => {
        await whileFrozen(`create database backup template ${target.database}`);
        put(1);
        await filesAreIn(2);
        await heartbeat();
        await whileFrozen(`drop database ${target.database}`, `alter database backup rename to ${target.database}`);
        await expectEachOnce(2);
        expect(ingest.stderr()).toContain("The ledger no longer knows this run");
    });

    test("a reset while it was frozen past its lease leaves nothing unread", async () => {
        put(1);
        await filesAreIn(2);
        await freezeBetweenStatements();
        await reset();
        expect(await countEvents()).toBe(0);
        ingest.kill("SIGCONT");
        await expectEachOnce(2);
    });

    test("a heartbeat later nothing is asked of files that are known: the ledger has its mark", async () => {
        await heartbeat();
        const before = await ask(target, (sql) => sql`select xmin::text, updated_at, path from ingest.files`);
        await server.restart();
        put(1);
        await filesAreIn(2);
        const { path } = before[0]!;
        expect(
            await ask(target, (sql) => sql`select xmin::text, updated_at, path from ingest.files where path = ${path}`),
        ).toEqual(before);
        expect(ingest.stderr()).not.toContain("no longer knows this run");
    });
});

test("an available-now run that is emptied under way does not end before all is in again", async () => {
    put(80);
    start(["--trigger", "available-now", "--max-batch-records", "3"]);
    await waitUntil("some files are in", async () => (await countEvents()) > 5);
    await freezeBetweenStatements();
    await reset();
    ingest.kill("SIGCONT");
    expect((await ingest.finish()).exitCode).toBe(0);
    await expectEachOnce(80);
});
