/** Each check of a table that Sluice found passes where everything adds up, and sees the one thing that it guards. */
import { beforeAll, expect, test } from "bun:test";
import { findChecks } from "../../src/operations/find-checks.ts";
import { runChecks } from "../../src/operations/run-checks.ts";
import { useApi } from "../api/api-fixture.ts";
import { makeFolder } from "../support/fixture.ts";
import { ingestLines, makeOrderLines, writeLines } from "../support/order-lines.ts";
import { runScript } from "../support/run-script.ts";
import { undoing } from "../support/sessions.ts";

const api = useApi(import.meta.path);

beforeAll(async () => {
    const folder = makeFolder();
    await makeOrderLines(api.sql);
    writeLines(folder);
    await ingestLines(api.database.target, folder);
});

async function failing(damage: string): Promise<Record<string, unknown>> {
    const results = await undoing(api.sql, async (sql) => {
        await sql.unsafe(damage);
        return await runChecks(sql);
    });
    expect(results.filter(({ error }) => error !== null)).toEqual([]);
    return Object.fromEntries(
        results.filter(({ passed }) => !passed).map(({ name, sampleRows }) => [name, sampleRows]),
    );
}

test("no check fails where everything adds up", async () => {
    expect(await failing("select 1")).toEqual({});
});

test.each([
    [
        "a conflict whose row is gone",
        `delete from sales.order_lines where order_id = 7 and "Line" = 2`,
        { "order_lines.find_conflicts_without_row": [{ record_no: 4 }, { record_no: 5 }] },
    ],
    [
        "a conflict whose key is none",
        `alter table ingest.rejects disable trigger user;
        update ingest.rejects set record = record || '{"order_id": "seven"}' where record_no = 4`,
        { "order_lines.find_conflicts_without_row": [{ record_no: 4, record: { order_id: "seven" } }] },
    ],
    [
        "a reason that the stream does not have",
        `update ingest.rejects set reasons = '{price_negative}' where record_no = 6;
        select ingest.rebuild_totals()`,
        { "order_lines.find_unknown_reasons": [{ record_no: 6, reasons: ["price_negative"] }] },
    ],
    [
        "a staged row that no load has left",
        "insert into ingest_order_lines.staging (load_id, chunk_id, record_no, slice_no, lane) values (99, 1, 1, 0, 0)",
        { "order_lines.find_orphan_staged_rows": [{ load_id: 99, staged_rows: 1, state: null }] },
    ],
    [
        "a table without its key",
        `alter table sales.order_lines drop constraint order_lines_pkey, add unique ("Line", order_id, qty)`,
        { "order_lines.find_missing_key": [{ table_name: "sales.order_lines", key: ["order_id", "Line"] }] },
    ],
])("sees %s", async (_, damage, rows) => {
    expect(await failing(damage)).toMatchObject(rows);
    expect(Object.keys(await failing(damage))).toEqual(Object.keys(rows));
});

test("a code that the table had when the record was rejected stays known when its constraint is gone", async () => {
    await undoing(api.sql, async (sql) => {
        await sql`update ingest.streams set shape = jsonb_set(shape, '{codes}', '[]') where stream_id = 1`;
        const results = await runChecks(sql, { checks: await findChecks(sql, "order_lines") });
        expect(results.filter(({ passed }) => !passed).map(({ name }) => name)).toEqual([
            "order_lines.find_unknown_reasons",
        ]);
    });
    await api.sql`alter table sales.order_lines rename constraint qty_positive to qty_above_zero`;
    await ingestLines(api.database.target, makeFolder());
    const [row] = await api.sql<{ codes: string[] }[]>`
        select array(select jsonb_array_elements_text(shape -> 'codes')) as codes
        from ingest.streams where stream_id = 1`;
    expect(row!.codes).toContain("qty_above_zero");
    expect(await failing("select 1")).toEqual({});
});

test("of one stream: its own and the ledger's, from the command and the API", async () => {
    const names = async (stream: string) => (await findChecks(api.sql, stream)).map(({ name }) => name);
    expect(await names("order_lines")).toContain("order_lines.find_missing_key");
    expect(await names("order_lines")).toContain("recount_totals");
    expect(await names("order_lines")).not.toContain("trace_events");
    expect(await names("events")).not.toContain("order_lines.find_missing_key");

    const run = await runScript("check", ["--stream", "order_lines", "--json", "--database-url", api.database.url]);
    const { checks } = JSON.parse(run.stdout);
    expect(run.exitCode).toBe(0);
    expect(checks.map(({ name }: { name: string }) => name)).toEqual(await names("order_lines"));

    const { body } = await api.get("/v1/checks?stream=order_lines");
    expect(body.run.checks.map(({ name }: { name: string }) => name)).toEqual(await names("order_lines"));
    expect((await api.get("/v1/checks?stream=none")).status).toBe(400);
});

test("what cannot be asked is not: a stream whose schema is gone has only its rejects checked", async () => {
    await undoing(api.sql, async (sql) => {
        await sql.unsafe("drop schema ingest_order_lines cascade; update ingest.streams set is_active = stream_id = 0");
        expect(
            (await findChecks(sql)).filter(({ stream }) => stream === "order_lines").map(({ name }) => name),
        ).toEqual(["order_lines.find_unknown_reasons"]);
    });
});
