/** Promise 7: while merges cannot go on, staging fills up to a few batches and no further, however much waits in the folder. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { useIngestFixture } from "../support/ingest-fixture.ts";
import { holdSlices } from "../support/own-server.ts";
import { expectSound, readCounts } from "../support/read-tables.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const records = 2_000;
const batchRecords = 200;
const recordBytes = 79;
const flags = ["--trigger", "available-now", "--max-chunk-bytes", "1KiB", "--max-batch-records", String(batchRecords)];
const fixture = useIngestFixture(import.meta.path);

async function readStaged(): Promise<{ records: number; loads: number }> {
    const [staged] = await fixture.database.sql<{ records: number; loads: number }[]>`
        select
            (select coalesce(sum(records), 0)::bigint from ingest.chunks where state = 'staged') as records,
            (select count(*) from ingest.loads) as loads`;
    return staged!;
}

test("staging holds three batches at most, and one chunk more, until a merge makes room; then all goes on", async () => {
    const { database } = fixture;
    fixture.put(1, records);
    const mostRecords = 3 * batchRecords + Math.ceil(1024 / recordBytes);
    const slices = await holdSlices(database.target);
    const child = fixture.start([...flags, "--tail-settle", "0"]);
    await waitUntil("staging is full", async () => (await readStaged()).records >= 3 * batchRecords);
    const full = await readStaged();
    // Long enough for dozens of loads.
    await Bun.sleep(1_500);
    expect(await readStaged()).toEqual(full);
    expect(full.records).toBeLessThanOrEqual(mostRecords);
    await slices.end({ timeout: 1 });
    expect((await child.finish()).exitCode).toBe(0);
    expect(await readCounts(database.sql)).toMatchObject({ read: records, inserted: records });
    await expectSound(database.sql);
});
