/** Forgets everything that was ingested. The transaction is the SQL function ingest.reset (sql/engine/reset.sql). */
import type { Sql } from "../database/connect.ts";
import { sqlStateOf, sqlStates } from "../database/sql-states.ts";
import { SluiceError } from "../errors.ts";
import { formatDuration } from "../terminal/format.ts";
import { readStatus } from "./status/read-status.ts";

/** How much of it there is. */
export interface ResetPlan {
    databaseName: string;
    table: string;
    events: number;
    /** Rejected records and conflicts. */
    rejects: number;
    files: number;
    batches: number;
    /** Records that are staged and not merged. */
    stagedRecords: number;
}

interface RunningIngest {
    host: string;
    pid: number;
    leaseSeconds: number;
}

/** Counts what a reset would clear now. Throws SluiceError `ingest_running` when it would be refused. */
export async function planReset(sql: Sql): Promise<ResetPlan> {
    const status = await readStatus(sql);
    const { asOf, databaseName, table, totals, files, backlog, workers } = status;
    refuseWhileRunning(
        workers.map(({ host, pid, leaseUntil }) => {
            return { host, pid, leaseSeconds: (Date.parse(leaseUntil) - Date.parse(asOf)) / 1000 };
        }),
    );
    // The totals of status are of all time.
    const [kept] = await sql<{ rejects: number; prunedBatches: number }[]>`
        select
            (
                select coalesce(sum(reject_stats.rejects), 0)::bigint
                from ingest.reject_stats
                where reject_stats.reason = ''
            ) as rejects,
            (select coalesce(sum(pruned_totals.batches), 0)::bigint from ingest.pruned_totals) as "prunedBatches"`;
    return {
        databaseName,
        table,
        events: status.events,
        rejects: kept!.rejects,
        files: Object.values(files).reduce((sum, count) => sum + count, 0),
        batches: totals.batches - kept!.prunedBatches,
        stagedRecords: backlog.stagedRecords,
    };
}

/**
 * Clears the rows, rejects, ledger, rollups and staging, all or nothing.
 * Throws SluiceError, having changed nothing: `ingest_running`, or `tables_in_use` when somebody holds them for long.
 */
export async function resetDatabase(sql: Sql): Promise<void> {
    try {
        refuseWhileRunning(
            await sql<RunningIngest[]>`
                select worker_host as "host", worker_pid as "pid", lease_seconds as "leaseSeconds" from ingest.reset()`,
        );
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

function refuseWhileRunning(running: readonly RunningIngest[]): void {
    if (running.length === 0) return;
    const names = running.map(({ host, pid }) => `pid ${pid} on ${host}`).join(", ");
    const leaseMs = Math.max(...running.map(({ leaseSeconds }) => leaseSeconds)) * 1000;
    throw new SluiceError({
        code: "ingest_running",
        what: `An ingest is running (${names}); nothing was changed.`,
        remedy: `Stop it first. If it was killed, its lease runs out in ${formatDuration(Math.max(leaseMs, 1000))}.`,
    });
}
