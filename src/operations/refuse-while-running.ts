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
    // A process is a worker of each of its streams.
    const names = [...new Set(running.map(({ host, pid }) => `pid ${pid} on ${host}`))].join(", ");
    const leaseMs = Math.max(...running.map(({ leaseSeconds }) => leaseSeconds)) * 1000;
    throw new SluiceError({
        code: "ingest_running",
        what: `An ingest is running (${names}); nothing was changed.`,
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
            what: "Another session has locked the tables; nothing was changed.",
            remedy: "Wait until it ends, or end it (pg_stat_activity shows it), then try again.",
            cause: error,
        });
    }
}
