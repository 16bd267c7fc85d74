/** What cannot be done while an ingest is at work, or somebody holds the tables. */
import type { Sql } from "../database/connect.ts";
import { sqlStateOf, sqlStates } from "../database/sql-states.ts";
import { SluiceError } from "../errors.ts";
import { formatDuration } from "../terminal/format.ts";

export interface IngestProcess {
    host: string;
    pid: number;
}

export interface RunningIngest extends IngestProcess {
    leaseSeconds: number;
}

/** `pid 7 on db1, pid 8 on db2`. A process is a worker of each of its streams. */
export function namesOf(running: readonly IngestProcess[]): string {
    return [...new Set(running.map(({ host, pid }) => `pid ${pid} on ${host}`))].join(", ");
}

export async function readRunning(sql: Sql): Promise<IngestProcess[]> {
    return await sql<IngestProcess[]>`
        select distinct host, pid
        from ingest.workers
        where lease_until > clock_timestamp()
        order by host, pid`;
}

/** @throws SluiceError ingest_running */
export function refuseWhileRunning(running: readonly RunningIngest[]): void {
    if (running.length === 0) return;
    const leaseMs = Math.max(...running.map(({ leaseSeconds }) => leaseSeconds)) * 1000;
    throw new SluiceError({
        code: "ingest_running",
        what: `An ingest is running (${namesOf(running)}); nothing was changed.`,
        remedy: `Stop it first. If it was killed, its lease runs out in ${formatDuration(Math.max(leaseMs, 1000))}.`,
    });
}

/** @throws SluiceError tables_in_use */
export async function inUseUnless<Done>(run: () => PromiseLike<Done>): Promise<Done> {
    try {
        return await run();
    } catch (error) {
        if (sqlStateOf(error) !== sqlStates.lockNotAvailable) throw error;
        throw new SluiceError({
            code: "tables_in_use",
            what: "Another session holds the tables; nothing was changed.",
            remedy: "Wait for what runs on this database (pg_stat_activity shows it), or end it, and try again.",
            cause: error,
        });
    }
}
