/** A ledger of several streams as the page meets it: one works, one fails and rejects, one is blocked. The built-in one is as it was. */
import type { Sql } from "../../src/database/connect.ts";
import { readTable } from "../../src/streams/catalog/read-table.ts";

const tables = `
    create schema if not exists sales;
    create table sales.orders (order_id bigint primary key, customer text not null, total numeric(12,2), placed_at timestamptz);
    create table public.sensors (sensor text, at timestamptz, celsius real, primary key (sensor, at));
    create table public.bookings (booking_id uuid primary key, amount numeric(10,2) not null);`;

const streams = [
    { id: 1, name: "orders", table: "sales.orders", files: "orders-*.csv" },
    { id: 2, name: "sensors", table: "public.sensors", files: "sensors/**/*.csv" },
    { id: 3, name: "bookings", table: "public.bookings", files: "bookings_*.csv" },
];

export async function seedStreams(sql: Sql): Promise<void> {
    await sql.unsafe(tables);
    for (const { id, name, table, files } of streams) {
        const catalog = (await readTable(sql, table))!;
        const columns = catalog.columns.map(({ name: column, type, isNotNull }) => ({
            name: column,
            type,
            isRequired: isNotNull,
            reasons: isNotNull ? ["missing", "invalid"] : ["invalid"],
        }));
        const shape = JSON.stringify({ contract: { table: catalog, columns } });
        await sql`select ingest.add_stream(${id}::smallint, ${name}, ${table}, 'insert', ${shape}::text::jsonb)`;
        await sql`update ingest.streams set files = ${files} where stream_id = ${id}`;
        await sql`
            insert into ingest.workers (worker_id, host, pid, input_dir, started_at, lease_until, report, stream_id)
            values (
                gen_random_uuid(), 'one', 11, '/srv/drops', now() - interval '1 hour', now() + interval '1 hour',
                '{"trigger": {"kind": "interval", "ms": 1000}}', ${id}
            )`;
    }
    await seedBatches(sql, 2, [4_180_220, 0, 0, 12]);
    await seedBatches(sql, 1, [61_204, 3_011, 40, 1_877]);
    await seedBatches(sql, 3, [900, 0, 0, 0]);
    await sql.unsafe(`
        insert into ingest.files (stream_id, path, state, size_bytes, loaded_bytes, mtime_ns, inode, problem, problem_detail, discovered_at, updated_at)
        values
            (1, 'orders-2026-11-28.csv', 'merged', 90000, 90000, 1, 11, null, null, now() - interval '1 day', now() - interval '1 day'),
            (1, 'orders-2026-11-29.csv', 'failed', 4000, 0, 1, 12, 'header_missing_columns', 'It has no column customer.', now() - interval '5 minutes', now() - interval '4 minutes'),
            (2, 'sensors/hall-3/a.csv', 'merged', 9000000, 9000000, 1, 13, null, null, now() - interval '1 minute', now()),
            (3, 'bookings_44.csv', 'pending', 70000, 0, 1, 14, null, null, now() - interval '12 minutes', now());
        update ingest.streams
        set
            problem = 'table_missing',
            problem_detail = 'The table public.bookings is gone. Make it again: the stream goes on by itself. Until then its files wait',
            problem_at = now()
        where name = 'bookings'`);
}

async function seedBatches(
    sql: Sql,
    streamId: number,
    [inserted, duplicate, conflict, rejected]: number[],
): Promise<void> {
    await sql`
        insert into ingest.batches (
            stream_id, batch_key, worker_id, slices, chunks, read, inserted, duplicate, conflict, rejected,
            started_at, finished_at, duration_ms
        )
        values (
            ${streamId}, gen_random_uuid(), gen_random_uuid(), 65535, 1,
            ${inserted! + duplicate! + conflict! + rejected!}, ${inserted!}, ${duplicate!}, ${conflict!}, ${rejected!},
            now() - interval '20 seconds', now() - interval '18 seconds', '{"validate": 900, "merge": 1100}'
        )`;
    await sql`select ingest.update_totals(batches) from ingest.batches where stream_id = ${streamId}`;
    if (rejected === 0) return;
    await sql`
        insert into ingest.chunks (
            stream_id, file_id, first_byte, end_byte, first_record_no, first_line_no, records, content_hash, state, merged_at
        )
        select ${streamId}, file_id, 0, 10, 1, 2, 10, '', 'merged', now()
        from ingest.files where stream_id = ${streamId} limit 1`;
    for (const reason of ["", streamId === 1 ? "total_invalid" : "celsius_invalid"])
        await sql`
            insert into ingest.reject_stats (
                stream_id, day, kind, reason, rejects, resolved, first_rejected_at, last_rejected_at, last_reject_id
            )
            values (${streamId}, current_date, 'rejected', ${reason}, ${rejected!}, 0, now(), now(), 1000)`;
    await sql`
        insert into ingest.rejects (stream_id, chunk_id, record_no, batch_id, kind, reasons, record)
        select
            ${streamId}, 0, 17, batch_id, 'rejected', array[${streamId === 1 ? "total_invalid" : "celsius_invalid"}],
            ${JSON.stringify(streamId === 1 ? { order_id: "77", customer: "Ada", total: "12,50", placed_at: "" } : { sensor: "h3", at: "2026-11-30", celsius: "n/a" })}::text::jsonb
        from ingest.batches where stream_id = ${streamId} limit 1`;
}
