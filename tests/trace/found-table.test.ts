/** A record of a table that does not tell where its rows came from: by its key, and by file:record. */
import { beforeAll, expect, test } from "bun:test";
import { readTrace } from "../../src/operations/read-trace.ts";
import { runReplay } from "../../src/operations/run-replay.ts";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { streamOfTable } from "../../src/streams/load-streams.ts";
import { useApi } from "../api/api-fixture.ts";
import { idOf, makeFolder, shopCsv } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { ingestLines, makeOrderLines, writeLines } from "../support/order-lines.ts";
import { runScript } from "../support/run-script.ts";
import { undoing } from "../support/sessions.ts";

const api = useApi(import.meta.path);
const stream = { name: "order_lines", home: "ingest_order_lines" };
const trace = (...args: string[]) => runScript("trace", [...args, "--database-url", api.database.url]);

beforeAll(async () => {
    const folder = makeFolder();
    const events = makeFolder();
    await makeOrderLines(api.sql);
    writeLines(folder);
    const { records } = await ingestLines(api.database.target, folder);
    expect(records).toMatchObject({ read: 8, inserted: 2, duplicate: 1, conflict: 2, rejected: 3 });
    await Bun.write(`${events}/lines.csv`, shopCsv(`${idOf(1)},view,p,u,2024-01-01 00:00:00,1,1.50`));
    await ingestFolder(api.database.target, events);
});

test("a key: what is stored, and every reject that claims it, as it is given or as the row is written", async () => {
    const found = await readTrace(api.sql, stream, { key: { order_id: "007", Line: "2" } });

    expect(found.stored).toEqual({ order_id: "7", Line: "2", qty: "1" });
    expect(found.records.map(({ recordNo, outcome }) => [recordNo, outcome])).toEqual([
        [4, "conflict"],
        [5, "conflict"],
        [8, "rejected"],
    ]);
    expect(found.records[2]!.verdicts).toEqual([
        { column: "order_id", value: "7", reason: null },
        { column: "Line", value: "2", reason: null },
        { column: "qty", value: "0", reason: null },
    ]);
});

test("007 and 7 are one number, as the key that is asked for and as that of a reject", async () => {
    const recordsOf = async (order_id: string) => {
        const { records } = await readTrace(api.sql, stream, { key: { order_id, Line: "02" } });
        return records.map(({ recordNo }) => recordNo);
    };

    expect([await recordsOf("7"), await recordsOf("+0007"), await recordsOf("70"), await recordsOf("x7")]).toEqual([
        [4, 5, 8],
        [4, 5, 8],
        [],
        [],
    ]);
});

test("so are 7.5 and 07.50, and a uuid in capital letters is the same", async () => {
    await api.sql`create table public.refunds (ref uuid, amount numeric(12, 3), paid boolean, primary key (ref, amount))`;
    const folder = makeFolder();
    const ref = "a0000000-0000-4000-8000-00000000000f";
    await Bun.write(`${folder}/refunds.csv`, `ref,amount,paid\n${ref.toUpperCase()},07.50,maybe\n${ref},75,maybe\n`);
    const refunds = await applyStream(api.database.target, streamOfTable("public.refunds"));
    await ingestFolder(api.database.target, folder, {}, refunds);
    const { records } = await readTrace(
        api.sql,
        { name: "refunds", home: "ingest_refunds" },
        { key: { ref, amount: "7.5" } },
    );

    expect(records.map(({ recordNo }) => recordNo)).toEqual([1]);
});

test("file:record: merged where nothing is kept of it, else what its reject says", async () => {
    const outcomeOf = async (record: number) =>
        (await readTrace(api.sql, stream, { file: "lines.csv", record })).records[0];

    expect(await outcomeOf(1)).toMatchObject({ outcome: "merged", event: null, insertedBy: null, verdicts: null });
    expect(await outcomeOf(3)).toMatchObject({ outcome: "merged", rejects: [] });
    expect(await outcomeOf(6)).toMatchObject({ outcome: "rejected", rejects: [{ reasons: ["qty_positive"] }] });
    expect(await outcomeOf(9)).toBeUndefined();
});

test("the claims of a key are found by an index", async () => {
    const [index] = await api.sql<{ name: string }[]>`
        select indexname as name from pg_indexes where indexname like 'rejects_of_stream_1_%'`;
    const plan = await undoing(api.sql, async (sql) => {
        await sql.unsafe(`
            insert into ingest.rejects (stream_id, chunk_id, record_no, batch_id, kind, reasons, record)
            select stream_id, chunk_id, 1000 + number, batch_id, kind, reasons, jsonb_build_object('order_id', number, 'Line', 1)
            from (select * from ingest.rejects limit 1) as any_reject, generate_series(1, 5000) as number;
            analyze ingest.rejects`);
        const [claims] = await sql<{ body: string }[]>`
            select prosrc as body from pg_proc
            where pronamespace = 'ingest_order_lines'::regnamespace and proname = 'trace_claims'`;
        const query = claims!.body.replaceAll("traced_key", `'{"order_id": "7", "Line": "2"}'::jsonb`);
        return JSON.stringify(await sql.unsafe(`explain ${query}`));
    });
    expect(plan).toContain(index!.name);
    expect(plan).toContain("Index Cond: ((\\\"left\\\"(regexp_replace(btrim((record ->> 'order_id'");
});

test("the command: the columns' values, in any order; a bare value, a file", async () => {
    const byKey = await trace("line=2,order_id=7");
    expect(byKey).toMatchObject({ exitCode: 0, stderr: "" });
    expect(byKey.stdout).toStartWith("order_lines order_id=7,Line=2: a row\n  row      qty=1");
    expect(byKey.stdout).toContain("record 4 of lines.csv: conflict (order_id_Line_conflict)\n");
    const byPlace = await trace("lines.csv:1", "--stream", "order_lines");
    expect(byPlace.stdout).toContain("record 1 of lines.csv: merged: it is a row, or an exact duplicate of one");
    expect(await trace("order_id=8,line=1")).toMatchObject({ exitCode: 1, stdout: "" });
    expect((await trace("7", "--stream", "order_lines")).stderr).toContain("order_id=…,Line=…");
    const two = await trace("lines.csv:1");
    expect(two).toMatchObject({ exitCode: 2 });
    expect(two.stderr).toContain("events, order_lines");
});

test("GET /v1/trace with stream", async () => {
    const byKey = await api.get("/v1/trace?stream=order_lines&key=order_id%3D7%2Cline%3D2");
    expect(byKey.body).toMatchObject({ stream: "order_lines", stored: { qty: "1" } });
    expect(byKey.body.records.map(({ recordNo }: { recordNo: number }) => recordNo)).toEqual([4, 5, 8]);
    const byPlace = await api.get("/v1/trace?stream=order_lines&file=lines.csv&record=1");
    expect(byPlace.body).toMatchObject({ stored: null, records: [{ outcome: "merged" }] });
    const codes = async (query: string) => {
        const { status, body } = await api.get(`/v1/trace?${query}`);
        return [status, body.code];
    };
    expect(await codes("stream=order_lines&key=7")).toEqual([400, "invalid_parameter"]);
    expect(await codes(`stream=order_lines&event_id=${idOf(1)}`)).toEqual([400, "invalid_parameter"]);
    expect(await codes("stream=none&key=7")).toEqual([400, "invalid_parameter"]);
    expect(await codes("stream=order_lines&key=order_id%3D9%2Cline%3D9")).toEqual([404, "record_not_found"]);
});

test("a record that a replay accepted was inserted, and its rival is kept under its number", async () => {
    await runReplay(api.sql, { streamId: 1, reason: "order_id_Line_conflict", acceptConflicts: true });
    const { records, stored } = await readTrace(api.sql, stream, { key: { order_id: "7", Line: "2" } });
    const accepted = records.filter(({ insertedBy }) => insertedBy !== null);
    expect(accepted.map(({ outcome }) => outcome)).toEqual(accepted.map(() => "inserted"));
    expect(accepted.length).toBeGreaterThan(0);
    expect(["8", "9"]).toContain(stored!.qty!);
});
