/**
 * Faults on demand: `FAULT_AT=in-merge:2 FAULT_ACTION=kill bun run ingest`. For tests of what a crash leaves behind.
 *
 * Inert without a plan: a point is then one comparison, in SQL one look at a setting per merge. A plan strikes once in
 * the life of a process, and says so on stderr first, so that nobody wonders.
 */
import { writeSync } from "node:fs";
import { readParentPid } from "../../terminal/stop-signals.ts";
import { connect, type Sql } from "../connect.ts";
import type { DatabaseTarget } from "../database-target.ts";
import { isConnectionFault } from "../sql-states.ts";
import { type FaultAction, type FaultPlan, type FaultPoint, type FaultPointName, faultPoints } from "./fault-points.ts";

let plan: FaultPlan | null = null;
let target: DatabaseTarget | null = null;
let applicationName = "";
let passes = 0;

/** Called once by a command, with what config.ts read. */
export function planFault(wanted: FaultPlan | null): void {
    plan = wanted;
}

/** The database whose backends and server the actions strike. */
export function aimFaults(at: DatabaseTarget): void {
    target = at;
}

/** Further options of a connection on which points in SQL are passed; none without a plan. */
export function faultSettings(name: string): { settings?: Record<string, string>; onNotice?: (line: string) => void } {
    if (plan === null) return {};
    applicationName = name;
    return {
        settings: { "sluice.fault_at": `${plan.at}:${plan.pass}` },
        onNotice: (line) => void strikeOnNotice(line),
    };
}

/** Marks a point. Resolves at once unless the plan names it. Throws AnswerLost at the points that lose answers. */
export function passFaultPoint(name: FaultPointName): Promise<void> | undefined {
    if (plan?.at !== name) return undefined;
    passes += 1;
    return passes === plan.pass ? strike(plan) : undefined;
}

/** The same point in a script of SQL that may run before our functions are there; nothing without a plan. */
export function faultPointText(name: FaultPointName): string[] {
    if (plan?.at !== name) return [];
    return [`do $$ begin raise notice '${noticePrefix}${name}:%', pg_backend_pid(); perform pg_sleep(1); end $$`];
}

/** As the drivers say it of a connection that ended before the answer came. */
class AnswerLost extends Error {
    override readonly name = "AnswerLost";
    readonly code = "CONNECTION_CLOSED";
}

/** `sluice fault point in-merge:4711`, with the backend's pid: see sql/engine/fault_points.sql. */
const noticePrefix = "sluice fault point ";
/** How long a frozen process or a server that was killed is given until the rest of this process goes on. */
const pauseMs = 100;

let hasStruckInSql = false;

async function strikeOnNotice(line: string): Promise<void> {
    if (plan === null || hasStruckInSql || !line.startsWith(`${noticePrefix}${plan.at}:`)) return;
    hasStruckInSql = true;
    await act(plan, [Number(line.slice(line.lastIndexOf(":") + 1))]);
}

async function strike(wanted: FaultPlan): Promise<void> {
    const { losesAnswer }: FaultPoint = faultPoints[wanted.at];
    await act(wanted, null);
    if (losesAnswer) throw new AnswerLost("A fault on demand: the answer was lost.");
}

/** `pids`: the backends in use, when the point knows them. */
async function act({ at, pass, action }: FaultPlan, pids: number[] | null): Promise<void> {
    // Not process.stderr: into a pipe it writes later, so perhaps never.
    writeSync(2, `Fault point ${at}:${pass} is reached: ${action}.\n`);
    if (action === "kill") process.kill(process.pid, "SIGKILL");
    else if (action === "freeze") process.kill(process.pid, "SIGSTOP");
    else {
        await strikeServer(action, at, pids).catch((error: unknown) => {
            // Another process struck the server first; it is down or starting, so this strike has no target.
            if (!isConnectionFault(error)) throw error;
        });
    }
    await Bun.sleep(pauseMs);
}

async function strikeServer(action: FaultAction, at: FaultPointName, known: number[] | null): Promise<void> {
    if (target === null) throw new Error(`There is no database yet at the fault point ${at}.`);
    const sql = connect(target, { applicationName: "sluice fault", max: 1 });
    try {
        const pids = known ?? (await backendsInUse(sql, faultPoints[at].backend));
        if (action === "terminate-backend") {
            await sql`select pg_terminate_backend(pid, 5000) from unnest(${pids}::integer[]) as backends (pid)`;
        } else {
            const [own] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
            const victim = action === "kill-backend" ? (pids[0] ?? own!.pid) : readParentPid(own!.pid);
            process.kill(victim, "SIGKILL");
        }
    } finally {
        await sql.end({ timeout: 0 }).catch(() => {});
    }
}

/** The backends of this process's own connections, the busy ones first. */
async function backendsInUse(sql: Sql, kind: FaultPoint["backend"]): Promise<number[]> {
    const name = kind === "copy" ? `${applicationName}-copy` : applicationName;
    const backends = await sql<{ pid: number }[]>`
        select pid
        from pg_stat_activity
        where application_name = ${name} and datname = current_database()
        order by state = 'active' desc, state_change desc`;
    return backends.map(({ pid }) => pid);
}
