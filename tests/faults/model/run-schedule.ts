/**
 * One seed: does what the schedule says, to a real folder, real workers and a real server; then leaves them alone, waits
 * until they have converged by themselves, and holds what they left to the model and to the invariants.
 */
import {
    closeSync,
    ftruncateSync,
    mkdirSync,
    mkdtempSync,
    openSync,
    readdirSync,
    renameSync,
    rmSync,
    statSync,
    writeFileSync,
    writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sql } from "../../../src/database/connect.ts";
import { type DatabaseTarget, makeTarget } from "../../../src/database/database-target.ts";
import { runChecks } from "../../../src/operations/run-checks.ts";
import { openDatabaseProxy } from "../../support/database-proxy.ts";
import { ingestOnce } from "../../support/ingest-process.ts";
import { ask, type OwnServer } from "../../support/own-server.ts";
import { expireLeases } from "../../support/read-tables.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { holdToModel } from "./hold-to-model.ts";
import { holdToPathOrder } from "./hold-to-path-order.ts";
import type { Action, Schedule } from "./make-schedule.ts";
import { type LedgerRows, readLedger } from "./read-ledger.ts";
import { strike, type World } from "./strike.ts";
import { watchNumbers } from "./watch-numbers.ts";
import { createWorkers, findLeftProcesses } from "./workers.ts";

export interface RunReport {
    seed: number;
    kind: Schedule["kind"];
    /** What truly befell the run, by kind. */
    faults: Record<string, number>;
    files: number;
    records: number;
    /** Answers of the API that were held against the tables. */
    comparedAnswers: number;
    violations: string[];
    /** Of a failed run: where its schedule, its ledger and what its workers said have been written. */
    details: string | null;
}

/**
 * How long the ledger may stand still, with work left, after the last fault: far longer than any lease or pause between
 * attempts. How long all of it takes is the machine's affair: with thirty processes on two cores a crash takes it a minute.
 */
const mostStillMs = 120_000;
/** Of the worker that is there at the end, whatever became of the others. */
const watcherSlot = 9;

export async function runSchedule(server: OwnServer, schedule: Schedule): Promise<RunReport> {
    const folder = mkdtempSync(join(tmpdir(), "sluice-model-"));
    const inputDir = join(folder, "input");
    mkdirSync(inputDir);
    const target = await withoutTimeOut(await server.createDatabase());
    // What disturbs may be the limit of a role; and whoever runs the ingest need not be a superuser.
    const worker = schedule.kind === "disturbed" ? await makeLoader(target) : target;
    const proxy = await openDatabaseProxy(worker);
    const workers = createWorkers(inputDir, { mayServerBeAway: schedule.kind === "disturbed" });
    const faults: Record<string, number> = {};
    const countSteps = () => readSteps(target);
    const letWork = async (steps: number, atMostMs = 1_000) => {
        const until = performance.now() + atMostMs;
        const from = await countSteps();
        while (performance.now() < until && (await countSteps()) < from + steps) await Bun.sleep(15);
    };
    const world: World = {
        server,
        target,
        proxy,
        workers,
        isHurried: schedule.isHurried,
        workerUrl: worker.url,
        role: worker.user,
        toEnd: [],
        timesBack: 0,
        letWork,
    };
    const numbers = watchNumbers(target, () => world.timesBack);
    const keeper = keepServer(server);
    const violations: string[] = [];
    let ledger: LedgerRows | null = null;
    try {
        for (const { afterSteps, atMostMs, action } of schedule.steps) {
            if (afterSteps > 0) await letWork(afterSteps, atMostMs);
            const isDone = await carryOut(world, schedule, inputDir, action);
            if (isDone && action.do === "strike") faults[action.fault] = (faults[action.fault] ?? 0) + 1;
        }
        await converge(world, schedule, inputDir);
        await workers.end();
        await waitForLeases(world);
        const last = await ingestOnce(target.url, inputDir, schedule.flags);
        ledger = await ask(target, (sql) => readLedger(sql));
        violations.push(...judgeLastRun(last, ledger), ...(await findLeavings(target, inputDir, schedule)));
        violations.push(...holdToModel(schedule, ledger));
        if (schedule.kind === "undisturbed") violations.push(...holdToPathOrder(schedule, ledger));
    } catch (error) {
        violations.push(error instanceof Error ? `${error.message}` : String(error));
        await workers.destroy();
    } finally {
        await keeper.stop();
        await numbers.stop();
        await proxy.close();
    }
    violations.push(...workers.violations, ...numbers.violations, ...findLeftProcesses(inputDir));
    for (const [name, count] of Object.entries(workers.pointsReached)) faults[`fault point ${name}`] = count;
    ledger ??= await ask(target, (sql) => readLedger(sql)).catch(() => null);
    const report: RunReport = {
        seed: schedule.seed,
        kind: schedule.kind,
        faults,
        files: schedule.history.size,
        records: ledger?.merges.reduce((sum, { read }) => sum + read, 0) ?? 0,
        comparedAnswers: numbers.compared,
        violations,
        details: violations.length > 0 ? writeDetails(folder, schedule, ledger, workers.said()) : null,
    };
    if (violations.length === 0) rmSync(folder, { recursive: true });
    return report;
}

/** What a database is set to later must not end our own questions; the program finds this out by itself. */
async function withoutTimeOut(target: DatabaseTarget): Promise<DatabaseTarget> {
    const since17 = await ask(target, (sql) => sql`select from pg_settings where name = 'transaction_timeout'`);
    return since17.length === 0 ? target : { ...target, overrides: { transaction_timeout: "0" } };
}

/** A login with the rights of sql/roles/loader.sql, for this database alone. */
async function makeLoader(target: DatabaseTarget): Promise<DatabaseTarget> {
    const role = `loader_of_${target.database}`;
    const script = await Bun.file(join(import.meta.dir, "../../../sql/roles/loader.sql")).text();
    await ask(target, (sql) => sql.unsafe(script.replaceAll("sluice_loader", role)));
    await ask(target, (sql) => sql.unsafe(`alter role ${role} password '${role}'`));
    return makeTarget({ ...target, user: role, password: role });
}

/** True unless there was nothing to do it to. */
async function carryOut(world: World, schedule: Schedule, inputDir: string, action: Action): Promise<boolean> {
    const at = "path" in action ? join(inputDir, action.path) : "";
    switch (action.do) {
        case "put":
            writeFileSync(join(inputDir, "../next"), action.content.bytes.subarray(0, action.bytes));
            renameSync(join(inputDir, "../next"), at);
            return true;
        case "grow": {
            const descriptor = openSync(at, "a");
            const { size } = statSync(at);
            writeSync(descriptor, action.content.bytes.subarray(size, action.bytes));
            closeSync(descriptor);
            return true;
        }
        case "overwrite": {
            // A change of the same size in the same tick of the file system's clock shows in nothing but the bytes.
            await Bun.sleep(30);
            const descriptor = openSync(at, "r+");
            writeSync(descriptor, action.content.bytes, action.at, 1, action.at);
            closeSync(descriptor);
            return true;
        }
        case "truncate": {
            const descriptor = openSync(at, "r+");
            ftruncateSync(descriptor, action.bytes);
            closeSync(descriptor);
            return true;
        }
        case "rename":
            renameSync(at, join(inputDir, action.to));
            return true;
        case "remove":
            if (await isMerged(world, action.path, statSync(at).size)) rmSync(at);
            return true;
        case "start":
            world.workers.start(action.worker, {
                databaseUrl: action.viaProxy ? world.proxy.target.url : world.workerUrl,
                flags: [...schedule.flags, "--trigger", action.trigger],
                environment:
                    action.fault === null ? {} : { FAULT_AT: action.fault.at, FAULT_ACTION: action.fault.action },
            });
            return true;
        case "stop":
            world.workers.stop(action.worker, action.signal);
            return true;
        case "strike":
            return await strike(world, action);
    }
}

async function isMerged({ target }: World, path: string, size: number): Promise<boolean> {
    const merged = await ask(
        target,
        (sql) => sql`select from ingest.files where path = ${path} and state = 'merged' and loaded_bytes = ${size}`,
    );
    return merged.length > 0;
}

/** What a supervisor does for a database: starts it again. Postmasters die of some fault points, too. */
function keepServer(server: OwnServer): { stop(): Promise<void> } {
    let isOver = false;
    const ended = (async () => {
        while (!isOver) {
            await Bun.sleep(300);
            await server.start();
        }
    })();
    return {
        async stop() {
            isOver = true;
            await ended;
        },
    };
}

/** No more faults from here on. Somebody has to be at work, as a supervisor would see to; the rest comes by itself. */
async function converge(world: World, schedule: Schedule, inputDir: string): Promise<void> {
    const { server, workers, target, proxy, isHurried } = world;
    await server.start();
    for (const end of world.toEnd) await end();
    for (let slot = 0; slot < 4; slot += 1) workers.thaw(slot);
    if (isHurried) await ask(target, (sql) => expireLeases(sql));
    if (schedule.kind === "undisturbed") {
        await waitWhileItWorks(world, schedule, () => (workers.running().length === 0 ? [] : ["the one worker runs"]));
        return;
    }
    // One that meets a server which still recovers says so and ends: then it is started again.
    const supervise = () =>
        workers.start(watcherSlot, {
            databaseUrl: proxy.target.url,
            flags: [...schedule.flags, "--trigger", "50ms"],
            environment: {},
        });
    await waitWhileItWorks(world, schedule, async () => {
        supervise();
        return await findOpen(target, inputDir);
    });
}

/** Until nothing is open. Throws when nothing moves any more, or far more has been done than there was to do. */
async function waitWhileItWorks(
    { target }: World,
    { mostLedgerSteps }: Schedule,
    findOpenWork: () => string[] | Promise<string[]>,
): Promise<void> {
    const first = await readSteps(target);
    let last = first;
    let movedAt = performance.now();
    while (true) {
        const open = await findOpenWork();
        if (open.length === 0) return;
        const steps = await readSteps(target);
        if (steps !== last) movedAt = performance.now();
        last = steps;
        const isStill = performance.now() - movedAt > mostStillMs;
        if (isStill || steps - first > mostLedgerSteps) {
            const why = isStill ? `Nothing has moved for ${mostStillMs} ms` : "There is no end to it";
            throw new Error(`${why}, after ${steps - first} loads and batches. Open: ${open.slice(0, 10).join("; ")}`);
        }
        await Bun.sleep(50);
    }
}

/** Of workers that were killed: until they have run out, the last run cannot strike them off. */
async function waitForLeases({ target, isHurried }: World): Promise<void> {
    if (isHurried) await ask(target, (sql) => expireLeases(sql));
    const held = (sql: Sql) => sql`
        select from ingest.workers where lease_until > clock_timestamp()
        union all
        select from ingest.loader_lease where lease_until > clock_timestamp()`;
    await waitUntil("all leases have run out", async () => (await ask(target, held)).length === 0);
}

async function findOpen(target: World["target"], inputDir: string): Promise<string[]> {
    const rows = await ask(
        target,
        (sql) => sql<{ path: string; state: string; size: number; mtime: string; left: number }[]>`
            select distinct on (files.path)
                files.path,
                files.state,
                case when files.state in ('merged', 'loaded') then files.loaded_bytes else files.size_bytes end as size,
                files.mtime_ns::text as mtime,
                (
                    select count(*)
                    from ingest.chunks
                    inner join ingest.files as versions on versions.file_id = chunks.file_id
                    where versions.path = files.path and chunks.state not in ('merged', 'failed')
                ) as left
            from ingest.files
            order by files.path, files.version desc`,
    );
    const known = new Map(rows.map((row) => [row.path, row]));
    const unknown = readdirSync(inputDir).flatMap((name) => {
        const row = known.get(name);
        if (!row || row.state === "replaced") return [`${name} is not known`];
        const { size, mtimeNs } = statSync(join(inputDir, name), { bigint: true });
        if (row.size !== Number(size)) return [`${name} is ${row.state} with ${row.size} of ${size} bytes`];
        // Overwritten in place, it is of the same size.
        return row.mtime === `${mtimeNs}` ? [] : [`${name} is ${row.state} as of ${row.mtime}, and is of ${mtimeNs}`];
    });
    const open = rows.filter(
        ({ state, left }) => !["merged", "skipped", "failed", "replaced"].includes(state) || left > 0,
    );
    return [...unknown, ...open.map(({ path, state, left }) => `${path} is ${state}, ${left} chunks are open`)];
}

function judgeLastRun(
    { exitCode, summary, stderr }: Awaited<ReturnType<typeof ingestOnce>>,
    { files }: LedgerRows,
): string[] {
    const violations: string[] = [];
    // 5: nothing failed in this run, and files of earlier ones stand failed.
    if (exitCode !== (files.some(({ state }) => state === "failed") ? 5 : 0))
        violations.push(`a last run ended with ${exitCode}: ${stderr}`);
    if (summary?.records.read !== 0) violations.push(`a last run still read ${summary?.records.read} records`);
    return violations;
}

/** Nothing to tidy up, for anybody (promise 8); and all checks of the live database. */
async function findLeavings(target: World["target"], inputDir: string, schedule: Schedule): Promise<string[]> {
    const broken = (await ask(target, (sql) => runChecks(sql))).filter(({ passed }) => !passed);
    const violations = broken.map(
        ({ name, sampleRows, error }) => `check ${name}: ${JSON.stringify(sampleRows)} ${error ?? ""}`,
    );
    const readLeft = () =>
        ask(
            target,
            (sql) => sql<{ what: string; count: number }[]>`
                select 'loads in progress' as what, count(*) as count from ingest.loads where state = 'loading'
                union all
                select 'rows in staging', count(*) from ingest.staging
                union all
                select 'open chunks', count(*) from ingest.chunks where state in ('staged', 'pending', 'held')
                union all
                select 'open files', count(*) from ingest.files where state in ('pending', 'loaded')
                union all
                select 'workers', count(*) from ingest.workers
                union all
                select 'leases', count(*) from ingest.loader_lease where worker_id is not null
                union all
                select 'backends', count(*)
                from pg_stat_activity
                where
                    datname = current_database()
                    and application_name like 'sluice-%'
                    and application_name <> 'sluice-api'
                union all
                select 'locks', count(*)
                from pg_locks
                inner join pg_stat_activity using (pid)
                where
                    pg_stat_activity.datname = current_database()
                    and pg_stat_activity.application_name like 'sluice-%'
                    and pg_stat_activity.application_name <> 'sluice-api'
                union all
                select 'prepared transactions', count(*) from pg_prepared_xacts
                union all
                select 'temporary files of the server', count(*) from pg_ls_tmpdir()`,
        );
    // What a lost connection had begun ends on its own, a moment later.
    let left = await readLeft();
    for (let turn = 0; turn < 100 && left.some(({ count }) => count > 0); turn += 1) {
        await Bun.sleep(50);
        left = await readLeft();
    }
    for (const { what, count } of left) if (count > 0) violations.push(`${count} ${what} are left`);
    for (const name of readdirSync(inputDir)) {
        if (!schedule.history.has(name)) violations.push(`${name} is left in the folder`);
    }
    return violations;
}

async function readSteps(target: World["target"]): Promise<number> {
    const [row] = await ask(
        target,
        (sql) => sql<{ steps: number }[]>`
            select (select count(*) from ingest.loads) + (select count(*) from ingest.batches) as steps`,
    );
    return row!.steps;
}

function writeDetails(folder: string, schedule: Schedule, ledger: LedgerRows | null, said: string): string {
    const steps = schedule.steps.map(({ action, ...when }) => {
        const { content, ...rest } = action as Action & { content?: { bytes: Buffer } };
        return { ...when, ...rest, ...(content ? { contentBytes: content.bytes.length } : {}) };
    });
    writeFileSync(join(folder, "schedule.json"), JSON.stringify({ ...schedule, history: undefined, steps }, null, 1));
    writeFileSync(join(folder, "ledger.json"), JSON.stringify(ledger, null, 1));
    writeFileSync(join(folder, "workers.log"), said);
    return folder;
}
