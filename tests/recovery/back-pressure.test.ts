/** Promise 7: while merges cannot go on, staging fills up to a few batches and no further, however much waits in the folder. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { startIngest } from "../support/ingest-process.ts";
import { expectSound, readCounts } from "../support/read-tables.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const records = 5_000;
const batchRecords = 200;
const recordBytes = 70;
let database: TestDatabase;
let folder: string;

beforeAll(async () => {
    database = await createTestDatabase(import.meta.path);
    folder = mkdtempSync(join(tmpdir(), "sluice-pressure-"));
    mkdirSync(join(folder, "input"));
    const header = "event_id,event_type,product_id,user_id,event_timestamp,quantity,price\n";
    const lines = Array.from({ length: records }, (_, index) => {
        const eventId = `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`;
        return `${eventId},purchase,p1,u1,2024-05-01 10:00:00,1,1.00\n`;
    });
    writeFileSync(join(folder, "input", "a.csv"), header + lines.join(""));
});
afterAll(async () => {
    await database.drop();
    rmSync(folder, { recursive: true });
});

async function readStaged(): Promise<{ records: number; loads: number }> {
    const [staged] = await database.sql<{ records: number; loads: number }[]>`
        select
            (select coalesce(sum(records), 0)::bigint from ingest.chunks where state = 'staged') as records,
            (select count(*) from ingest.loads) as loads`;
    return staged!;
}

test("staging holds three batches at most, and one chunk more, until a merge makes room; then all goes on", async () => {
    const flags = [
        "--trigger",
        "available-now",
        "--max-chunk-bytes",
        "1KiB",
        "--max-batch-records",
        String(batchRecords),
    ];
    const mostRecords = 3 * batchRecords + Math.ceil(1024 / recordBytes);
    let child: ReturnType<typeof startIngest> | undefined;
    await database.sql.begin(async (sql) => {
        // Merges leave slices alone that somebody holds.
        await sql`select from ingest.slices for update`;
        child = startIngest(database.url, join(folder, "input"), flags);
        await waitUntil("staging is full", async () => (await readStaged()).records >= 3 * batchRecords);
        const full = await readStaged();
        // Long enough for dozens of loads.
        await Bun.sleep(1_500);
        expect(await readStaged()).toEqual(full);
        expect(full.records).toBeLessThanOrEqual(mostRecords);
    });
    expect((await child!.finish()).exitCode).toBe(0);
    expect(await readCounts(database.sql)).toMatchObject({ read: records, inserted: records });
    await expectSound(database.sql);
});
