/** A streaming standby: what only reads goes there, and says how old it is; what writes goes to the primary. */
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DatabaseTarget, withDatabase } from "../../src/database/database-target.ts";
import { readStatus } from "../../src/operations/status/read-status.ts";
import { afterTest } from "../support/at-end.ts";
import { idOf, makeFolder, shopCsv } from "../support/fixture.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { ask, type OwnServer, openOwnServer, useOwnServer } from "../support/own-server.ts";
import { collect, runScript, spawnScript } from "../support/run-script.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const primary = useOwnServer();
let standby: OwnServer;
let target: DatabaseTarget;
let replica: DatabaseTarget;
let environment: Record<string, string>;
let inputDir: string;
let records = 0;

beforeAll(async () => {
    target = await primary.createDatabase();
    const backup = join(makeFolder(), "base");
    await primary.backUp(backup);
    const { host, port, user, password } = target;
    standby = await openOwnServer({
        backup,
        settings: { primary_conninfo: `host=${host} port=${port} user=${user} password=${password}` },
        prepare: (clusterDir) => writeFileSync(join(clusterDir, "standby.signal"), ""),
    });
    replica = withDatabase(standby.admin, target.database);
    environment = { DATABASE_URL: target.url, SLUICE_READ_DATABASE_URL: replica.url };
}, 120_000);
afterAll(() => standby.close(), 60_000);
beforeEach(() => {
    inputDir = makeFolder();
});

async function run(name: string, ...args: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await runScript(name, args, { environment });
    expect([name, exitCode, stderr]).toEqual([name, 0, ""]);
    return stdout;
}

const readJson = async (name: string, ...args: string[]) => JSON.parse(await run(name, ...args, "--json"));

/** A file of one record that gets in and one that does not, and the standby has it unless its replay is paused. */
async function deliver(): Promise<void> {
    records += 1;
    const record = `${idOf(records)},view,p1,u1,2024-05-01 10:00:00,1,1.00`;
    writeFileSync(join(inputDir, `${records}.csv`), shopCsv(record, "x,,,,,,"));
    const flags = ["--input", inputDir, "--trigger", "available-now", "--tail-settle", "0"];
    const { exitCode, stderr } = await runScript("ingest", [...flags, "--json"], { environment });
    expect([exitCode, stderr]).toEqual([0, ""]);
}

const mergedOn = async (server: DatabaseTarget) => (await ask(server, readStatus)).totals.read;
const whenThere = () => waitUntil("the standby has it", async () => (await mergedOn(replica)) === 2 * records);

test("every command that only reads asks the standby, and all that is UNLOGGED is left out", async () => {
    await deliver();
    await whenThere();
    expect(await readJson("status")).toMatchObject({
        standby: { lagSeconds: expect.any(Number) },
        totals: { read: 2 * records },
    });
    expect(await run("status")).toMatch(/^ *standby +.* behind its primary$/m);
    expect((await readJson("files")).data).toHaveLength(records);
    expect((await readJson("batches")).data).toHaveLength(records);
    expect((await readJson("rejects")).data).toHaveLength(records);
    expect((await readJson("trace", `${records}.csv:1`)).records).toHaveLength(1);
    expect(await run("sql", "select pg_is_in_recovery()")).toMatch(/^ *t/m);
    const { failed, unmade, checks } = await readJson("check");
    expect({ failed, unmade }).toEqual({ failed: 0, unmade: ["find_orphan_staged_rows"] });
    expect(checks.length).toBeGreaterThan(10);
    expect(await run("check")).toContain("Not made, because a standby has no staging: find_orphan_staged_rows.");
});

test("a standby that lags says by how much, and its asOf is that of its numbers", async () => {
    await deliver();
    await whenThere();
    const before = await readJson("status");
    await ask(replica, (sql) => sql`select pg_wal_replay_pause()`);
    afterTest(() => ask(replica, (sql) => sql`select pg_wal_replay_resume()`).then(() => {}));
    await deliver();
    await waitUntil("it has received what it may not replay", async () => {
        const [row] = await ask(
            replica,
            (sql) => sql`select pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn() as is`,
        );
        return row!.is === true;
    });
    const [behind, there] = [await readJson("status"), await ask(target, readStatus)];
    expect(behind.totals.read).toBe(2 * records - 2);
    expect(there.totals.read).toBe(2 * records);
    expect(there.standby).toBeNull();
    expect(behind.standby.lagSeconds).toBeGreaterThan(0);
    // Of the numbers that it shows, and before those that it lacks.
    expect(Date.parse(behind.asOf)).toBeGreaterThanOrEqual(Date.parse(before.lastBatch.finishedAt));
    expect(Date.parse(behind.asOf)).toBeLessThan(Date.parse(there.lastBatch!.finishedAt));
    await ask(replica, (sql) => sql`select pg_wal_replay_resume()`);
    await whenThere();
});

test("an API reads from it, and writes on the primary", async () => {
    await deliver();
    await whenThere();
    const child = spawnScript("api", ["--port", "0"], { environment });
    afterTest(async () => {
        child.kill("SIGTERM");
        await child.exited;
    });
    const stdout = collect(child.stdout);
    const address = () => /http:\S+/.exec(stdout.text())?.[0];
    await waitUntil("the API answers", () => address() !== undefined);
    const get = async (path: string) => await (await fetch(`${address()}${path}`)).json();
    expect(await get("/v1/status")).toMatchObject({ standby: {}, totals: { read: 2 * records } });
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ reason: "standby" });
    const paused = await fetch(`${address()}/v1/ingest/pause`, { method: "POST", headers, body });
    expect(paused.status).toBe(200);
    const isPaused = async () => (await ask(replica, readStatus)).streams[0]!.pausedAt !== null;
    await waitUntil("the pause has come to the standby", isPaused);
    await run("resume");
    expect(await get("/v1/checks")).toBeDefined();
});

test("doctor names it", async () => {
    const { stdout } = await runScript("doctor", ["--json", "--input", inputDir, "--port", "0"], { environment });
    const finding = JSON.parse(stdout).findings.find(({ name }: { name: string }) => name === "standby");
    expect(finding).toMatchObject({ state: "ok" });
    expect(finding.found).toContain("a standby");
});

describe("while the primary is away", () => {
    beforeAll(() => primary.killPostmaster());
    afterAll(() => primary.start());

    test("what only reads goes on", async () => {
        expect((await readJson("status")).totals.read).toBe(2 * records);
        expect((await readJson("files")).data).toHaveLength(records);
        expect(await run("check")).toContain("0 failed");
    });

    test("should fail: what writes names the primary", async () => {
        const { exitCode, stderr } = await runScript("resume", [], { environment });
        expect(exitCode).toBe(4);
        expect(stderr).toContain(`:${target.port}/`);
        expect(stderr).toContain("DATABASE_URL in the environment");
    });
});
