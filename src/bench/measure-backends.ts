/**
 * CPU seconds of Postgres backends, by who used them: read from /proc while they live, so for a server on this Linux
 * machine only (elsewhere the answer is null). A backend's last interval, up to a sampling pause, is not seen.
 */
import { readFileSync } from "node:fs";
import type { Sql } from "../database/connect.ts";

export interface BackendCpu {
    /** Backends that COPY, and those that merge or do anything else. */
    copySeconds: number;
    otherSeconds: number;
}

const sampleMs = 100;
/** Linux counts in hundredths of a second everywhere that Bun runs. */
const ticksPerSecond = 100;

/** Watches the backends of `databaseName` whose application name begins with `prefix`, until `stop` is called. */
export function watchBackends(sql: Sql, databaseName: string, prefix: string): { stop(): Promise<BackendCpu | null> } {
    const secondsByPid = new Map<number, { isCopy: boolean; seconds: number }>();
    let isStopped = false;
    let isReadable = true;
    const sample = async () => {
        const rows = await sql<{ pid: number; isCopy: boolean }[]>`
            select pid, application_name like '%-copy' as "isCopy"
            from pg_stat_activity
            where datname = ${databaseName} and application_name like ${`${prefix}%`}`;
        for (const { pid, isCopy } of rows) {
            const seconds = cpuSecondsOf(pid);
            if (seconds === null) isReadable = false;
            else secondsByPid.set(pid, { isCopy, seconds });
        }
    };
    const watching = (async () => {
        while (!isStopped) {
            await sample().catch(() => {});
            await Bun.sleep(sampleMs);
        }
    })();
    return {
        async stop() {
            isStopped = true;
            await watching;
            if (!isReadable && secondsByPid.size === 0) return null;
            const sum = (wanted: boolean) =>
                [...secondsByPid.values()].reduce(
                    (total, { isCopy, seconds }) => total + (isCopy === wanted ? seconds : 0),
                    0,
                );
            return { copySeconds: sum(true), otherSeconds: sum(false) };
        },
    };
}

/** User and system time of a process so far; null when it cannot be read. */
export function cpuSecondsOf(pid: number): number | null {
    try {
        const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
            .replace(/^.*\) /s, "")
            .split(" ");
        return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
    } catch {
        return null;
    }
}
