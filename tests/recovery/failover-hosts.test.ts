/**
 * The primary is killed in the middle of an ingest and its standby promoted. Nobody tells the ingest and no address moves: its URL
 * names both servers, and asks for the one that takes writes.
 */
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DatabaseTarget, makeTarget, withDatabase } from "../../src/database/database-target.ts";
import { makeFolder } from "../support/fixture.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { inHaste, makeNumberedFolder, type NumberedFolder } from "../support/ingest-fixture.ts";
import { type IngestProcess, ingestOnce, startIngest } from "../support/ingest-process.ts";
import { ask, countRows, type OwnServer, openOwnServer } from "../support/own-server.ts";
import { expectSound, readCounts } from "../support/read-tables.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const standbyName = "sluice_standby";
const flags = [...inHaste, "--merge-workers", "2", "--max-chunk-bytes", "4KiB"];

let primary: OwnServer;
let standby: OwnServer;
let target: DatabaseTarget;
let there: DatabaseTarget;
let url: string;
let files: NumberedFolder;
let ingest: IngestProcess;

beforeEach(async () => {
    files = makeNumberedFolder();
    primary = await openOwnServer();
    target = await primary.createDatabase();
    const backup = join(makeFolder(), "base");
    await primary.backUp(backup);
    const { host, port, user, password } = target;
    const place = `host=${host} port=${port} user=${user} password=${password}`;
    standby = await openOwnServer({
        backup,
        settings: { primary_conninfo: `${place} application_name=${standbyName}` },
        prepare: (clusterDir) => writeFileSync(join(clusterDir, "standby.signal"), ""),
    });
    there = withDatabase(standby.admin, target.database);
    const otherHosts = [{ host: standby.admin.host, port: standby.admin.port }];
    url = `${makeTarget({ ...target, otherHosts }).url}?target_session_attrs=read-write`;
    ingest = startIngest(url, files.inputDir, flags);
}, 120_000);
afterEach(async () => {
    await ingest.stop();
    await Promise.all([primary.close(), standby.close()]);
});

const insertedOn = async (server: DatabaseTarget) => (await ask(server, readCounts)).inserted;
const whenInserted = (server: DatabaseTarget, records: number) =>
    waitUntil(`${records} are in`, async () => (await insertedOn(server)) === records);

async function failOver(): Promise<void> {
    await primary.killPostmaster();
    await ask(standby.admin, (sql) => sql`select pg_promote(true)`);
}

/** All that was delivered is in once, by the process that was there all the time; nothing is left to do; all checks pass. */
async function expectWholeEnd(records: number): Promise<void> {
    await whenInserted(there, records);
    expect(ingest.isRunning()).toBe(true);
    await ingest.stop();
    expect((await ingestOnce(url, files.inputDir)).summary).toMatchObject({ batches: 0 });
    expect(await ask(there, readCounts)).toMatchObject({ read: records, inserted: records });
    expect(await countRows(there, "public.events")).toBe(records);
    await ask(there, expectSound);
}

test("with synchronous replication nothing that was committed is lost, and nothing doubled", async () => {
    await ask(primary.admin, (sql) => sql.unsafe(`alter system set synchronous_standby_names = '${standbyName}'`));
    await ask(primary.admin, (sql) => sql`select pg_reload_conf()`);
    await waitUntil(
        "it is synchronous",
        async () => (await countRows(primary.admin, "pg_stat_replication where sync_state = 'sync'")) === 1,
    );
    files.put(40, 100);
    await waitUntil("it is in the middle", async () => (await insertedOn(target)) >= 1_000);
    const acknowledged = ingest.batches().reduce((sum, { numInputRows }) => sum + numInputRows, 0);
    await failOver();
    expect(await insertedOn(there)).toBeGreaterThanOrEqual(acknowledged);
    files.put(5, 100);
    await expectWholeEnd(4_500);
});

test("with asynchronous replication what the standby lacks is loaded again from the files", async () => {
    files.put(5, 100);
    await whenInserted(there, 500);
    await ask(standby.admin, (sql) => sql`alter system set primary_conninfo = ''`);
    await ask(standby.admin, (sql) => sql`select pg_reload_conf()`);
    await waitUntil(
        "it hears nothing more",
        async () => (await countRows(standby.admin, "pg_stat_wal_receiver")) === 0,
    );
    files.put(10, 100);
    await whenInserted(target, 1_500);
    await failOver();
    expect(await insertedOn(there)).toBe(500);
    files.put(5, 100);
    await expectWholeEnd(2_000);
});
