/** Forgets what was ingested, of all streams or of one. The transaction is the SQL function ingest.reset (sql/engine/reset.sql). */
import type { Sql } from "../database/connect.ts";
import { type KeptTable, keptTables } from "./kept-tables.ts";
import { inUseUnless, type RunningIngest, refuseWhileRunning } from "./refuse-while-running.ts";
import { readStatus } from "./status/read-status.ts";
import type { KnownStream } from "./streams/read-streams.ts";

/** How much of it there is. */
export interface ResetPlan {
    databaseName: string;
    /** Null: of all streams. */
    stream: string | null;
    /** The table that is emptied, with its rows; null: none is. */
    table: string | null;
    events: number;
    /** Rejected records and conflicts. */
    rejects: number;
    files: number;
    batches: number;
    /** Records that are staged and not merged. */
    stagedRecords: number;
    /** Tables that Sluice did not make. */
    kept: KeptTable[];
}

/** Counts what a reset would clear now. Throws SluiceError `ingest_running` when it would be refused. */
export async function planReset(sql: Sql, stream: KnownStream | null = null): Promise<ResetPlan> {
    const streamId = stream?.streamId ?? null;
    const status = await readStatus(sql, streamId);
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
                where reject_stats.reason = '' and (${streamId}::smallint is null or reject_stats.stream_id = ${streamId})
            ) as rejects,
            (
                select coalesce(sum(pruned_totals.batches), 0)::bigint
                from ingest.pruned_totals
                where ${streamId}::smallint is null or pruned_totals.stream_id = ${streamId}
            ) as "prunedBatches"`;
    const isEmptied = stream === null || stream.home === "ingest";
    return {
        databaseName,
        stream: stream?.name ?? null,
        table: isEmptied ? table : null,
        events: isEmptied ? status.events : 0,
        rejects: kept!.rejects,
        files: Object.values(files).reduce((sum, count) => sum + count, 0),
        batches: totals.batches - kept!.prunedBatches,
        stagedRecords: backlog.stagedRecords,
        kept: await keptTables(sql, stream),
    };
}

/**
 * Clears the rows, rejects, ledger, rollups and staging, all or nothing; of one stream, or of all with null.
 * Throws SluiceError, having changed nothing: `ingest_running`, or `tables_in_use` when somebody holds them for long.
 */
export async function resetDatabase(sql: Sql, streamId: number | null = null): Promise<void> {
    refuseWhileRunning(
        await inUseUnless(
            () => sql<RunningIngest[]>`
                select worker_host as "host", worker_pid as "pid", lease_seconds as "leaseSeconds"
                from ingest.reset(${streamId}::smallint)`,
        ),
    );
}
