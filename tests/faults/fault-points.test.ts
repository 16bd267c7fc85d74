/**
 * Every fault point, struck by every action: promises 2, 4, 5, 8 and 10. Whatever broke, the next run (or the same one,
 * where the process lives) ends with the tables of an undisturbed one, and leaves nothing behind.
 *
 * In CI each point is struck once, by an action that the seed chooses; `bun run test:faults --points` strikes them all.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import {
    type FaultAction,
    type FaultPlan,
    type FaultPointName,
    faultActions,
    faultPoints,
} from "../../src/database/faults/fault-points.ts";
import { createRandom } from "../../src/shop/generator/random.ts";
import { ageLedger } from "../support/age-ledger.ts";
import { countFolder } from "../support/count-records.ts";
import { makeFolder } from "../support/fixture.ts";
import { chooseSeed, generateFolder, isLongRun, testTimeoutMs } from "../support/generate-folder.ts";
import { ingestOnce } from "../support/ingest-process.ts";
import { ask, useOwnServer } from "../support/own-server.ts";
import {
    expectOracle,
    expectSameTables,
    expectSound,
    expireLeases,
    readCounts,
    readTables,
    type Tables,
} from "../support/read-tables.ts";
import { expectSigned, openReceiver, secret } from "../support/receiver.ts";
import { runScript } from "../support/run-script.ts";
import { projectDir } from "../support/test-server.ts";
import { waitUntil } from "../support/wait-until.ts";
import { peak } from "../support/watch-usage.ts";
import { expectOrderly } from "./expect-orderly.ts";
import { strike } from "./strike.ts";

setDefaultTimeout(testTimeoutMs);

const seed = chooseSeed("fault points");
const random = createRandom(seed);
const flags = ["--max-chunk-bytes", "8KiB", "--max-batch-records", "300", "--merge-workers", "2"];

const server = useOwnServer();
const folder = makeFolder();
let sourceDir: string;
let undisturbed: Tables;

beforeAll(async () => {
    chmodSync(folder, 0o755);
    sourceDir = join(folder, "source");
    await generateFolder(sourceDir, { files: 6, seed, minRecords: 20, maxRecords: 250, dirty: 0.05, duplicates: 0.1 });
    const target = await server.createDatabase();
    expect((await ingestOnce(target.url, sourceDir, flags)).exitCode).toBe(0);
    await ask(target, (sql) => expectOracle(sql, countFolder(sourceDir)));
    undisturbed = await ask(target, (sql) => readTables(sql));
});
afterAll(async () => {
    console.log(`took at most ${Math.round(peak.memoryKiB / 1024)} MiB and ${peak.descriptors} descriptors each`);
});

/** How often an undisturbed run passes the point at least: in its process, or in SQL in one of its sessions. */
const leastPasses: Record<FaultPointName, number> = {
    "before-copy": 1,
    "in-copy": 6,
    "after-copy-bytes": 1,
    "in-direct-copy": 1,
    "before-direct-commit": 1,
    "after-direct-commit": 1,
    "before-record-load": 1,
    "after-record-load": 1,
    "before-merge": 2,
    "in-merge": 1,
    "before-merge-commit": 1,
    "after-merge": 1,
    "before-defer-commit": 1,
    "after-defer": 1,
    "before-index-commit": 1,
    "between-indexes": 1,
    "before-archive": 6,
    "in-archive": 6,
    "before-archive-noted": 6,
    "before-notification": 1,
    "after-notification": 1,
    "before-migration": 1,
    "in-migration": 1,
    "in-prune": 1,
    "in-reset": 1,
};

const everyAction = Object.keys(faultActions) as FaultAction[];

/** A migration that is frozen holds its lock, and the others say so: tests/database/migrate.test.ts. */
const actionsAt = (at: FaultPointName) =>
    isOfMigration(at) ? everyAction.filter((action) => action !== "freeze") : everyAction;

const names = Object.keys(faultPoints) as FaultPointName[];
const strikes: FaultPlan[] = names.flatMap((at, index) => {
    const actions = actionsAt(at);
    // By turns from a seeded start, so that a short run has every action too.
    const chosen = isLongRun ? actions : [actions[(seed + index) % actions.length]!];
    return chosen.map((action) => ({ at, action, pass: random.between(1, leastPasses[at]) }));
});

function isOfMigration(at: FaultPointName): boolean {
    return at.endsWith("-migration");
}
function isOfArchive(at: FaultPointName): boolean {
    return at.includes("-archive");
}
function isOfNotification(at: FaultPointName): boolean {
    return at.endsWith("-notification");
}
/** tests/faults/deferred-indexes.test.ts */
function isOfDeferral(at: FaultPointName): boolean {
    return at.includes("-defer") || at.includes("-index");
}
/** tests/faults/direct-kills.test.ts */
function isOfDirectLoad(at: FaultPointName): boolean {
    return at.includes("-direct-");
}
function isOfIngest(at: FaultPointName): boolean {
    if (isOfDirectLoad(at) || isOfDeferral(at)) return false;
    const isOfCommand = at === "in-prune" || at === "in-reset";
    return !isOfCommand && !isOfMigration(at) && !isOfArchive(at) && !isOfNotification(at);
}
function strikesWhere(isMine: (at: FaultPointName) => boolean): [string, FaultPlan][] {
    return strikes.filter(({ at }) => isMine(at)).map((plan) => [`${plan.at}:${plan.pass} by ${plan.action}`, plan]);
}

test("each point is marked once in the program", () => {
    const marks = ["src", "sql"].flatMap((root) =>
        [...new Bun.Glob("!(rendered)/**/*.{ts,sql}").scanSync(join(projectDir, root))].flatMap((name) => [
            ...readFileSync(join(projectDir, root, name), "utf8").matchAll(
                /^(?!\s*(?:\*|--)).*(?:pass_fault_point|passFaultPoint|faultPointText)\(['"]([a-z-]+)['"]\)/gm,
            ),
        ]),
    );
    expect(marks.map(([, name]) => name!).sort()).toEqual([...names].sort());
});

describe("an ingest that is struck", () => {
    test.each(strikesWhere(isOfIngest))("at %s ends as if nothing had been", async (_, plan) => {
        const target = await server.createDatabase();
        const names = readdirSync(sourceDir);
        await strikeIngest(target, plan, sourceDir, []);
        await expectUndisturbed(target);
        expect(readdirSync(sourceDir)).toEqual(names);
    });

    test.each(strikesWhere(isOfArchive))("at %s leaves each file once, in the archive", async (_, plan) => {
        const target = await server.createDatabase();
        const dataDir = mkdtempSync(join(folder, "data-"));
        const inputDir = join(dataDir, "input");
        cpSync(sourceDir, inputDir, { recursive: true });
        const more = ["--data-dir", dataDir, "--after-merge", "archive", "--tail-settle", "0"];
        await strikeIngest(target, plan, inputDir, more);
        await expectUndisturbed(target);
        expect(readdirSync(inputDir)).toEqual([]);
        expect(bytesOfFiles(join(dataDir, "archive"), "*/*")).toEqual(bytesOfFiles(sourceDir, "*"));
    });
});

test.each(strikesWhere(isOfMigration))("a migration that is struck at %s is done by the next", async (_, plan) => {
    const target = await server.createBareDatabase();
    const { exitCode, stderr } = await strike({ server, target, script: "migrate", args: [] }, plan, async () => {});
    expectCommandEnd(plan, exitCode, stderr);
    // After a crash the server recovers first.
    await ask(target, (sql) => sql`select 1`);
    const environment = { DATABASE_URL: target.url };
    expect(await runScript("migrate", [], { environment })).toMatchObject({ exitCode: 0 });
    expect((await ingestOnce(target.url, sourceDir, flags)).exitCode).toBe(0);
    await expectUndisturbed(target);
});

const notificationStrikes = strikesWhere(isOfNotification);

test.each(notificationStrikes)("an ingest that is struck at %s has told it, under one id", async (_, plan) => {
    const target = await server.createDatabase();
    const inputDir = mkdtempSync(join(folder, "broken-"));
    writeFileSync(join(inputDir, "broken.csv"), "event_id,price\n1,2\n");
    const receiver = openReceiver();
    const environment = { SLUICE_NOTIFY_WEBHOOK: receiver.url, SLUICE_NOTIFY_SECRET: secret };
    const runAgain = async () => {
        await ask(target, (sql) => expireLeases(sql));
        const { exitCode, stderr } = await ingestOnce(target.url, inputDir, flags, { environment });
        // The file failed in an earlier run.
        expect({ exitCode, stderr }).toMatchObject({ exitCode: 5 });
    };
    const args = ["--input", inputDir, "--trigger", "available-now", "--tail-settle", "0", "--json", ...flags];
    const { exitCode } = await strike({ server, target, script: "ingest", args, environment }, plan, runAgain);
    if (plan.action === "kill") expect(exitCode).toBe(137);
    await runAgain();

    expect(receiver.taken()).toContain("stream.problem events ok failing");
    expect(new Set(receiver.taken()).size).toBe(1);
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
    for (const received of receiver.received) expectSigned(received);
    const [left] = await ask(
        target,
        (sql) => sql`select told, (select count(*) from ingest.notifications) as pending from ingest.told_states`,
    );
    expect(left).toEqual({ told: "failing", pending: 0 });
});

const resetStrikes = strikesWhere((at) => at === "in-reset");

test.each(resetStrikes)("a reset that is struck at %s has reset all or nothing", async (_, plan) => {
    const target = await server.createDatabase();
    expect((await ingestOnce(target.url, sourceDir, flags)).exitCode).toBe(0);
    const args = ["--yes", "--input", sourceDir];
    const struck = await strike({ server, target, script: "reset", args }, plan, async () => {});
    expectCommandEnd(plan, struck.exitCode, struck.stderr);
    await waitUntil("its backend is gone", () => hasNoBackends(target));
    const [left] = await ask(target, (sql) => sql`select count(*) as events from public.events`);
    expect([0, undisturbed.counts.inserted]).toContain(left!.events);
    expect((await ask(target, (sql) => readCounts(sql))).inserted).toBe(left!.events);
    const again = await runScript("reset", args, { environment: { DATABASE_URL: target.url } });
    expect(again).toMatchObject({ exitCode: 0 });
    expect((await ingestOnce(target.url, sourceDir, flags)).exitCode).toBe(0);
    await expectUndisturbed(target);
});

const pruneStrikes = strikesWhere((at) => at === "in-prune");

test.each(pruneStrikes)(
    "a prune that is struck at %s leaves all adding up, and the next one goes on",
    async (_, plan) => {
        const target = await server.createDatabase();
        expect((await ingestOnce(target.url, sourceDir, flags)).exitCode).toBe(0);
        await ask(target, (sql) => ageLedger(sql, 100));
        const args = ["--older-than", "90d", "--yes"];
        const struck = await strike({ server, target, script: "prune", args }, plan, async () => {});
        expectCommandEnd(plan, struck.exitCode, struck.stderr);
        await waitUntil("its backend is gone", () => hasNoBackends(target));
        await ask(target, (sql) => expectSound(sql));
        const again = await runScript("prune", args, { environment: { DATABASE_URL: target.url } });
        expect(again).toMatchObject({ exitCode: 0 });
        const [left] = await ask(
            target,
            (sql) => sql`
            select
                (select count(*) from public.events) as events,
                (select count(*) from ingest.rejects) as rejects,
                (select count(*) from ingest.batches) as batches`,
        );
        expect(left).toEqual({ events: 0, rejects: 0, batches: 0 });
        // Files in the folder stay known.
        expect((await ingestOnce(target.url, sourceDir, flags)).summary?.records.read).toBe(0);
        await ask(target, (sql) => expectSound(sql));
    },
);

async function strikeIngest(target: DatabaseTarget, plan: FaultPlan, inputDir: string, more: string[]): Promise<void> {
    const runAgain = async () => {
        const { exitCode, stderr } = await ingestOnce(target.url, inputDir, [...flags, ...more]);
        expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
        expectOrderly({ exitCode, stderr });
    };
    const args = ["--input", inputDir, "--trigger", "available-now", "--json", ...flags, ...more];
    const { exitCode, stdout, stderr } = await strike({ server, target, script: "ingest", args }, plan, runAgain);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: plan.action === "kill" ? 137 : 0 });
    if (plan.action !== "kill") {
        // Its own counts are what was committed, lost answers included.
        const summary = JSON.parse(stdout.trim().split("\n").at(-1)!);
        if (plan.action !== "freeze") expect(summary.records).toMatchObject(undisturbed.counts);
        return;
    }
    // As if ten seconds had gone by.
    await ask(target, (sql) => expireLeases(sql));
    await runAgain();
}

/** Well, when it could; else with a code that says what it was, and what to do. */
function expectCommandEnd({ action }: FaultPlan, exitCode: number, stderr: string): void {
    if (action === "kill") expect(exitCode).toBe(137);
    else if (exitCode !== 0)
        expect({ exitCode, stderr }).toEqual({ exitCode: 4, stderr: expect.stringMatching(/fix:|"fix":"/) });
}

async function expectUndisturbed(target: DatabaseTarget): Promise<void> {
    await waitUntil("no backend of it is left", () => hasNoBackends(target));
    expectSameTables(await ask(target, (sql) => readTables(sql)), undisturbed);
    await ask(target, (sql) => expectSound(sql));
    const locks = await ask(
        target,
        (sql) => sql`
            select locktype, mode
            from pg_locks
            where
                locktype in ('advisory', 'tuple', 'transactionid')
                and database = (select oid from pg_database where datname = current_database())
                and pid <> pg_backend_pid()`,
    );
    expect([...locks]).toEqual([]);
    expect([...(await ask(target, (sql) => sql`select name from pg_ls_tmpdir()`))]).toEqual([]);
}

async function hasNoBackends(target: DatabaseTarget): Promise<boolean> {
    const backends = await ask(
        target,
        (sql) => sql`
            select
            from pg_stat_activity
            where datname = current_database() and application_name like 'sluice%'`,
    );
    return backends.length === 0;
}

function bytesOfFiles(root: string, pattern: string): Record<string, string> {
    const paths = [...new Bun.Glob(pattern).scanSync({ cwd: root, dot: true })];
    return Object.fromEntries(
        paths.map((path) => [path.split("/").at(-1)!, readFileSync(join(root, path)).toString("latin1")]),
    );
}
