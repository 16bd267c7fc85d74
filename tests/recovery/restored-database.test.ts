/**
 * The database is put back to an earlier moment, while files have gone on being merged: ledger and data are of that one
 * moment, so what came since is read again from the folder, and the end is the same (docs/operations.md, Backup).
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { countFolder } from "../support/count-records.ts";
import { copyDatabase, type TestDatabase } from "../support/database.ts";
import { makeFolder, useDatabase } from "../support/fixture.ts";
import { chooseSeed, generateFolder, testTimeoutMs } from "../support/generate-folder.ts";
import { ingestOnce, startIngest } from "../support/ingest-process.ts";
import { expectOracle, expectSameTables, expectSound, expireLeases, readTables } from "../support/read-tables.ts";

setDefaultTimeout(testTimeoutMs);

const folder = makeFolder();
const inputDir = join(folder, "input");
const database = useDatabase(import.meta.path);
/** Taken while chunks were staged and not merged. */
let backups: TestDatabase[];

const flags = ["--max-chunk-bytes", "8KiB", "--max-batch-records", "500"];

function deliver(names: string[]): void {
    for (const name of names) cpSync(join(folder, "all", name), join(inputDir, name), { preserveTimestamps: true });
}

beforeAll(async () => {
    mkdirSync(inputDir);
    const seed = chooseSeed("restored database");
    await generateFolder(join(folder, "all"), { files: 12, seed, maxRecords: 300, dirty: 0.05, duplicates: 0.1 });
    const names = readdirSync(join(folder, "all")).toSorted();

    deliver(names.slice(0, 4));
    await ingestOnce(database.url, inputDir, flags);
    deliver(names.slice(4, 8));
    const killed = startIngest(database.url, inputDir, flags, { environment: { FAULT_AT: "before-merge" } });
    await killed.exited;
    backups = [await copyDatabase(import.meta.path, database), await copyDatabase(import.meta.path, database)];
    deliver(names.slice(8));
    await expireLeases(database.sql);
    await ingestOnce(database.url, inputDir, flags);
});
afterAll(async () => {
    for (const each of [database, ...backups]) await each.drop();
});

test("went on to the end, as the oracle expects", async () => {
    await expectOracle(database.sql, countFolder(inputDir));
});

test.each([
    ["with its staged rows, as pg_dump brings them", false],
    ["without staged rows, as a physical backup or a standby leaves them", true],
])("%s, the restored database comes to the same tables", async (_, isStagingEmptied) => {
    const restored = backups[isStagingEmptied ? 1 : 0]!;
    const [before] = await restored.sql`
        select
            (select count(*) from ingest.chunks where state = 'staged') as chunks,
            (select count(*) from ingest.staging) as rows,
            (select count(*) from public.events) as events`;
    const whole = await readTables(database.sql);
    expect(before!.chunks).toBeGreaterThan(0);
    expect(before!.rows).toBeGreaterThan(0);
    expect(before!.events).toBeLessThan(whole.events.length);
    if (isStagingEmptied) await restored.sql`truncate ingest.staging`;
    await expireLeases(restored.sql);

    const { exitCode, stderr } = await ingestOnce(restored.url, inputDir, flags);
    expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
    expectSameTables(await readTables(restored.sql), whole);
    await expectSound(restored.sql);
});
