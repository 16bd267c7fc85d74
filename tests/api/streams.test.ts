/** Several streams in one API: a foreign table beside the built-in one, its ledger put there by hand. */
import { beforeAll, describe, expect, test } from "bun:test";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { streamOfTable } from "../../src/streams/load-streams.ts";
import { rejectReasonsOf } from "../../src/streams/reject-reasons.ts";
import { useApi } from "./api-fixture.ts";
import { insertBatch, insertChunk, insertFile, insertReject } from "./seed-ledger.ts";

const api = useApi(import.meta.path);
const orders = 1;

beforeAll(async () => {
    const { sql } = api;
    await sql.unsafe(`
        create schema sales;
        create type sales.order_state as enum ('open', 'paid');
        create table sales.lines (id integer primary key);
        create table sales.orders (
            "Order no" bigint, line integer references sales.lines, total numeric(12,2) constraint total_is_sane check (total < 1000000),
            state sales.order_state default 'open', note text, net numeric generated always as (total * 0.8) stored,
            primary key ("Order no", line)
        );
        insert into sales.lines values (0), (1), (2);
        insert into sales.orders ("Order no", line, total)
        select no / 3, no % 3, no + 0.5 from generate_series(1, 100) as numbers (no);`);
    const declared = {
        ...streamOfTable("sales.orders"),
        name: "orders",
        files: "orders-*.csv",
        source: { match: "orders-*.csv", ignore: ["internal_id"] },
    };
    await applyStream(api.database.target, declared);
    for (const stream of [0, orders]) {
        const fileId = await insertFile(sql, `${stream === 0 ? "events" : "orders"}-1.csv`);
        const chunkId = await insertChunk(sql, fileId);
        const batchId = await insertBatch(sql, stream === 0 ? { inserted: 10 } : { inserted: 5, rejected: 3 }, chunkId);
        await insertReject(sql, {
            chunkId,
            recordNo: 1,
            batchId,
            reasons: [stream === 0 ? "price_negative" : "total_invalid"],
        });
        if (stream === 0) continue;
        await sql`update ingest.files set stream_id = ${stream} where file_id = ${fileId}`;
        await sql`update ingest.chunks set stream_id = ${stream} where chunk_id = ${chunkId}`;
        await sql`update ingest.batches set stream_id = ${stream} where batch_id = ${batchId}`;
        await sql`update ingest.rejects set stream_id = ${stream} where chunk_id = ${chunkId}`;
        await sql`update ingest.totals set stream_id = ${stream} where read = 8`;
        await sql`update ingest.reject_stats set stream_id = ${stream} where last_reject_id = (select max(reject_id) from ingest.rejects)
            and reason = 'total_invalid'`;
        await sql`
            insert into ingest.reject_stats
                (stream_id, day, kind, reason, rejects, resolved, first_rejected_at, last_rejected_at, last_reject_id)
            select stream_id, day, kind, '', 1, 0, first_rejected_at, last_rejected_at, last_reject_id
            from ingest.reject_stats where reason = 'total_invalid'`;
        await sql`update ingest.reject_stats set rejects = 1, last_reject_id = last_reject_id - 1 where stream_id = 0 and reason = ''`;
    }
});

describe("?stream=", () => {
    test.each([
        ["/v1/files", "path", "events-1.csv", "orders-1.csv"],
        ["/v1/batches", "read", 10, 8],
        ["/v1/rejects", "reasons", ["price_negative"], ["total_invalid"]],
    ])("%s lists all streams, each row with its own, or one alone", async (path, field, ofEvents, ofOrders) => {
        const pairs = async (query: string) =>
            (await api.get(`${path}${query}`)).body.data.map((row: Record<string, unknown>) => [
                row.stream,
                row[field],
            ]);
        expect(await pairs("")).toEqual([
            ["orders", ofOrders],
            ["events", ofEvents],
        ]);
        expect(await pairs("?stream=orders")).toEqual([["orders", ofOrders]]);
        expect(await pairs("?stream=events")).toEqual([["events", ofEvents]]);
    });

    test("a page of one stream goes on with that stream", async () => {
        const fileIds: number[] = [];
        for (const path of ["orders-2.csv", "events-2.csv", "orders-3.csv"]) {
            const fileId = await insertFile(api.sql, path);
            if (path.startsWith("orders"))
                await api.sql`update ingest.files set stream_id = ${orders} where file_id = ${fileId}`;
            fileIds.push(fileId);
        }
        const first = (await api.get("/v1/files?stream=orders&limit=2")).body;
        const second = (await api.get(`/v1/files?stream=orders&limit=2&cursor=${first.nextCursor}`)).body;
        expect([first, second].map(({ data }) => data.map(({ path }: { path: string }) => path))).toEqual([
            ["orders-3.csv", "orders-2.csv"],
            ["orders-1.csv"],
        ]);
        await api.sql`delete from ingest.files where file_id = any(${fileIds})`;
    });

    test("the summary of rejects, the flow and the status are of one stream", async () => {
        const summary = (await api.get("/v1/rejects/summary?stream=orders")).body;
        expect(summary.reasons.map(({ reason }: { reason: string }) => reason)).toEqual(["total_invalid"]);
        expect((await api.get("/v1/rejects/summary")).body.kinds).toMatchObject([{ kind: "rejected", records: 2 }]);

        const committed = async (query: string) =>
            (await api.get(`/v1/flow${query}`)).body.steps.reduce(
                (sum: number, { read }: { read: number }) => sum + read,
                0,
            );
        expect([await committed(""), await committed("?stream=orders"), await committed("?stream=events")]).toEqual([
            18, 8, 10,
        ]);

        const status = (await api.get("/v1/status?stream=orders")).body;
        expect(status).toMatchObject({
            table: "orders",
            totals: { read: 8, inserted: 5, rejected: 3 },
            lastBatch: { read: 8 },
        });
        expect(status.streams).toHaveLength(1);
    });

    test.each(["/v1/files", "/v1/batches", "/v1/rejects", "/v1/rejects/summary", "/v1/flow", "/v1/status"])(
        "should fail: %s of a stream that is not there, with the near name",
        async (path) => {
            const { status, body } = await api.get(`${path}?stream=ordrs`);
            expect([status, body.code, body.parameter]).toEqual([400, "invalid_parameter", "stream"]);
            expect(body.detail).toBe("`stream`: Unknown stream. Did you mean orders?");
            expect((await api.get(`${path}?stream=people`)).body.detail).toBe(
                "`stream`: Unknown stream. Streams: events, orders.",
            );
        },
    );

    test("reasons are those of the stream, and what no stream has is refused", async () => {
        expect((await api.get("/v1/rejects?stream=orders&reason=total_too_precise")).body.data).toEqual([]);
        expect((await api.get("/v1/rejects?reason=total_invalid")).body.data).toHaveLength(1);
        expect((await api.get("/v1/rejects?reason=total_is_sane")).status).toBe(200);
        const { status, body } = await api.get("/v1/rejects?stream=orders&reason=total_to_precise");
        expect([status, body.parameter, body.detail]).toEqual([
            400,
            "reason",
            "`reason`: No such reason. Did you mean total_too_precise?",
        ]);
        expect((await api.get("/v1/rejects?stream=orders&reason=price_too_precise")).status).toBe(400);
    });
});

test("GET /v1/streams has each stream's equation and state, as of one moment", async () => {
    const { body } = await api.get("/v1/streams");
    expect(body.data).toMatchObject([
        { name: "events", table: "public.events", totals: { read: 10, inserted: 10 } },
        { name: "orders", table: "sales.orders", totals: { read: 8, inserted: 5, rejected: 3 }, state: "stopped" },
    ]);
    for (const { totals } of body.data)
        expect(totals.read).toBe(totals.inserted + totals.duplicate + totals.conflict + totals.rejected);
    expect(body.inactive).toEqual([]);
});

describe("the contract", () => {
    test("has the table's columns, constraints, and each code with a sentence", async () => {
        const { body } = await api.get("/v1/streams/orders");
        expect(body).toMatchObject({
            name: "orders",
            table: "sales.orders",
            mode: "insert",
            files: "orders-*.csv",
            key: ["Order no", "line"],
            ignored: ["internal_id"],
            checks: [{ name: "total_is_sane", expression: expect.stringContaining("total <") }],
            foreignKeys: [{ columns: ["line"], parent: "sales.lines", parentColumns: ["id"] }],
        });
        expect(body.columns).toMatchObject([
            { name: "Order no", type: "bigint", isKey: true, isRequired: true, filledBy: "file", default: null },
            { name: "line", isKey: true },
            { name: "total", type: "numeric(12,2)", isKey: false, isRequired: false },
            { name: "state", default: "'open'::sales.order_state", values: ["open", "paid"] },
            { name: "note", default: null },
            { name: "net", filledBy: "table", default: "(total * 0.8)", reasons: [] },
        ]);
        const codes = body.codes.map(({ code }: { code: string }) => code);
        expect(codes).toEqual(
            expect.arrayContaining([
                "total_too_precise",
                "state_unknown",
                "total_is_sane",
                "line_unknown",
                "Order no_line_conflict",
            ]),
        );
        const find = (code: string) => body.codes.find((one: { code: string }) => one.code === code);
        expect(find("state_unknown").sentence).toBe("The value is not one of open, paid.");
        expect(find("total_too_precise").example).toBe("0.001");
        expect(find("Order no_out_of_range").example).toBe("9223372036854775808");
        expect(body.codes.every(({ sentence }: { sentence: string }) => /^[A-Z].*\.$/.test(sentence))).toBe(true);
    });

    test("of the built-in stream has every reason that the program has", async () => {
        const { body } = await api.get("/v1/streams/events");
        const codes = body.codes.map(({ code }: { code: string }) => code);
        expect(codes.toSorted()).toEqual(rejectReasonsOf(eventsStream).toSorted());
        expect(body.key).toEqual(["event_id"]);
        expect(body.columns.find(({ name }: { name: string }) => name === "created_at").filledBy).toBe("table");
    });

    test("should fail: a stream that is not there", async () => {
        const { status, body } = await api.get("/v1/streams/order");
        expect([status, body.code, body.detail]).toEqual([
            404,
            "stream_not_found",
            "Unknown stream. Did you mean orders?",
        ]);
    });
});

describe("rows", () => {
    test("come in the order of the whole key, each once, as text", async () => {
        const keys: string[] = [];
        let cursor: string | null = null;
        do {
            const { body, status } = await api.get(
                `/v1/streams/orders/rows?limit=7${cursor === null ? "" : `&cursor=${cursor}`}`,
            );
            expect([status, body.code]).toEqual([200, undefined]);
            for (const { values } of body.data)
                keys.push(`${values["Order no"]} ${values.line} ${values.total} ${values.net}`);
            cursor = body.nextCursor;
        } while (cursor !== null);
        // As the rows were made, by arithmetic.
        const expected = Array.from({ length: 100 }, (_, index) => {
            const no = index + 1;
            return `${Math.floor(no / 3)} ${no % 3} ${no}.50 ${(no * 10 + 5) * 8}`;
        });
        const normal = keys.map((key) => key.replace(/ ([\d.]+)$/, (_, net) => ` ${Math.round(Number(net) * 100)}`));
        expect(normal).toEqual(expected);
    });

    test("a long value is left out and named", async () => {
        await api.sql.unsafe(`update sales.orders set note = repeat('x', 3000) where "Order no" = 1 and line = 1`);
        const { body } = await api.get("/v1/streams/orders/rows?limit=4");
        expect(body.data.map(({ omitted }: { omitted: string[] }) => omitted)).toEqual([[], [], [], ["note"]]);
        expect(body.data[3].values).toMatchObject({ "Order no": "1", line: "1", note: null });
    });

    test("should fail: a cursor that holds no key of this table", async () => {
        const cursor = Buffer.from(JSON.stringify(["rows of orders", "1 or 1=1", "x"])).toString("base64url");
        expect((await api.get(`/v1/streams/orders/rows?cursor=${cursor}`)).body.code).toBe("invalid_cursor");
        expect((await api.get("/v1/streams/events/rows?cursor=W10")).body.code).toBe("invalid_cursor");
    });

    test("should fail: a table that is gone, in words of the stream's problem", async () => {
        await api.sql`alter table sales.orders rename to gone`;
        await api.sql`update ingest.streams set problem = 'table_missing', problem_detail = 'Make it again.' where stream_id = ${orders}`;
        const { status, body } = await api.get("/v1/streams/orders/rows");
        expect([status, body.code, body.detail]).toEqual([409, "table_unreadable", "Make it again."]);
        expect((await api.get("/v1/status")).body.verdict).toStartWith("orders is blocked. Make it again.");
        await api.sql`alter table sales.gone rename to orders`;
        await api.sql`update ingest.streams set problem = null, problem_detail = null where stream_id = ${orders}`;
    });
});
