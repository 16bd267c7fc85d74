/**
 * The one connection on which loads are opened and their rows copied, so that the ledger knows the very backend that
 * writes them. After any failure it is closed: the next load gets a new backend, and the old one can be terminated.
 * It is reserved, or the driver would open another one in silence for the COPY of a load whose backend has been ended:
 * by a worker that took over while this process was frozen, and has swept the load by then.
 */
import type { ReservedSQL, SQL } from "bun";
import { connectForCopy, locate } from "../../database/connect.ts";
import { copyRows } from "../../database/copy-rows.ts";
import type { DatabaseTarget } from "../../database/database-target.ts";

interface OpenedLoad {
    loadId: number;
    chunkIds: number[];
    /** The partition of staging to copy into. */
    lane: number;
}

export type CopyConnection = ReturnType<typeof createCopyConnection>;

export function createCopyConnection(target: DatabaseTarget, applicationName: string) {
    let client: SQL | null = null;
    let connection: ReservedSQL | null = null;
    /** Gives the backend up, whatever it is doing. */
    const discard = async (): Promise<void> => {
        const discarded = client;
        client = null;
        connection = null;
        await discarded?.close({ timeout: 0 }).catch(() => {});
    };
    const connected = async (): Promise<ReservedSQL> => {
        client ??= connectForCopy(await locate(target), { applicationName });
        connection ??= await client.reserve();
        return connection;
    };
    const begin = async (
        streamId: number,
        workerId: string,
        way: string,
        chunkCount: number,
        besideLoad: number | null,
    ): Promise<OpenedLoad> => {
        const [row] = await (await connected())`
                select
                    load_id::text as "loadId",
                    array_to_json(chunk_ids)::text as "chunkIds",
                    lane
                from ingest.begin_load(
                    ${streamId}::smallint, ${workerId}::text::uuid, ${way}, ${chunkCount}, ${besideLoad}::bigint
                )`;
        return { loadId: Number(row.loadId), chunkIds: JSON.parse(row.chunkIds), lane: Number(row.lane) };
    };
    return {
        /**
         * Writes the load into the ledger and reserves ids for its chunks. Throws SL001 without the loader's lease. Any other
         * load of the worker has failed, but for `besideLoad`.
         */
        async beginLoad(
            streamId: number,
            workerId: string,
            way: string,
            chunkCount: number,
            besideLoad: number | null = null,
        ): Promise<OpenedLoad> {
            try {
                return await begin(streamId, workerId, way, chunkCount, besideLoad);
            } catch (error) {
                await discard();
                throw error;
            }
        },
        /** Runs one COPY … FROM STDIN to its end. */
        async copy(statement: string, source: AsyncIterable<Uint8Array>): Promise<void> {
            await copyRows(await connected(), statement, source);
        },
        /** A direct load: the COPY and, behind it, `end`, in one transaction. A failure leaves it open: discard. */
        async copyWith<Result>(
            streamId: number,
            statement: string,
            source: AsyncIterable<Uint8Array>,
            end: (sql: ReservedSQL) => Promise<Result>,
        ): Promise<Result> {
            const sql = await connected();
            await sql
                .unsafe(`begin isolation level read committed; select ingest.begin_direct_load(${streamId}::smallint)`)
                .simple();
            await copyRows(sql, statement, source);
            const result = await end(sql);
            await sql.unsafe("commit").simple();
            return result;
        },
        discard,
    };
}
