/** A change of the tables under a running ingest is nobody's record's fault: it is said once, waited for, and no file fails. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeTarget } from "../../src/database/database-target.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { type IngestProcess, startIngest } from "../support/ingest-process.ts";
import { emptyTables, readCounts, readFileStates } from "../support/read-tables.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const header = "event_id,event_type,product_id,user_id,event_timestamp,quantity,price\n";
const role = `sluice_changed_${process.pid}`;
let database: TestDatabase;
let folder: string;
let inputDir: string;
let ingest: IngestProcess;
let records = 0;

beforeAll(async () => {
    database = await createTestDatabase(import.meta.path);
    await database.sql.unsafe(`
        create role ${role} login password 'x';
        grant usage on schema public, ingest to ${role};
        grant all on all tables in schema public, ingest to ${role};
        grant all on all sequences in schema ingest to ${role}`);
});
afterAll(async () => {
    await database.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
    await database.drop();
});
beforeEach(async () => {
    await emptyTables(database.sql);
    folder = mkdtempSync(join(tmpdir(), "sluice-changed-"));
    inputDir = join(folder, "input");
    mkdirSync(inputDir);
    const { url } = makeTarget({ ...database.target, user: role, password: "x" });
    ingest = startIngest(url, inputDir, ["--trigger", "200ms", "--tail-settle", "0"]);
    records = 0;
    putFiles(1);
    await waitUntil("the first file is in", async () => (await readCounts(database.sql)).inserted === 1);
});
afterEach(async () => {
    ingest.kill("SIGTERM");
    await ingest.finish();
    rmSync(folder, { recursive: true });
});

function putFiles(count: number): void {
    for (let file = 0; file < count; file += 1) {
        records += 1;
        const line = `00000000-0000-4000-8000-${String(records).padStart(12, "0")},view,p1,u1,2024-05-01 10:00:00,1,1.00\n`;
        const path = join(inputDir, `${String(records).padStart(3, "0")}.csv`);
        writeFileSync(`${path}.tmp`, header + line);
        renameSync(`${path}.tmp`, path);
    }
}

const linesOf = (event: RegExp) =>
    ingest
        .stderr()
        .split("\n")
        .filter((line) => event.test(line)).length;

test.each<[what: string, change: string, undo: string, said: string]>([
    [
        "a column that must be filled",
        "alter table events add extra integer not null default 1; alter table events alter extra drop default",
        "alter table events drop extra",
        "its column extra must be filled and is none of ours",
    ],
    [
        "a column renamed",
        "alter table events rename user_id to customer_id",
        "alter table events rename customer_id to user_id",
        "user_id",
    ],
    [
        "a column of another type",
        "alter table events alter user_id type integer using 1",
        "alter table events alter user_id type varchar(100) using 'u1'",
        "user_id",
    ],
    [
        "a column too narrow",
        "alter table events alter user_id type varchar(1) using 'u'",
        "alter table events alter user_id type varchar(100) using 'u1'",
        "its column user_id is character varying(1)",
    ],
    [
        "the table renamed away",
        "alter table events rename to events_old",
        "alter table events_old rename to events",
        "events",
    ],
    [
        "another table in its place",
        `alter table events rename to events_old; create table events (event_id uuid); grant all on events to ${role}`,
        "drop table events; alter table events_old rename to events",
        "event_type",
    ],
    [
        "the schema renamed away",
        "alter schema ingest rename to ingest_old",
        "alter schema ingest_old rename to ingest",
        "ingest",
    ],
    [
        "no right to insert",
        `revoke insert on events from ${role}`,
        `grant insert on events to ${role}`,
        "42501: permission denied for table events",
    ],
    [
        "no right to the ledger",
        `revoke all on ingest.batches from ${role}`,
        `grant all on ingest.batches to ${role}`,
        "42501: permission denied for table batches",
    ],
])("%s for a while", async (_, change, undo, said) => {
    await database.sql.unsafe(change);
    putFiles(20);
    await waitUntil("it says so", () => ingest.stderr().includes("The tables are not as they were"));
    await Bun.sleep(2_000);
    await database.sql.unsafe(undo);
    await waitUntil("all files are in", async () => (await readCounts(database.sql)).inserted === 21);

    expect(ingest.stderr()).toContain(said);
    expect(linesOf(/The tables are not as they were/)).toBe(1);
    await waitUntil("it says that it goes on", () => linesOf(/The tables are as they were/) === 1);
    expect(new Set(Object.values(await readFileStates(database.sql)))).toEqual(new Set(["merged"]));
    expect(linesOf(/set aside|failed/)).toBe(0);
});

test("status knows what the ingest waits for", async () => {
    await database.sql.unsafe("alter table events rename price to cost");
    putFiles(1);
    await waitUntil("a worker reports it", async () => {
        const [row] = await database.sql`select report -> 'trouble' as trouble from ingest.workers`;
        const trouble = JSON.parse(JSON.stringify(row?.trouble ?? null)) as { code: string; what: string } | null;
        return trouble !== null && trouble.code === "42703" && trouble.what.includes("price");
    });
    await database.sql.unsafe("alter table events rename cost to price");
    await waitUntil("nothing is in the way", async () => {
        const [row] = await database.sql`select report ->> 'trouble' as trouble from ingest.workers`;
        return row?.trouble === null;
    });
});
