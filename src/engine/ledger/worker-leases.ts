/** The statements with which a worker says that it lives, and takes the right to load. */
import type { Sql } from "../../database/connect.ts";

/** Where the workers of a process are. */
export interface WorkerPlace {
    host: string;
    pid: number;
    inputDir: string;
}

/** A worker of one of these streams (null: of any) that is on this host and at work on another folder. */
export async function findOtherFolder(
    sql: Sql,
    host: string,
    inputDir: string,
    streamIds: number[] | null,
): Promise<{ pid: number; inputDir: string } | undefined> {
    const [other] = await sql<{ pid: number; inputDir: string }[]>`
        select pid, input_dir as "inputDir"
        from ingest.workers
        where
            lease_until > clock_timestamp()
            and host = ${host}
            and input_dir <> ${inputDir}
            and (${streamIds}::smallint[] is null or stream_id = any(${streamIds}::smallint[]))
        limit 1`;
    return other;
}

/** One worker's part of a heartbeat. `report` is for status. */
export interface Beat {
    streamId: number;
    workerId: string;
    report: object;
    mark: string;
}

export interface Renewed {
    workerId: string;
    /** The mark that this one replaces; null when the ledger does not know the worker. */
    previousMark: string | null;
    serverStartedAt: string;
    /** Whether the worker loads its stream now. */
    isLoader: boolean;
}

/** Says that the workers live, and takes the right to load where nobody else has it. */
export async function renewWorkers(
    sql: Sql,
    { host, pid, inputDir }: WorkerPlace,
    leaseMs: number,
    beats: Beat[],
): Promise<Renewed[]> {
    return await sql<Renewed[]>`
        select
            worker_id::text as "workerId",
            previous_mark::text as "previousMark",
            server_started_at::text as "serverStartedAt",
            is_loader as "isLoader"
        from ingest.renew_workers(
            ${JSON.stringify(beats)}::text::jsonb, ${host}, ${pid}, ${inputDir},
            ${leaseMs}::float8 * interval '1 millisecond'
        )`;
}

/** Whether the worker loads the stream now. */
export async function takeLoaderLease(sql: Sql, streamId: number, workerId: string, leaseMs: number): Promise<boolean> {
    const [row] = await sql<{ taken: boolean }[]>`
        select ingest.take_loader_lease(
            ${streamId}::smallint, ${workerId}, ${leaseMs}::float8 * interval '1 millisecond'
        ) as taken`;
    return row!.taken;
}

export async function retireWorkers(sql: Sql, workerIds: string[]): Promise<void> {
    await sql`select ingest.retire_worker(worker_id) from unnest(${workerIds}::uuid[]) as workers (worker_id)`;
}
