/** Promise 7: whoever reads the staging table keeps it from being emptied; it stays bounded, is named, and all goes on after. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "../../src/database/connect.ts";
import { describeReader, readStagingReaders, remedyForReader } from "../../src/database/staging-readers.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { useIngestFixture } from "../support/ingest-fixture.ts";
import { expectSound, readCounts } from "../support/read-tables.ts";
import { runScript } from "../support/run-script.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const records = 12_000;
const batchRecords = 200;
const flags = ["--trigger", "available-now", "--max-chunk-bytes", "4KiB", "--max-batch-records", String(batchRecords)];
const fixture = useIngestFixture(import.meta.path);
const { database } = fixture;

const openReader = () => connect(database.target, { applicationName: "a report", max: 1 });
const countStaged = async () => {
    const [row] = await database.sql`select count(*) as "rows" from ingest.staging`;
    return row!.rows as number;
};

test("a session that is idle in a transaction: bounded, named by log, status and doctor, and over when it ends", async () => {
    const reader = openReader();
    await reader`begin`;
    await reader`select count(*) from ingest.staging`;
    const [own] = await reader`select pg_backend_pid() as pid`;
    fixture.put(1, records);
    const ingest = fixture.start([...flags, "--tail-settle", "0"]);
    try {
        await waitUntil("it says so", () => ingest.stderr().includes("Merged rows cannot be removed"));
        expect(ingest.stderr()).toContain(
            `session ${own!.pid} (a report, user ${database.target.user}, idle in transaction`,
        );
        expect(ingest.stderr()).toContain(`pg_terminate_backend(${own!.pid})`);
        await waitUntil("no more is staged", async () => {
            const before = await countStaged();
            await Bun.sleep(2_500);
            return (await countStaged()) === before;
        });
        // It is merged and could go; nothing is added to it, however much waits.
        expect(await countStaged()).toBeLessThan(records);
        expect((await readCounts(database.sql)).inserted).toBeLessThan(records);
        await Bun.sleep(5_000);
        const environment = { DATABASE_URL: database.url };
        const status = await runScript("status", [], { environment });
        expect(status.stdout).toContain(`session ${own!.pid} (a report`);
        const doctor = await runScript("doctor", ["--input", fixture.inputDir, "--port", "0"], { environment });
        expect(doctor.exitCode).toBe(1);
        expect(doctor.stdout).toContain(`session ${own!.pid} (a report`);
    } finally {
        await reader`rollback`;
        await reader.end();
    }
    expect((await ingest.finish()).exitCode).toBe(0);
    expect(ingest.stderr().split("Merged rows cannot be removed").length).toBe(2);
    expect(await readCounts(database.sql)).toMatchObject({ read: records, inserted: records });
    await expectSound(database.sql);
});

describe("who reads it is named", () => {
    test("with the one lane that it has read, too, and no more once it has ended its transaction", async () => {
        const reader = openReader();
        await reader`begin`;
        await reader`select count(*) from ingest.staging_3`;
        const readers = await readStagingReaders(database.sql);
        expect(readers).toMatchObject([{ applicationName: "a report", state: "idle in transaction" }]);
        await reader`commit`;
        expect(await readStagingReaders(database.sql)).toEqual([]);
        await reader.end();
    });

    test("in the words of a prepared transaction, which has no session", () => {
        const prepared = {
            pid: null,
            preparedAs: "tx 1",
            userName: "ann",
            applicationName: null,
            state: null,
            since: null,
        };
        expect(describeReader(prepared)).toBe("the prepared transaction tx 1 (user ann, in a transaction)");
        expect(remedyForReader(prepared)).toBe("End it: commit prepared 'tx 1' or rollback prepared 'tx 1'.");
    });

    test("the ingest's own sessions are none", async () => {
        const own = connect(database.target, { applicationName: "sluice-12345678", max: 1 });
        await own`begin`;
        await own`select count(*) from ingest.staging`;
        expect(await readStagingReaders(database.sql)).toEqual([]);
        await own`rollback`;
        await own.end();
    });
});
