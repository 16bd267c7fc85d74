/** The statements with which a worker says that it lives, and takes the right to load. */
import type { Sql } from "../../database/connect.ts";

/** Where a worker is. */
export interface WorkerPlace {
    workerId: string;
    host: string;
    pid: number;
    inputDir: string;
}

/** A worker of this host that is at work on another folder. */
export async function findOtherFolder(
    sql: Sql,
    host: string,
    inputDir: string,
): Promise<{ pid: number; inputDir: string } | undefined> {
    const [other] = await sql<{ pid: number; inputDir: string }[]>`
        select pid, input_dir as "inputDir"
        from ingest.workers
        where lease_until > clock_timestamp() and host = ${host} and input_dir <> ${inputDir}
        limit 1`;
    return other;
}

/**
 * `report` is JSON, for status. Returns the mark that it replaces (null when the ledger does not know the worker) and
 * since when the server runs.
 */
export async function renewWorker(
    sql: Sql,
    { workerId, host, pid, inputDir }: WorkerPlace,
    leaseMs: number,
    report: string,
    mark: string,
): Promise<{ previousMark: string | null; serverStartedAt: string }> {
    const [row] = await sql<{ previousMark: string | null; serverStartedAt: string }[]>`
        select previous_mark::text as "previousMark", server_started_at::text as "serverStartedAt"
        from ingest.renew_worker(
            ${workerId}, ${host}, ${pid}, ${inputDir},
            ${leaseMs}::float8 * interval '1 millisecond', ${report}::text::jsonb, ${mark}::text::uuid
        )`;
    return row!;
}

/** Whether the worker loads the stream now. */
export async function takeLoaderLease(sql: Sql, streamId: number, workerId: string, leaseMs: number): Promise<boolean> {
    const [row] = await sql<{ taken: boolean }[]>`
        select ingest.take_loader_lease(
            ${streamId}::smallint, ${workerId}, ${leaseMs}::float8 * interval '1 millisecond'
        ) as taken`;
    return row!.taken;
}

export async function retireWorker(sql: Sql, workerId: string): Promise<void> {
    await sql`select ingest.retire_worker(${workerId})`;
}
