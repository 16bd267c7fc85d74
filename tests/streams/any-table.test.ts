/** A table that Sluice found: what gets in, and what it says of every record that does not. */
import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runChecks } from "../../src/operations/run-checks.ts";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { readTable } from "../../src/streams/catalog/read-table.ts";
import { declareStream } from "../../src/streams/declare.ts";
import { streamOfTable } from "../../src/streams/load-streams.ts";
import { renderTable } from "../../src/streams/render/render-table.ts";
import { useDatabase } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";

const database = useDatabase(import.meta.path);
const { sql } = database;

const ddl = `
    create schema sales;
    create type sales.order_status as enum ('new', 'paid');
    create table sales.customers (id bigint primary key);
    insert into sales.customers select generate_series(1, 9);
    create table sales."Order lines" (
        order_id bigint,
        "Line" integer,
        customer_id bigint not null references sales.customers,
        status sales.order_status,
        total numeric(10, 2) not null constraint total_positive check (total >= 0),
        note text default 'none',
        scan integer constraint scan_once unique,
        parent_id bigint,
        parent_line integer,
        ratio integer constraint ratio_small check (100 / ratio > 1),
        doubled numeric generated always as (total * 2) stored,
        constraint own_parent foreign key (parent_id, parent_line) references sales."Order lines",
        primary key (order_id, "Line")
    )`;

const columns = "order_id,line,customer_id,status,total,note,scan,parent_id,parent_line,ratio";
/** Record → what is expected of it: stored, or its code. */
const records: [string, string][] = [
    ["1,1,1,new,12.50,hello,1,,,", "stored"],
    ["1,2,2,paid,-1,,,,,", "total_positive"],
    ["1,3,77,paid,5,,,,,", "customer_id_unknown"],
    ["1,4,3,lost,5,,,,,", "status_unknown"],
    ["2,1,4,,7,,,,,50", "stored"],
    ["x,1,4,,7,,,,,", "order_id_invalid"],
    [",1,4,,7,,,,,", "order_id_missing"],
    ["1,1,1,new,12.5,hello,1,,,", "duplicate"],
    ["1,1,1,new,12.51,hello,1,,,", "order_id_Line_conflict"],
    ["3,1,4,,7.005,,,,,", "total_too_precise"],
    ["3,2,4,,7,,1,,,", "scan_once_taken"],
    ["3,3,4,,7,,,99,1,", "parent_id_parent_line_unknown"],
    ["3,4,4,,7,,,2,1,", "stored"],
    ["3,5,4,,7,,,,,0", "refused_by_table"],
    ["3,6,4,,7,,,,,99", "ratio_small"],
    ["3,7,4,,7,short", "too_few_fields"],
];

test("every record is stored, a duplicate, or rejected by name, and its neighbours get in", async () => {
    await sql.unsafe(ddl);
    const folder = mkdtempSync(join(tmpdir(), "sluice-any-table-"));
    try {
        writeFileSync(join(folder, "lines.csv"), [columns, ...records.map(([record]) => record), ""].join("\n"));
        const stream = await applyStream(database.target, streamOfTable('sales."Order lines"'));
        const summary = await ingestFolder(database.target, folder, {}, stream);
        expect(summary.records).toMatchObject({ read: 16, inserted: 3, duplicate: 1, conflict: 1, rejected: 11 });
    } finally {
        rmSync(folder, { recursive: true });
    }

    const stored = await sql`
        select order_id, "Line", note, doubled from sales."Order lines" order by order_id, "Line"`;
    expect(stored.map((row) => Object.values(row))).toEqual(
        [
            ["1", 1, "hello", "25.00"],
            ["2", 1, "none", "14.00"],
            ["3", 4, "none", "14.00"],
        ].map(([id, ...rest]) => [Number(id), ...rest]),
    );
    const rejects = await sql<{ recordNo: number; reasons: string[]; streamId: number }[]>`
        select record_no as "recordNo", reasons, stream_id as "streamId" from ingest.rejects order by record_no`;
    expect(rejects.map(({ recordNo, reasons }) => [recordNo, reasons])).toEqual(
        records.flatMap(([, code], index) => (["stored", "duplicate"].includes(code) ? [] : [[index + 1, [code]]])),
    );
    expect(new Set(rejects.map(({ streamId }) => streamId))).toEqual(new Set([1]));
    expect((await runChecks(sql)).filter(({ passed }) => !passed)).toEqual([]);
});

test("what the templates give for a found table stands beside this test: UPDATE_RENDERED=1 writes it anew", async () => {
    await sql.unsafe(`
        create table public.orders (
            order_id bigint primary key,
            customer_id bigint not null references sales.customers,
            status sales.order_status not null default 'new',
            total numeric(10, 2) not null constraint total_positive check (total >= 0),
            placed_at timestamptz
        )`);
    const table = (await readTable(sql, { schema: "public", table: "orders" }))!;
    const declared = streamOfTable("public.orders");
    const text = renderTable(declareStream(table, declared, 1).sql, "ingest_orders");
    const path = join(import.meta.dir, "rendered-orders.sql");
    if (process.env.UPDATE_RENDERED) writeFileSync(path, text);
    expect(text).toBe(readFileSync(path, "utf8"));
});
