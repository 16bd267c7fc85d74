/** The commands that look at streams, on a ledger with a table of somebody's beside the built-in one. */
import { beforeAll, describe, expect, test } from "bun:test";
import { readTable } from "../../src/streams/catalog/read-table.ts";
import { useDatabase } from "../support/fixture.ts";
import { runScript } from "../support/run-script.ts";

const database = useDatabase(import.meta.path);
const run = (name: string, ...args: string[]) => runScript(name, [...args, "--database-url", database.url]);
const runJson = async (name: string, ...args: string[]) => JSON.parse((await run(name, ...args, "--json")).stdout);

beforeAll(async () => {
    const { sql } = database;
    await sql.unsafe(`
        create table public.orders (
            order_id bigint primary key, state varchar(4) not null default 'open',
            total numeric(6,2) constraint total_is_sane check (total >= 0)
        )`);
    const table = await readTable(sql, "public.orders");
    const columns = [
        { name: "order_id", type: "bigint", isRequired: true, reasons: ["missing", "invalid"] },
        { name: "state", type: "varchar(4)", isRequired: false, reasons: ["too_long"] },
        { name: "total", type: "numeric(6,2)", isRequired: false, reasons: ["invalid", "too_precise"] },
    ];
    const shape = JSON.stringify({ key: "order_id", contract: { table, columns } });
    await sql`select ingest.add_stream(1::smallint, 'orders', 'public.orders', 'insert', ${shape}::text::jsonb)`;
    await sql`update ingest.streams set files = 'orders-*.csv' where stream_id = 1`;
    await sql.unsafe(`
        insert into ingest.files (stream_id, path, state, size_bytes, mtime_ns, inode)
        values (0, 'events.csv', 'merged', 1, 1, 1), (1, 'orders-1.csv', 'merged', 1, 1, 2), (1, 'orders-2.csv', 'pending', 9, 1, 3);
        insert into ingest.batches (
            stream_id, batch_key, worker_id, slices, chunks, read, inserted, duplicate, conflict, rejected,
            started_at, finished_at, duration_ms
        )
        values
            (0, gen_random_uuid(), gen_random_uuid(), 65535, 1, 10, 10, 0, 0, 0, now(), now(), '{}'),
            (1, gen_random_uuid(), gen_random_uuid(), 65535, 1, 7, 4, 2, 0, 1, now(), now(), '{}');
        select ingest.update_totals(batches) from ingest.batches;
        insert into ingest.rejects (stream_id, chunk_id, record_no, batch_id, kind, reasons, record)
        values (1, 1, 1, 2, 'rejected', array['total_invalid'], '{"total": "x"}');
        select ingest.rebuild_totals()`);
});

test("streams lists each with its equation and what waits", async () => {
    const { stdout } = await run("streams");
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toMatch(
        /^stream +table +state +read +inserted +duplicate +conflict +rejected +committed +waiting +oldest +failed files$/,
    );
    expect(lines[1]).toMatch(/^events +public\.events +\w+ +10 +10 +0 +0 +0 /);
    expect(lines[2]).toMatch(/^orders +public\.orders +stopped +7 +4 +2 +0 +1 /);
    expect(stdout).toContain("orders: No ingest is running. Waiting: 1 file, 9 B to read.");
    const { data } = await runJson("streams");
    expect(data.map(({ name, totals }: { name: string; totals: { read: number } }) => [name, totals.read])).toEqual([
        ["events", 10],
        ["orders", 7],
    ]);
});

test("status has the table of streams, and of one stream only its own numbers", async () => {
    const all = (await run("status")).stdout;
    expect(all).toContain("2 streams (");
    expect(all).toMatch(/records read +17/);
    expect(all).toMatch(/^orders +public\.orders/m);
    const one = (await run("status", "--stream", "orders")).stdout;
    expect(one).toMatch(/records read +7/);
    expect(one).not.toContain("events");
    expect((await runJson("status", "--stream", "orders")).totals.read).toBe(7);
});

describe("--stream", () => {
    test.each([
        ["files", "path", ["orders-2.csv", "orders-1.csv"]],
        ["batches", "read", [7]],
        ["rejects", "reasons", [["total_invalid"]]],
    ])("of %s lists those of that stream", async (command, field, expected) => {
        const { data } = await runJson(command, "--stream", "orders");
        expect(data.map((row: Record<string, unknown>) => row[field])).toEqual(expected);
    });

    test("lists of all streams say of which each row is", async () => {
        expect((await run("files")).stdout).toMatch(/^file +stream +path[\s\S]*^ +1 +events +events\.csv/m);
        expect((await run("batches")).stdout).toMatch(/^batch +stream +kind[\s\S]*^ +2 +orders +merge/m);
        expect((await run("files", "--stream", "orders")).stdout).not.toContain("stream");
    });

    test.each(["status", "files", "batches", "rejects"])(
        "should fail: %s of a stream that is not there",
        async (command) => {
            const { exitCode, stderr } = await run(command, "--stream", "ordres");
            expect(exitCode).toBe(2);
            expect(stderr).toContain("The ledger has no stream ordres.");
            expect(stderr).toContain("Did you mean orders?");
        },
    );

    test("reasons are those of the stream", async () => {
        expect((await runJson("rejects", "--reason", "total_too_precise")).data).toEqual([]);
        const { exitCode, stderr } = await run("rejects", "--stream", "orders", "--reason", "total_invald");
        expect([exitCode, stderr]).toEqual([2, expect.stringContaining("Did you mean total_invalid?")]);
    });
});

test("contract prints what a record must be, as Markdown", async () => {
    const { stdout } = await run("contract", "orders");
    expect(stdout).toStartWith(
        "# orders\n\n- Table: `public.orders`\n- Files: `orders-*.csv`\n- Mode: `insert`\n- Key: `order_id`\n",
    );
    const lines = stdout.split("\n");
    expect(lines).toContain(
        "| `order_id` (key) | `bigint` | yes | rejected | `order_id_missing`, `order_id_invalid` |",
    );
    expect(lines.find((line) => line.startsWith("| `state`"))).toContain(
        "| `'open'::character varying` | `state_too_long` |",
    );
    expect(lines).toContain("| `state_too_long` | The value is longer than character varying(4) allows. | `xxxxx` |");
    expect(lines).toContain(
        "| `order_id_missing` | The value is empty, and the column does not accept null. | (empty) |",
    );
    expect(lines.find((line) => line.startsWith("| `total_is_sane`"))).toContain("The table's CHECK must hold: ");
    expect((await runJson("contract", "orders")).key).toEqual(["order_id"]);
    expect((await run("contract", "orderz")).stderr).toContain("Did you mean orders?");
});
