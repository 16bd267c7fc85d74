/**
 * The server goes and another one takes its address, which lacks the last transactions: an asynchronous standby that is
 * promoted, a backup that is recovered to a point in time. Nobody tells the running ingest; it reads again what is missing.
 */
import { afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DatabaseTarget, withDatabase } from "../../src/database/database-target.ts";
import { type DatabaseProxy, openDatabaseProxy } from "../support/database-proxy.ts";
import { makeFolder } from "../support/fixture.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { inHaste, makeNumberedFolder, type NumberedFolder } from "../support/ingest-fixture.ts";
import { type IngestProcess, ingestOnce, startIngest } from "../support/ingest-process.ts";
import { ask, countRows, holdSlices, type OwnServer, openOwnServer, useOwnServer } from "../support/own-server.ts";
import { expectSound, readCounts } from "../support/read-tables.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const archive = makeFolder();
const primary = useOwnServer({
    settings: { archive_mode: "on", archive_command: `test ! -f ${archive}/%f && cp %p ${archive}/%f` },
});
let target: DatabaseTarget;
let backup: string;
let successor: OwnServer;
let files: NumberedFolder;
let proxy: DatabaseProxy;
let ingest: IngestProcess;

beforeAll(() => {
    if (primary.account) chownSync(archive, primary.account.uid, primary.account.gid);
});
beforeEach(async () => {
    files = makeNumberedFolder();
    backup = join(makeFolder(), "base");
    await primary.start();
    target = await primary.createDatabase();
    proxy = await openDatabaseProxy(target);
    ingest = startIngest(proxy.target.url, files.inputDir, flags);
    files.put(5, 100);
    await whenInserted(target, 500);
});
afterEach(async () => {
    await ingest.stop();
    await proxy.close();
    await successor.close();
});

const flags = [...inHaste, "--merge-workers", "2", "--max-chunk-bytes", "4KiB"];
const inserted = async (target: DatabaseTarget) => (await ask(target, readCounts)).inserted;
const whenInserted = (target: DatabaseTarget, records: number) =>
    waitUntil(`${records} are in`, async () => (await inserted(target)) === records);
/** By then the ingest has left marks in what the new server will lack, and knows that it has. */
async function heartbeats(): Promise<void> {
    const mark = async () => (await ask(target, (sql) => sql`select mark from ingest.workers`))[0]!.mark;
    for (let beat = 0; beat < 2; beat += 1) {
        const before = await mark();
        await waitUntil("a heartbeat", async () => (await mark()) !== before);
    }
}

/** All that was delivered is in once, and nothing is left to do. */
async function expectWholeEnd(target: DatabaseTarget, records: number): Promise<void> {
    await whenInserted(target, records);
    expect(ingest.isRunning()).toBe(true);
    expect(ingest.stderr().split("The ledger no longer knows this run").length).toBe(2);
    await ingest.stop();
    expect((await ingestOnce(target.url, files.inputDir)).summary).toMatchObject({ batches: 0 });
    expect(await ask(target, readCounts)).toMatchObject({ read: records, inserted: records });
    expect(await countRows(target, "public.events")).toBe(records);
    await ask(target, expectSound);
}

test("an asynchronous standby is promoted that lacks the last transactions", async () => {
    await primary.backUp(backup);
    const { host, port, user, password } = target;
    successor = await openOwnServer({
        backup,
        settings: { primary_conninfo: `host=${host} port=${port} user=${user} password=${password}` },
        prepare: (clusterDir) => writeFileSync(join(clusterDir, "standby.signal"), ""),
    });
    const there = withDatabase(successor.admin, target.database);
    files.put(5, 100);
    await whenInserted(there, 1_000);

    // Staged and not merged, and the standby knows it; it has no rows of it.
    let slices = await holdSlices(target);
    files.put(5, 100);
    await waitUntil(
        "it knows of staged chunks",
        async () => (await countRows(there, "ingest.chunks where state = 'staged'")) > 4,
    );
    await ask(successor.admin, (sql) => sql`alter system set primary_conninfo = ''`);
    await ask(successor.admin, (sql) => sql`select pg_reload_conf()`);
    await waitUntil(
        "it hears nothing more",
        async () => (await countRows(successor.admin, "pg_stat_wal_receiver")) === 0,
    );
    await slices.end({ timeout: 0 });
    // From here on the primary is alone with it.
    files.put(5, 100);
    await whenInserted(target, 2_000);
    slices = await holdSlices(target);
    files.put(5, 100);
    await waitUntil(
        "more is staged",
        async () => (await countRows(target, "ingest.chunks where state = 'staged'")) > 4,
    );
    await heartbeats();
    await primary.killPostmaster();
    await slices.end({ timeout: 0 });
    expect(await inserted(there)).toBe(1_000);
    // The address moves first: for a while the ingest is on a server that only reads.
    proxy.moveTo(there);
    await waitUntil("it has met the standby", () => ingest.stderr().includes("25006"));
    await Bun.sleep(3_000);
    await ask(successor.admin, (sql) => sql`select pg_promote(true)`);
    files.put(5, 100);
    await expectWholeEnd(there, 3_000);
});

test("a base backup that was taken under way is recovered to a point in time", async () => {
    files.put(40, 100);
    await primary.backUp(backup);
    await whenInserted(target, 4_500);
    const slices = await holdSlices(target);
    files.put(5, 100);
    await waitUntil(
        "chunks are staged",
        async () => (await countRows(target, "ingest.chunks where state = 'staged'")) > 4,
    );
    await ask(primary.admin, (sql) => sql`select pg_create_restore_point('then')`);
    await slices.end({ timeout: 0 });
    files.put(5, 100);
    await whenInserted(target, 5_500);
    await heartbeats();
    await primary.stop();

    successor = await openOwnServer({
        backup,
        settings: {
            restore_command: `cp ${archive}/%f %p`,
            recovery_target_name: "then",
            recovery_target_action: "promote",
        },
        prepare: (clusterDir) => writeFileSync(join(clusterDir, "recovery.signal"), ""),
    });
    const there = withDatabase(successor.admin, target.database);
    await waitUntil(
        "it has recovered",
        async () => (await countRows(there, "pg_control_recovery() where pg_is_in_recovery()")) === 0,
    );
    expect(await inserted(there)).toBe(4_500);
    expect(await countRows(there, "ingest.staging")).toBe(0);
    proxy.moveTo(there);
    await expectWholeEnd(there, 5_500);
});
