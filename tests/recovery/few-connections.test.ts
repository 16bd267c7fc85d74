/** Fewer connections than an ingest would like: it takes fewer and says so, or names the limit; never "away" and "back" for ever. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeTarget } from "../../src/database/database-target.ts";
import { planConnections } from "../../src/engine/run/plan-connections.ts";
import { SluiceError } from "../../src/errors.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { ingestOnce, startIngest } from "../support/ingest-process.ts";
import { emptyTables, expectSound, readCounts } from "../support/read-tables.ts";
import { runScript } from "../support/run-script.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const header = "event_id,event_type,product_id,user_id,event_timestamp,quantity,price\n";
const role = `sluice_few_${process.pid}`;
let database: TestDatabase;
let url: string;
let folder: string;
let inputDir: string;
let records = 0;

beforeAll(async () => {
    database = await createTestDatabase(import.meta.path);
    await database.sql.unsafe(`
        create role ${role} login password 'x';
        grant usage on schema public, ingest to ${role};
        grant all on all tables in schema public, ingest to ${role};
        grant all on all sequences in schema ingest to ${role}`);
    ({ url } = makeTarget({ ...database.target, user: role, password: "x" }));
});
afterAll(async () => {
    await database.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
    await database.drop();
});
beforeEach(async () => {
    await emptyTables(database.sql);
    folder = mkdtempSync(join(tmpdir(), "sluice-few-"));
    inputDir = join(folder, "input");
    mkdirSync(inputDir);
    records = 0;
});
afterEach(async () => {
    rmSync(folder, { recursive: true });
    await database.sql.unsafe(`alter role ${role} connection limit -1`);
    await database.sql.unsafe(`alter database ${database.target.database} connection limit -1`);
});

function putFiles(count: number): void {
    for (let file = 0; file < count; file += 1) {
        records += 1;
        const path = join(inputDir, `${String(records).padStart(3, "0")}.csv`);
        const eventId = `00000000-0000-4000-8000-${String(records).padStart(12, "0")}`;
        writeFileSync(`${path}.tmp`, `${header}${eventId},view,p1,u1,2024-05-01 10:00:00,1,1.00\n`);
        renameSync(`${path}.tmp`, path);
    }
}

test.each([3, 4, 5])("a role that may have %d connections ingests with that many", async (limit) => {
    await database.sql.unsafe(`alter role ${role} connection limit ${limit}`);
    putFiles(10);
    const { exitCode, stderr, summary } = await ingestOnce(url, inputDir, [
        "--merge-workers",
        "3",
        "--tail-settle",
        "0",
    ]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(stderr).toContain(`role ${role} has a CONNECTION LIMIT of ${limit}`);
    expect(stderr).not.toContain("is away");
    expect(summary!.records).toMatchObject({ read: 10, inserted: 10 });
    await expectSound(database.sql);
});

test("a database that may have four connections counts everybody's", async () => {
    const [row] = await database.sql`
        select count(*) as open from pg_stat_activity where datname = current_database() and usename is not null`;
    await database.sql.unsafe(`alter database ${database.target.database} connection limit ${row!.open + 3}`);
    putFiles(3);
    const { exitCode, stderr } = await ingestOnce(url, inputDir, ["--tail-settle", "0"]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(stderr).toContain("the database has a CONNECTION LIMIT of");
});

test("should fail: with two it is said how many are needed, and of what", async () => {
    await database.sql.unsafe(`alter role ${role} connection limit 2`);
    const { exitCode, stderr } = await ingestOnce(url, inputDir);
    expect(exitCode).toBe(4);
    expect(stderr).toContain("An ingest needs 3 connections, and can have 2");
    expect(stderr).toContain(`role ${role} has a CONNECTION LIMIT of 2`);

    const args = ["--input", inputDir, "--port", "0"];
    const doctor = await runScript("doctor", args, { environment: { DATABASE_URL: url } });
    expect(doctor.exitCode).toBe(1);
    expect(doctor.stdout).toContain(`2 connections can be opened: role ${role} has a CONNECTION LIMIT of 2`);
});

test("should fail: a command that gets none says why", async () => {
    await database.sql.unsafe(`alter role ${role} connection limit 0`);
    const { exitCode, stderr } = await runScript("status", [], { environment: { DATABASE_URL: url } });
    expect(exitCode).toBe(4);
    expect(stderr).toContain("too_many_connections");
    expect(stderr).toContain(`too many connections for role "${role}"`);
});

test("a limit that is lowered while it runs: it goes on with fewer", async () => {
    const ingest = startIngest(url, inputDir, ["--trigger", "200ms", "--merge-workers", "3", "--tail-settle", "0"]);
    try {
        putFiles(1);
        await waitUntil("the first is in", async () => (await readCounts(database.sql)).inserted === 1);
        await database.sql.unsafe(`alter role ${role} connection limit 3`);
        await database.sql`select pg_terminate_backend(pid) from pg_stat_activity where usename = ${role}`;
        putFiles(20);
        await waitUntil("all are in", async () => (await readCounts(database.sql)).inserted === 21);
        const [sessions] = await database.sql`select count(*) from pg_stat_activity where usename = ${role}`;
        expect(sessions!.count).toBeLessThanOrEqual(3);
    } finally {
        ingest.kill("SIGTERM");
        await ingest.finish();
    }
});

describe("how they are shared out", () => {
    test.each<[free: number | null, workers: number, pool: number, merging: number, isReduced: boolean]>([
        [null, 2, 4, 2, false],
        [8, 2, 4, 2, false],
        [7, 2, 3, 2, true],
        [5, 2, 1, 1, true],
        [4, 2, 1, 1, true],
        [3, 2, 1, 1, true],
        [6, 1, 2, 1, true],
    ])("%p free, %d merge workers", (free, workers, poolConnections, mergeWorkers, isReduced) => {
        expect(planConnections({ free, limit: "a limit" }, workers)).toEqual({
            poolConnections,
            mergeWorkers,
            isReduced,
        });
    });

    test("should fail: below three", () => {
        for (const free of [0, 1, 2]) {
            expect(() => planConnections({ free, limit: "a limit" }, 1)).toThrow(SluiceError);
        }
    });
});
