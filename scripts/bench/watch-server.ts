/**
 * Measures what a run costs the server: CPU seconds by role, WAL, temporary files.
 *
 * CPU is read from /proc, for a server on this Linux machine only; elsewhere it is null. A backend that ends between two
 * looks is in the postmaster's sum of its ended children, so the total is complete; `unseen` is the part that no look saw.
 */
import { readFileSync } from "node:fs";
import type { Sql } from "../../src/database/connect.ts";

export interface ServerUse {
    cpu: ServerCpu | null;
    walBytes: number;
    tempBytes: number;
}

const cpuFields = [
    // Backends that COPY for Sluice.
    "copy",
    // Sluice's other backends: nearly all of it is the merge.
    "merge",
    // Backends of a yardstick, or of the insert of ready rows.
    "yardstick",
    "checkpointer",
    "walWriter",
    "backgroundWriter",
    "autovacuum",
    "ioWorkers",
    "otherBackends",
    "unseen",
] as const;

/** Seconds. */
export type ServerCpu = Record<(typeof cpuFields)[number], number>;

export const yardstickName = "bench-yardstick";
const sampleMs = 50;
/** Linux counts in hundredths of a second everywhere that Bun runs. */
const ticksPerSecond = 100;

type Role = Exclude<keyof ServerCpu, "unseen">;

interface Backend {
    pid: number;
    type: string;
    applicationName: string;
}

/**
 * Watches the whole server until `stop` is called: nothing else should be at work on it. `admin` has one connection, whose
 * own CPU is left out; `databaseName` is the database whose temporary files count.
 */
export async function watchServer(admin: Sql, databaseName: string): Promise<{ stop(): Promise<ServerUse> }> {
    const [{ pid: ownPid }] = await admin<[{ pid: number }]>`select pg_backend_pid() as pid`;
    const postmaster = findPostmaster(ownPid);
    const startedWith = new Map<number, number>();
    const latest = new Map<number, { role: Role; seconds: number }>();
    const look = async () => {
        const backends = await admin<Backend[]>`
            select pid, backend_type as type, coalesce(application_name, '') as "applicationName"
            from pg_stat_activity`;
        for (const backend of backends) {
            const seconds = backend.pid === ownPid ? null : cpuSecondsOf(backend.pid);
            if (seconds !== null) latest.set(backend.pid, { role: roleOf(backend), seconds });
        }
    };
    const before = await readCounters(admin, databaseName);
    await look();
    for (const [pid, { seconds }] of latest) startedWith.set(pid, seconds);
    const ownBefore = cpuSecondsOf(ownPid) ?? 0;
    const endedBefore = postmaster === null ? 0 : endedSecondsOf(postmaster);
    let isStopped = false;
    const watching = (async () => {
        while (!isStopped && postmaster !== null) {
            await look().catch(() => {});
            await Bun.sleep(sampleMs);
        }
    })();
    return {
        async stop() {
            isStopped = true;
            await watching;
            await look();
            const cpu = Object.fromEntries(cpuFields.map((field) => [field, 0])) as unknown as ServerCpu;
            let liveSeconds = (cpuSecondsOf(ownPid) ?? 0) - ownBefore;
            for (const [pid, { role, seconds }] of latest) {
                cpu[role] += seconds - (startedWith.get(pid) ?? 0);
                const isAlive = cpuSecondsOf(pid) !== null;
                // A process that ended since the first look is counted whole by the postmaster: its start is subtracted.
                liveSeconds += isAlive ? seconds - (startedWith.get(pid) ?? 0) : -(startedWith.get(pid) ?? 0);
            }
            const seen = sumOf(cpu) + (cpuSecondsOf(ownPid) ?? 0) - ownBefore;
            const total = liveSeconds + (postmaster === null ? 0 : endedSecondsOf(postmaster) - endedBefore);
            cpu.unseen = Math.max(0, total - seen);
            const after = await readCounters(admin, databaseName);
            return {
                cpu: postmaster === null ? null : cpu,
                walBytes: after.walBytes - before.walBytes,
                tempBytes: after.tempBytes - before.tempBytes,
            };
        },
    };
}

function sumOf(cpu: ServerCpu): number {
    return Object.values(cpu).reduce((sum, seconds) => sum + seconds, 0);
}

/** The server's own processes, without the backends of clients. */
export function serverSeconds(cpu: ServerCpu): number {
    return cpu.checkpointer + cpu.walWriter + cpu.backgroundWriter + cpu.autovacuum + cpu.ioWorkers;
}

const roleOfType: Record<string, Role> = {
    checkpointer: "checkpointer",
    walwriter: "walWriter",
    "background writer": "backgroundWriter",
    "autovacuum launcher": "autovacuum",
    "autovacuum worker": "autovacuum",
    "io worker": "ioWorkers",
};

function roleOf({ type, applicationName }: Backend): Role {
    const role = roleOfType[type];
    if (role !== undefined) return role;
    if (applicationName.startsWith(yardstickName)) return "yardstick";
    if (!applicationName.startsWith("sluice")) return "otherBackends";
    return applicationName.endsWith("-copy") ? "copy" : "merge";
}

/** User and system time of a process so far; null when it is gone, or no process of this machine. */
export function cpuSecondsOf(pid: number): number | null {
    const fields = statOf(pid);
    return fields === null ? null : (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** User and system time of the children that have ended. */
function endedSecondsOf(pid: number): number {
    const fields = statOf(pid);
    return fields === null ? 0 : (Number(fields[13]) + Number(fields[14])) / ticksPerSecond;
}

/** The parent of a backend. Null when the pid is that of another machine: then it is no postgres, or nothing. */
function findPostmaster(backendPid: number): number | null {
    const fields = statOf(backendPid);
    if (fields === null || !readFileSync(`/proc/${backendPid}/comm`, "utf8").startsWith("postgres")) return null;
    return Number(fields[1]);
}

/** The fields of /proc/PID/stat from the third (the state) on. */
function statOf(pid: number): string[] | null {
    try {
        return readFileSync(`/proc/${pid}/stat`, "utf8")
            .replace(/^.*\) /s, "")
            .split(" ");
    } catch {
        return null;
    }
}

async function readCounters(admin: Sql, databaseName: string): Promise<{ walBytes: number; tempBytes: number }> {
    const [row] = await admin<{ walBytes: number; tempBytes: number }[]>`
        select
            (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint as "walBytes",
            (select temp_bytes from pg_stat_database where datname = ${databaseName})::bigint as "tempBytes"`;
    return row!;
}
