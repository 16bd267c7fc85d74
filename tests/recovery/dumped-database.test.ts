/**
 * `pg_dump` beside a running ingest, as docs/operations.md has it: the ingest goes on or waits, as is said there, and what is
 * restored goes on to the same end. The dump is stopped once it has its locks, as one that takes hours.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { connect, type Sql } from "../../src/database/connect.ts";
import { type DatabaseTarget, withDatabase } from "../../src/database/database-target.ts";
import { embeddedMajor } from "../../src/database/embedded/binaries.ts";
import { installDebianPackage } from "../support/debian-package.ts";
import { makeFolder } from "../support/fixture.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { inHaste, useIngestFixture } from "../support/ingest-fixture.ts";
import { type IngestProcess, ingestOnce } from "../support/ingest-process.ts";
import { expectSound, expireLeases, readCounts } from "../support/read-tables.ts";
import { runScript } from "../support/run-script.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const missing = await findDumper();
if (missing !== null) console.log(`Not tested beside pg_dump: ${missing}.`);

/** Null when there is a pg_dump that takes this server; it refuses newer ones. */
async function findDumper(): Promise<string | null> {
    if (!Bun.which("pg_dump")) {
        const problem = await installDebianPackage("postgresql-client", "pg_dump");
        if (problem !== null) return problem;
    }
    const version = Bun.spawnSync(["pg_dump", "--version"]).stdout.toString();
    const major = Number(/ (\d+)/.exec(version)?.[1]);
    return major >= Number(embeddedMajor()) ? null : `pg_dump ${major} refuses a server of version ${embeddedMajor()}`;
}

const batchRecords = 100;
const flags = [...inHaste, "--max-chunk-bytes", "4KiB", "--max-batch-records", String(batchRecords)];
const fewFiles = 5;
/** Five times what may be held. */
const manyFiles = 30;
const fewRecords = fewFiles * batchRecords;
const allRecords = fewRecords + 2 * manyFiles * batchRecords;

describe.skipIf(missing !== null)("beside a dump", () => {
    const fixture = useIngestFixture(import.meta.path);
    const { sql } = fixture.database;
    let admin: Sql;
    let folder: string;
    let ingest: IngestProcess;
    let restored: DatabaseTarget;

    beforeAll(() => {
        admin = connect(withDatabase(fixture.database.target, "postgres"), { applicationName: "test admin", max: 1 });
        restored = withDatabase(fixture.database.target, `${fixture.database.target.database}_restored`);
    });
    afterAll(() => admin.end());
    beforeEach(async () => {
        folder = makeFolder();
        ingest = fixture.start(flags);
        fixture.put(fewFiles, batchRecords);
        await fixture.whenInserted(fewRecords);
        await admin.unsafe(`create database ${restored.database} template template0`);
    });
    afterEach(async () => {
        await admin.unsafe(`drop database ${restored.database} with (force)`);
    });

    const countStaged = async () =>
        (await sql<{ rows: number }[]>`select count(*) as rows from ingest.staging`)[0]!.rows;
    const run = (command: string[]) => {
        const { exitCode, stderr, stdout } = Bun.spawnSync(command);
        expect({ command: command[0], exitCode, stderr: stderr.toString() }).toMatchObject({ exitCode: 0 });
        return stdout.toString();
    };

    /** Runs it until it has its locks, then `meanwhile`, then to its end. */
    async function dump(args: string[], meanwhile: () => Promise<void>): Promise<string> {
        const file = join(folder, "sluice.dump");
        const dumper = Bun.spawn(["pg_dump", "--format", "custom", ...args, "--file", file, fixture.database.url], {
            stdio: ["ignore", "ignore", "inherit"],
        });
        await waitUntil("it has its locks", async () => {
            const locks = await sql`
                select from pg_locks
                inner join pg_stat_activity using (pid)
                where application_name = 'pg_dump' and relation = 'public.events'::regclass and granted`;
            if (locks.length > 0) dumper.kill("SIGSTOP");
            return locks.length > 0;
        });
        await meanwhile().finally(() => dumper.kill("SIGCONT"));
        expect(await dumper.exited).toBe(0);
        return file;
    }

    async function expectToGoOn(): Promise<void> {
        const copy = connect(restored, { applicationName: "test", max: 1 });
        await expireLeases(copy);
        expect((await readCounts(copy)).inserted).toBe(fewRecords);
        const { exitCode, stderr } = await ingestOnce(restored.url, fixture.inputDir);
        expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
        expect(await readCounts(copy)).toMatchObject({ read: allRecords, inserted: allRecords });
        await expectSound(copy);
        await copy.end();
    }

    test("of all but the rows of staging: the ingest waits once it holds six batches, and says for whom", async () => {
        const file = await dump(["--no-unlogged-table-data"], async () => {
            fixture.put(manyFiles, batchRecords);
            await waitUntil("it says so", () => /session \d+ \(pg_dump/.test(ingest.stderr()));
            const held = await countStaged();
            fixture.put(manyFiles, batchRecords);
            // Long enough for dozens of loads.
            await Bun.sleep(2_500);
            expect(await countStaged()).toBe(held);
        });
        await fixture.whenInserted(allRecords);
        run(["pg_restore", "--no-owner", "--dbname", restored.url, file]);
        await expectToGoOn();
    });

    test("of all but the table of staging: the ingest goes on, and staging is emptied", async () => {
        const file = await dump(["--exclude-table", "ingest.staging*"], async () => {
            fixture.put(manyFiles, batchRecords);
            fixture.put(manyFiles, batchRecords);
            await fixture.whenInserted(allRecords);
            await waitUntil("staging is emptied", async () => (await countStaged()) === 0);
            expect(ingest.stderr()).not.toContain("Merged rows cannot be removed");
        });
        const list = run(["pg_restore", "--list", file]).split("\n");
        const listFile = join(folder, "sluice.list");
        await Bun.write(listFile, list.filter((line) => !/FUNCTION.*ingest\.staging/.test(line)).join("\n"));
        run(["pg_restore", "--no-owner", "--use-list", listFile, "--dbname", restored.url, file]);
        const migrated = await runScript("migrate", [], { environment: { DATABASE_URL: restored.url } });
        expect(migrated).toMatchObject({ exitCode: 0 });
        await expectToGoOn();
    });
});
