/** Staged rows that Postgres makes itself: many, in no time. */
import type { Sql } from "../../src/database/connect.ts";
import { allSlices, beginLoad, chunkRecord, merge, recordLoad, registerFile, takeLease } from "./ledger.ts";

/** SQL of a staged row's id, product, quantity and problem; `no` is its record number. */
export type GeneratedValues = Partial<Record<"eventId" | "product" | "quantity" | "problem", string>>;

/** One chunk of `records` records of slice 0, of which none is plain. */
export async function stageGenerated(sql: Sql, records: number, given: GeneratedValues = {}): Promise<void> {
    const values = { eventId: "md5(no::text)::uuid", product: "'p1'", quantity: "'1'", problem: "null", ...given };
    await takeLease(sql);
    const fileId = await registerFile(sql, `${crypto.randomUUID()}.csv`);
    const { loadId, chunkIds } = await beginLoad(sql);
    const chunkId = chunkIds[0]!;
    const [{ lane } = { lane: 0 }] = await sql<{ lane: number }[]>`
        select lane from ingest.loads where load_id = ${loadId}`;
    await sql.unsafe(`
        insert into ingest.staging (
            load_id, chunk_id, record_no, slice_no, lane, problem,
            event_id, event_type, product_id, user_id, event_timestamp, quantity, price
        )
        select
            ${loadId}, ${chunkId}, no, 0, ${lane}, ${values.problem},
            ${values.eventId}::text, 'view', ${values.product}, 'u1', '2024-05-01 10:00:00', ${values.quantity}, '1.50'
        from generate_series(1, ${records}) as no`);
    const counts = { records, sliceRecords: [records, ...Array(15).fill(0)], endByte: records };
    await recordLoad(sql, loadId, [chunkRecord({ chunkId, fileId }, [], counts)]);
}

export const mergeAll = (sql: Sql) => merge(sql, { slices: allSlices, maxRecords: 1_000_000 });
