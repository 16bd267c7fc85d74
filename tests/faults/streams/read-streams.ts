/** What a run has left of the streams beside events: their part of the ledger, and their tables. */
import type { Sql } from "../../../src/database/connect.ts";
import { readStreamLedger, type StreamLedger } from "../model/read-ledger.ts";
import { type ModelStream, modelStreams } from "./streams.ts";

export interface StreamState {
    name: string;
    ledger: StreamLedger;
    /** Key → content, both in the model's form. */
    rows: Map<string, string>;
    /** The keys of the table that its foreign key refers to. */
    parents: Set<string>;
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
    return new Map(
        rows.map(({ row }) => [JSON.stringify(row.slice(0, keys.length)), JSON.stringify([...row])] as const),
    );
}

async function readOrders(sql: Sql): Promise<Set<string>> {
    const rows = await sql<{ key: string }[]>`select order_no as key from trade.orders`;
    return new Set(rows.map(({ key }) => key));
}
