/** What a run has left of the streams beside events: their part of the ledger, and their tables. */
import type { Sql } from "../../../src/database/connect.ts";
import { readStreamLedger, type StreamLedger } from "../model/read-ledger.ts";
import { countRow, type ModelStream } from "./model-stream.ts";
import { modelStreams } from "./streams.ts";
import type { Grave } from "./upserts.ts";

/** What an upsert has replaced, deleted or found superseded, as ingest.history keeps it. */
export interface KeptVersion {
    what: string;
    key: string;
    chunkId: number;
    recordNo: number;
    batchId: number;
    record: Record<string, string | null>;
}

/** A merge of a snapshot, in the order of the batches. */
export interface AppliedSnapshot {
    batchId: number;
    finishedAt: Date;
    rowsAfter: number | null;
}

export interface StreamState {
    name: string;
    ledger: StreamLedger;
    /** Key → content, both in the model's form; without a key, content → how many times. */
    rows: Map<string, string>;
    /** The keys of the table that its foreign key refers to. */
    parents: Set<string>;
    versions: KeptVersion[];
    graves: (Grave & { key: string })[];
    snapshots: AppliedSnapshot[];
    /** By file: when it was found. */
    foundAt: Map<number, Date>;
    /** By file that is a copy: when that was decided. */
    copiedAt: Map<number, Date>;
}

export async function readStreams(sql: Sql): Promise<StreamState[]> {
    const ids = await readIds(sql);
    const states: StreamState[] = [];
    for (const stream of modelStreams) {
        const id = ids.get(stream.table);
        if (id === undefined) continue;
        states.push({
            name: stream.name,
            ledger: await readStreamLedger(sql, id),
            rows: await readStreamRows(sql, stream),
            parents: stream.parent === null ? new Set() : await readOrders(sql),
            versions: await readVersions(sql, stream, id),
            graves: await readGraves(sql, stream, id),
            snapshots: await readSnapshots(sql, id),
            foundAt: await readTimes(sql, id, sql`discovered_at`),
            copiedAt: await readTimes(sql, id, sql`case when problem = 'copy' then updated_at end`),
        });
    }
    return states;
}

/** By table: how the streams are called is their declarations' affair. */
async function readIds(sql: Sql): Promise<Map<string, number>> {
    const rows = await sql<{ id: number; table: string }[]>`
        select stream_id as id, table_name as table
        from ingest.streams
        where stream_id > 0`;
    return new Map(rows.map(({ id, table }) => [table.replace(/^public\./, ""), id]));
}

export async function readStreamRows(
    sql: Sql,
    { rules, keys, table, written }: ModelStream,
): Promise<Map<string, string>> {
    const values = Object.keys(rules).map((column) => written[column] ?? `${column}::text`);
    const rows = await sql.unsafe<{ row: (string | null)[] }[]>(`select array[${values}] as row from ${table}`);
    if (keys.length === 0) {
        const counted = new Map<string, string>();
        for (const { row } of rows) countRow(counted, JSON.stringify([...row]));
        return counted;
    }
    return new Map(
        rows.map(({ row }) => [JSON.stringify(row.slice(0, keys.length)), JSON.stringify([...row])] as const),
    );
}

async function readOrders(sql: Sql): Promise<Set<string>> {
    const rows = await sql<{ key: string }[]>`select order_no as key from trade.orders`;
    return new Set(rows.map(({ key }) => key));
}

/** The ledger's text of a key, in the model's form. */
const keyOf = ({ keys }: ModelStream) => (keys.length === 1 ? "jsonb_build_array(key)" : "to_jsonb(key::text[])");

async function readVersions(sql: Sql, stream: ModelStream, id: number): Promise<KeptVersion[]> {
    const rows = await sql.unsafe<(Omit<KeptVersion, "key"> & { key: string[] })[]>(
        `select
            what, ${keyOf(stream)} as key, chunk_id as "chunkId", record_no as "recordNo", batch_id as "batchId", record
        from ingest.history
        where stream_id = ${id}`,
    );
    return rows.map((row) => ({ ...row, key: JSON.stringify(row.key) }));
}

async function readGraves(sql: Sql, stream: ModelStream, id: number): Promise<StreamState["graves"]> {
    const rows = await sql.unsafe<(Grave & { key: string[] })[]>(
        `select ${keyOf(stream)} as key, version, chunk_id as "chunkId", record_no as "recordNo"
        from ingest.tombstones
        where stream_id = ${id}`,
    );
    return rows.map((row) => ({ ...row, key: JSON.stringify(row.key) }));
}

async function readSnapshots(sql: Sql, id: number): Promise<AppliedSnapshot[]> {
    const rows = await sql<AppliedSnapshot[]>`
        select batch_id as "batchId", finished_at as "finishedAt", rows_after as "rowsAfter"
        from ingest.batches
        where stream_id = ${id} and kind = 'merge'
        order by batch_id`;
    return [...rows];
}

async function readTimes(sql: Sql, id: number, time: ReturnType<Sql>): Promise<Map<number, Date>> {
    const rows = await sql<{ fileId: number; at: Date | null }[]>`
        select file_id as "fileId", ${time} as at from ingest.files where stream_id = ${id}`;
    return new Map(rows.flatMap(({ fileId, at }) => (at === null ? [] : [[fileId, at] as const])));
}
