/** A database that lets nobody in, or is dropped, under a running ingest: waited for, or the end of it, and said which. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { connect, type Sql } from "../../src/database/connect.ts";
import { withDatabase } from "../../src/database/database-target.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { useIngestFixture } from "../support/ingest-fixture.ts";
import { type IngestProcess, ingestOnce } from "../support/ingest-process.ts";
import { expectSound } from "../support/read-tables.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const fixture = useIngestFixture(import.meta.path);
const { database } = fixture;
let name: string;
let admin: Sql;
let ingest: IngestProcess;

beforeAll(() => {
    name = database.target.database;
    admin = connect(withDatabase(database.target, "postgres"), { applicationName: "test admin", max: 1 });
});
afterAll(() => admin.end());
beforeEach(async () => {
    ingest = fixture.start();
    fixture.put(5, 100);
    await fixture.whenInserted(500);
});

afterEach(async () => {
    await admin.unsafe(`alter database ${name} allow_connections true`);
});

const endSessions = () =>
    admin`select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = ${name} and pid <> pg_backend_pid()`;
async function expectSoundEnd(): Promise<void> {
    await ingest.stop();
    await ingestOnce(database.url, fixture.inputDir);
    await expectSound(database.sql);
}
const linesOf = (text: string) => ingest.stderr().split(text).length - 1;

test.each([
    ["with its sessions ended", true],
    ["with its sessions left alone, of which one is cut off", false],
])("maintenance (allow_connections false), %s: waited for, and gone on with", async (_, isEnded) => {
    await admin.unsafe(`alter database ${name} allow_connections false`);
    if (isEnded) await endSessions();
    else {
        await admin`
            select pg_terminate_backend(pid) from pg_stat_activity
            where datname = ${name} and application_name like 'sluice-%-copy'`;
    }
    fixture.put(5, 100);
    await waitUntil("it says so", () => ingest.stderr().includes("55000"));
    const started = await ingestOnce(database.url, fixture.inputDir);
    expect(started.exitCode).toBe(4);
    expect(started.stderr).toContain("its allow_connections is off");
    await admin.unsafe(`alter database ${name} allow_connections true`);
    await fixture.whenInserted(1_000);

    expect(ingest.isRunning()).toBe(true);
    expect(linesOf("is unreachable")).toBeLessThanOrEqual(1);
    expect(linesOf("55000")).toBe(1);
    await expectSoundEnd();
});

test("another database is put in its place: what that one lacks is read again", async () => {
    ingest.kill("SIGSTOP");
    await endSessions();
    await admin.unsafe(`create database ${name}_copy template ${name}`);
    ingest.kill("SIGCONT");
    fixture.put(5, 100);
    await fixture.whenInserted(1_000);
    await admin.unsafe(`drop database ${name} with (force)`);
    await waitUntil("it says so", () => ingest.stderr().includes("3D000"));
    await admin.unsafe(`alter database ${name}_copy rename to ${name}`);
    await fixture.whenInserted(1_000);
    await expectSoundEnd();
});

test("dropped: the ingest ends, says what happened and what helps, with exit code 3", async () => {
    ingest.kill("SIGSTOP");
    await endSessions();
    await admin.unsafe(`alter database ${name} rename to ${name}_gone`);
    ingest.kill("SIGCONT");
    const { exitCode, stderr } = await ingest.finish();
    await admin.unsafe(`alter database ${name}_gone rename to ${name}`);
    expect(exitCode).toBe(3);
    expect(JSON.parse(stderr.trim().split("\n").at(-1)!)).toMatchObject({
        code: "database_missing",
        what: `The database ${name} no longer exists: it was dropped or renamed while this ran.`,
        fix: expect.stringContaining("Restore or create it"),
    });
});
