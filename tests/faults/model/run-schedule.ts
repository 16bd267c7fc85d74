/**
 * One seed: does what the schedule says, to a real folder, real workers and a real server; then leaves them alone, waits
 * until they have converged by themselves, and holds what they left to the model and to the invariants.
 */
import { expect } from "bun:test";
import {
    appendFileSync,
    closeSync,
    mkdirSync,
    mkdtempSync,
    openSync,
    renameSync,
    rmSync,
    statSync,
    truncateSync,
    writeFileSync,
    writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sql } from "../../../src/database/connect.ts";
import { type DatabaseTarget, makeTarget } from "../../../src/database/database-target.ts";
import { countFolder } from "../../support/count-records.ts";
import { openDatabaseProxy } from "../../support/database-proxy.ts";
import { ingestOnce } from "../../support/ingest-process.ts";
import { ask, countRows, type OwnServer } from "../../support/own-server.ts";
import { countSteps, expectOracle, expireLeases, findDisorder, readFileStates } from "../../support/read-tables.ts";
import { projectDir } from "../../support/test-server.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { holdToModel } from "./hold-to-model.ts";
import { type OpenInbox, openFolder } from "./inboxes.ts";
import type { Action, Schedule } from "./make-schedule.ts";
import { type LedgerRows, readLedger } from "./read-ledger.ts";
import { strike, type World } from "./strike.ts";
import { watchNumbers } from "./watch-numbers.ts";
import { createWorkers, findLeftProcesses } from "./workers.ts";

export interface RunReport {
    seed: number;
    kind: Schedule["kind"];
    /** Faults that struck something, by kind. */
    faults: Record<string, number>;
    files: number;
    records: number;
    /** Answers of the API that were held against the tables. */
    comparedAnswers: number;
    violations: string[];
    /** The folder with schedule, ledger and messages of the workers, if the run failed. */
    details: string | null;
}

/** The streams of a run beside events, if it has any: tests/faults/streams. */
export interface StreamsBeside {
    owns(path: string): boolean;
    /** Makes their tables, before any worker is there, and in `folder` the declarations by which an ingest knows them. */
    prepare(target: DatabaseTarget, folder: string, schedule: Schedule): Promise<void>;
    /** What the engine has still to do when all files are merged. */
    findOpen(sql: Sql): Promise<string[]>;
    /** What a run has left, against the model; and how many records of theirs were read. */
    hold(schedule: Schedule, sql: Sql): Promise<{ violations: string[]; read: number }>;
}

/**
 * How long the ledger may stand still, with work left, after the last fault: far longer than any lease or pause between
 * attempts. How long all of it takes is the machine's affair: with thirty processes on two cores a crash takes it a minute.
 */
const mostStillMs = 120_000;
/** The worker that is there at the end, whatever became of the others. */
const watcherSlot = 9;

export async function runSchedule(
    server: OwnServer,
    schedule: Schedule,
    beside: StreamsBeside | null = null,
    openInbox: OpenInbox = openFolder,
): Promise<RunReport> {
    const folder = mkdtempSync(join(tmpdir(), "sluice-model-"));
    const inputDir = join(folder, "input");
    mkdirSync(inputDir);
    const inbox = await openInbox(inputDir);
    const flags = [...schedule.flags, ...inbox.flags];
    const target = await withoutTimeOut(await server.createDatabase());
    await beside?.prepare(target, folder, schedule);
    const cwd = beside ? folder : projectDir;
    // A fault may be the limit of a role, which no superuser has; and an ingest needs no superuser.
    const worker = schedule.kind === "disturbed" ? await makeLoader(target) : target;
    const proxy = await openDatabaseProxy(worker);
    const workers = createWorkers(inbox.input, { mayServerBeAway: schedule.kind === "disturbed" });
    const faults: Record<string, number> = {};
    const readSteps = () => ask(target, countSteps);
    const letWork = async (steps: number, atMostMs = 1_000) => {
        const until = performance.now() + atMostMs;
        const from = await readSteps();
        while (performance.now() < until && (await readSteps()) < from + steps) await Bun.sleep(15);
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
        cwd,
        inbox,
        flags,
    };
    const numbers = watchNumbers(target, () => world.timesBack);
    const keeper = keepServer(server);
    const violations: string[] = [];
    let ledger: LedgerRows | null = null;
    let readBeside = 0;
    try {
        for (const { afterSteps, atMostMs, awaitsReading, action } of schedule.steps) {
            if (afterSteps > 0) await letWork(afterSteps, atMostMs);
            if (awaitsReading && "path" in action) await letRead(world, inputDir, action.path, atMostMs);
            const isDone = await carryOut(world, inputDir, action);
            if ("path" in action) await inbox.settle(action.do === "rename" ? [action.to, action.path] : [action.path]);
            if (isDone && action.do === "strike") faults[action.fault] = (faults[action.fault] ?? 0) + 1;
        }
        await converge(world, schedule, beside);
        await workers.end();
        await waitForLeases(world);
        const last = await ingestOnce(target.url, inbox.input, flags, { cwd, environment: inbox.environment });
        const failed = await countRows(target, "ingest.files where state = 'failed'");
        ledger = await ask(target, readLedger);
        violations.push(...judgeLastRun(last, failed), ...(await findLeavings(world, schedule)));
        violations.push(...holdToModel(withoutBeside(schedule, beside), ledger));
        if (beside) {
            const held = await ask(target, (sql) => beside.hold(schedule, sql));
            violations.push(...held.violations);
            readBeside = held.read;
        } else if (schedule.kind === "undisturbed") {
            await ask(target, (sql) => expectPathOrder(sql, inputDir, schedule));
        }
    } catch (error) {
        violations.push(error instanceof Error ? `${error.message}` : String(error));
        await workers.destroy();
    } finally {
        await keeper.stop();
        await numbers.stop();
        await proxy.close();
        await inbox.close();
    }
    violations.push(...workers.violations, ...numbers.violations, ...findLeftProcesses(inbox.input));
    for (const [name, count] of Object.entries(workers.pointsReached)) faults[`fault point ${name}`] = count;
    ledger ??= await ask(target, readLedger).catch(() => null);
    const report: RunReport = {
        seed: schedule.seed,
        kind: schedule.kind,
        faults,
        files: schedule.history.size,
        records: (ledger?.merges.reduce((sum, { read }) => sum + read, 0) ?? 0) + readBeside,
        comparedAnswers: numbers.compared,
        violations,
        details: violations.length > 0 ? writeDetails(folder, schedule, ledger, workers.said()) : null,
    };
    if (violations.length === 0) rmSync(folder, { recursive: true });
    return report;
}

/** The files of events alone. */
function withoutBeside(schedule: Schedule, beside: StreamsBeside | null): Schedule {
    const history = new Map([...schedule.history].filter(([path]) => !beside?.owns(path)));
    return { ...schedule, history };
}

/** Later settings of the database must not end our own questions; the program finds this out by itself. */
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

async function letRead({ target, workers }: World, inputDir: string, path: string, atMostMs: number): Promise<void> {
    const size = statSync(join(inputDir, path), { throwIfNoEntry: false })?.size ?? 0;
    const until = performance.now() + atMostMs;
    const isRead = async () =>
        (await countRows(target, `ingest.files where path = '${path}' and loaded_bytes = ${size}`)) > 0;
    while (workers.running().length > 0 && performance.now() < until && !(await isRead())) await Bun.sleep(30);
}

/** True unless there was nothing to do it to. */
async function carryOut(world: World, inputDir: string, action: Action): Promise<boolean> {
    const path = "path" in action ? action.path : "";
    const at = join(inputDir, path);
    const isMerged = async (size: number) =>
        (await countRows(
            world.target,
            `ingest.files where path = '${path}' and state = 'merged' and loaded_bytes = ${size}`,
        )) > 0;
    switch (action.do) {
        case "put":
            writeFileSync(join(inputDir, "../next"), action.content.bytes.subarray(0, action.bytes));
            renameSync(join(inputDir, "../next"), at);
            return true;
        case "grow": {
            const size = statSync(at, { throwIfNoEntry: false })?.size ?? 0;
            appendFileSync(at, action.content.bytes.subarray(size, action.bytes));
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
        case "truncate":
            truncateSync(at, action.bytes);
            return true;
        case "rename":
            renameSync(at, join(inputDir, action.to));
            return true;
        case "remove":
            if (await isMerged(statSync(at).size)) rmSync(at);
            return true;
        case "start":
            world.workers.start(action.worker, {
                databaseUrl: action.viaProxy ? world.proxy.target.url : world.workerUrl,
                flags: [...world.flags, "--trigger", action.trigger],
                environment: {
                    ...world.inbox.environment,
                    ...(action.fault !== null && { FAULT_AT: action.fault.at, FAULT_ACTION: action.fault.action }),
                },
                cwd: world.cwd,
            });
            return true;
        case "stop":
            world.workers.stop(action.worker, action.signal);
            return true;
        case "strike":
            return await strike(world, action);
    }
}

/** Starts it again, as a supervisor does. Postmasters die of some fault points, too. */
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
async function converge(world: World, schedule: Schedule, beside: StreamsBeside | null): Promise<void> {
    const { server, workers, target, proxy, isHurried, flags } = world;
    await server.start();
    for (const end of world.toEnd) await end();
    for (let slot = 0; slot < 4; slot += 1) workers.thaw(slot);
    if (isHurried) await ask(target, expireLeases);
    if (schedule.kind === "undisturbed") {
        await waitWhileItWorks(world, schedule, () => (workers.running().length === 0 ? [] : ["the one worker runs"]));
        return;
    }
    // One that meets a server which still recovers says so and ends: then it is started again.
    const supervise = () =>
        workers.start(watcherSlot, {
            databaseUrl: proxy.target.url,
            flags: [...flags, "--trigger", "50ms"],
            environment: world.inbox.environment,
            cwd: world.cwd,
        });
    await waitWhileItWorks(world, schedule, async () => {
        supervise();
        const open = await findOpen(world);
        return open.length > 0 || beside === null ? open : await ask(target, beside.findOpen);
    });
}

/** Until nothing is open. Throws when nothing moves any more, or far more has been done than there was to do. */
async function waitWhileItWorks(
    { target }: World,
    { mostLedgerSteps }: Schedule,
    findOpenWork: () => string[] | Promise<string[]>,
): Promise<void> {
    const first = await ask(target, countSteps);
    let last = first;
    let movedAt = performance.now();
    while (true) {
        const open = await findOpenWork();
        if (open.length === 0) return;
        const steps = await ask(target, countSteps);
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

/** Until the leases of killed workers have run out, the last run cannot strike them off. */
async function waitForLeases({ target, isHurried }: World): Promise<void> {
    if (isHurried) await ask(target, expireLeases);
    await waitUntil("all leases have run out", async () => {
        const leases = ["ingest.workers", "ingest.loader_lease"].map((table) =>
            countRows(target, `${table} where lease_until > clock_timestamp()`),
        );
        return (await Promise.all(leases)).every((rows) => rows === 0);
    });
}

async function findOpen({ target, inbox }: World): Promise<string[]> {
    const rows = await ask(
        target,
        (sql) => sql<{ path: string; state: string; size: number; version: string; left: number }[]>`
            select distinct on (files.path)
                files.path,
                files.state,
                case when files.state in ('merged', 'loaded') then files.loaded_bytes else files.size_bytes end as size,
                coalesce(files.version_tag, files.mtime_ns::text) as version,
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
    const unknown = inbox.list().flatMap(({ name, size, version }) => {
        const row = known.get(name);
        if (!row || row.state === "replaced") return [`${name} is not known`];
        if (row.size !== size) return [`${name} is ${row.state} with ${row.size} of ${size} bytes`];
        // Overwritten in place, it is of the same size.
        return row.version === version ? [] : [`${name} is ${row.state} as of ${row.version}, and is of ${version}`];
    });
    const open = rows.filter(
        ({ state, left }) => !["merged", "skipped", "failed", "replaced"].includes(state) || left > 0,
    );
    return [...unknown, ...open.map(({ path, state, left }) => `${path} is ${state}, ${left} chunks are open`)];
}

/** The reader that only sees the bytes predicts everything of an undisturbed run (promise 10). */
async function expectPathOrder(sql: Sql, inputDir: string, schedule: Schedule): Promise<void> {
    const oracle = countFolder(inputDir, schedule);
    await expectOracle(sql, oracle);
    const states = Object.entries(await readFileStates(sql)).map(([path, state]) => [path, state.split(" ")[0]]);
    expect(states).toEqual(oracle.files.map(({ file, state }) => [file, state]));
}

function judgeLastRun(
    { exitCode, summary, stderr }: Awaited<ReturnType<typeof ingestOnce>>,
    failedFiles: number,
): string[] {
    const violations: string[] = [];
    // 5: nothing failed in this run, and files of earlier ones stand failed.
    if (exitCode !== (failedFiles > 0 ? 5 : 0)) violations.push(`a last run ended with ${exitCode}: ${stderr}`);
    if (summary?.records.read !== 0) violations.push(`a last run still read ${summary?.records.read} records`);
    if (summary?.retried) violations.push(`a last run still replayed ${summary.retried.read} rejects`);
    return violations;
}

/** Nothing to tidy up, in the database (promise 8), on the server or in the folder. */
async function findLeavings({ target, inbox }: World, schedule: Schedule): Promise<string[]> {
    const disorder = await ask(target, findDisorder);
    const others = ["ingest.chunks where state = 'held'", "pg_prepared_xacts", "pg_ls_tmpdir()"];
    for (const other of others) {
        const rows = await countRows(target, other);
        if (rows > 0) disorder.push(`${rows} of ${other} are left`);
    }
    const names = (await inbox.names()).filter((name) => !schedule.history.has(name));
    return [...disorder, ...names.map((name) => `${name} is left in the inbox`)];
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
