/**
 * The one connection on which loads are opened and their rows copied, so that the ledger knows the very backend that
 * writes them. After any failure it is closed: the next load gets a new backend, and the old one can be terminated.
 */
import type { SQL } from "bun";
import { connectForCopy } from "../database/connect.ts";
import { copyRows } from "../database/copy-rows.ts";
import type { DatabaseTarget } from "../database/database-target.ts";

export interface OpenedLoad {
    loadId: number;
    chunkIds: number[];
    /** The partition of staging to copy into. */
    lane: number;
}

export interface CopyConnection {
    /** Writes the load into the ledger and reserves ids for its chunks. Throws SL001 without the loader's lease. */
    beginLoad(workerId: string, way: string, chunkCount: number): Promise<OpenedLoad>;
    /** Runs one COPY … FROM STDIN to its end. */
    copy(statement: string, source: AsyncIterable<Uint8Array>): Promise<void>;
    /** Gives the backend up, whatever it is doing. */
    discard(): Promise<void>;
}

export function createCopyConnection(target: DatabaseTarget, applicationName: string): CopyConnection {
    let client: SQL | null = null;
    const connected = (): SQL => {
        client ??= connectForCopy(target, { applicationName });
        return client;
    };
    return {
        async beginLoad(workerId, way, chunkCount) {
            const [row] = await connected()`
                select
                    load_id::text as "loadId",
                    array_to_json(chunk_ids)::text as "chunkIds",
                    lane
                from ingest.begin_load(${workerId}::text::uuid, ${way}, ${chunkCount})`;
            return { loadId: Number(row.loadId), chunkIds: JSON.parse(row.chunkIds), lane: Number(row.lane) };
        },
        copy: (statement, source) => copyRows(connected(), statement, source),
        async discard() {
            const discarded = client;
            client = null;
            await discarded?.close({ timeout: 0 }).catch(() => {});
        },
    };
}
