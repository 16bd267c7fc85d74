/** Conflicts and rejects that a person decides, through the API. */
import { beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { streamOfTable } from "../../src/streams/load-streams.ts";
import { header, idOf, makeFolder } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { expectChecksToPass } from "../support/read-tables.ts";
import { useApi } from "./api-fixture.ts";

const api = useApi(import.meta.path);
const json = { "content-type": "application/json" };
const post = (path: string, body: object) => api.post(path, JSON.stringify(body), json);
const patch = (path: string, body: object) => api.patch(path, JSON.stringify(body), json);
const idAt = async (recordNo: number, path = "a.csv"): Promise<number> =>
    (await api.get(`/v1/rejects?open=true&file=${path}`)).body.data.find(
        (reject: { recordNo: number }) => reject.recordNo === recordNo,
    ).rejectId;

beforeAll(async () => {
    const folder = makeFolder();
    const record = (n: number, price: string, type = "view") => `${idOf(n)},${type},p,u,2024-01-01 00:00:00,1,${price}`;
    const write = (name: string, lines: string[], head = header) =>
        writeFileSync(join(folder, name), `${[head, ...lines].join("\n")}\n`);
    write("a.csv", [
        record(1, "1"),
        record(1, "2"),
        record(2, "x"),
        record(3, "-1", "vew"),
        record(4, "-1"),
        "only,two",
    ]);
    await ingestFolder(api.database.target, folder);
    await api.sql.unsafe("create table parcels (id integer primary key, weight numeric(8, 2) not null)");
    const parcels = makeFolder();
    writeFileSync(join(parcels, "p.csv"), "id,weight\n1,1\n2,heavy\n1,2\n");
    const stream = await applyStream(api.database.target, streamOfTable("public.parcels"));
    await ingestFolder(api.database.target, parcels, {}, stream);
});

test("a conflict has the stored row beside it, and the columns that differ", async () => {
    const { body } = await api.get(`/v1/rejects/${await idAt(2)}`);
    expect(body).toMatchObject({
        kind: "conflict",
        originalRecord: null,
        beside: { row: "differs", replacedByBatch: null },
    });
    const differing = body.beside.fields.filter(({ differs }: { differs: boolean }) => differs);
    expect(differing).toEqual([
        { column: "price", stored: "1.00", arriving: "2", differs: true, reason: null, isCut: false },
    ]);
    const { records } = (await api.get("/v1/trace?file=a.csv&record=2")).body;
    expect(records[0].rejects[0].beside).toMatchObject({ row: "differs" });
    expect(await api.get(`/v1/rejects/${await idAt(3)}`)).toMatchObject({
        body: { beside: { row: null, storedHash: null } },
    });
});

test("the list takes the same filters as a replay", async () => {
    for (const [filter, records] of [
        [{ column: "price" }, 4],
        [{ kind: "conflict", column: "price" }, 1],
        [{ contains: "VEW" }, 1],
        [{ contains: "only,two" }, 1],
        [{ reason: "price_negative", column: "event_type" }, 1],
        [{ file: "a.csv", to: "2020-01-01T00:00:00Z" }, 0],
    ] as const) {
        const query = new URLSearchParams({ ...filter, stream: "events", open: "true" });
        const listed = (await api.get(`/v1/rejects?${query}`)).body.data.length;
        const { body } = await post("/v1/replay/preview", { ...filter, stream: "events" });
        expect([filter, listed, body.unchanged + body.unsplittable]).toEqual([filter, records, records]);
    }
    const { status, body } = await api.get("/v1/rejects?column=prize");
    expect([status, body.code, body.detail]).toEqual([
        400,
        "invalid_parameter",
        "`column`: Unknown column. Did you mean price?",
    ]);
});

test("an edit is previewed, saved, and refused to who has not seen the last one", async () => {
    const id = await idAt(4);
    const preview = await post("/v1/replay/preview", { rejects: [id], set: { price: "3" } });
    expect(preview.body.samples[0]).toMatchObject({ outcome: "rejected", reasons: ["event_type_unknown"] });
    expect((await api.get(`/v1/rejects/${id}`)).body).toMatchObject({ editedAt: null, record: { price: "-1" } });

    const { status, body } = await patch(`/v1/rejects/${id}`, { set: { price: "3" }, editedAt: null });
    expect([status, body.record.price, body.originalRecord.price]).toEqual([200, "3", "-1"]);
    const late = await patch(`/v1/rejects/${id}`, { set: { price: "4" }, editedAt: null });
    expect([late.status, late.body.code]).toEqual([409, "reject_changed"]);
    const seen = await patch(`/v1/rejects/${id}`, { set: { event_type: "view" }, editedAt: body.editedAt });
    expect(seen.status).toBe(200);
    expect((await post("/v1/replay", { rejects: [id] })).body).toMatchObject({
        inserted: 1,
        samples: [{ outcome: "inserted" }],
    });
    const done = await patch(`/v1/rejects/${id}`, { set: { price: "5" } });
    expect([done.status, done.body.code]).toEqual([409, "reject_resolved"]);
});

test("should fail to edit a column that there is not, a reject that somebody else is changing, and without a filter", async () => {
    const id = await idAt(3);
    const unknown = await patch(`/v1/rejects/${id}`, { set: { prize: "1" } });
    expect([unknown.status, unknown.body.parameter, unknown.body.detail]).toEqual([
        400,
        "set",
        "`set`: Unknown column. Did you mean price?",
    ]);
    await api.sql.begin(async (transaction) => {
        await transaction`select from ingest.rejects where reject_id = ${id} for update`;
        const { status, body } = await patch(`/v1/rejects/${id}`, { set: { price: "1" } });
        expect([status, body.code]).toEqual([409, "reject_busy"]);
    });
    const codes = [
        await patch("/v1/rejects", { set: { price: "1" }, stream: "events" }),
        await patch("/v1/rejects", { set: { price: "1" }, file: "a.csv" }),
        await patch("/v1/rejects", { set: { price: "1", quantity: "1" }, file: "a.csv", stream: "events" }),
        await post("/v1/replay/preview", { set: { price: "1" }, stream: "events" }),
        await patch("/v1/rejects/999999", { set: { price: "1" } }),
    ].map(({ body }) => body.code);
    expect(codes).toEqual(["invalid_body", "invalid_body", "invalid_body", "invalid_body", "reject_not_found"]);
});

test("one column of all that a filter chooses is previewed, then set", async () => {
    const asked = { stream: "events", reason: "price_negative", set: { price: "7" } };
    expect((await post("/v1/replay/preview", asked)).body).toMatchObject({ inserted: 1, dryRun: true });
    expect((await patch("/v1/rejects", asked)).body).toEqual({ edited: 1, unchanged: 0, busy: 0, resolved: 0 });
    expect((await post("/v1/replay", { stream: "events" })).body).toMatchObject({ inserted: 1 });
});

test("a conflict is accepted only as it was seen", async () => {
    const id = await idAt(2);
    const { beside, editedAt } = (await api.get(`/v1/rejects/${id}`)).body;
    const accept = (storedHash: string) =>
        post("/v1/replay", { rejects: [id], acceptConflicts: true, seen: { storedHash, editedAt } });
    const other = await accept("0");
    expect([other.status, other.body.code]).toEqual([409, "reject_changed"]);
    const { body } = await accept(beside.storedHash);
    expect(body).toMatchObject({ displaced: 1, samples: [{ rejectId: id, outcome: "accepted" }] });
    expect((await post("/v1/replay", { seen: { editedAt: null } })).body.code).toBe("invalid_body");
});

test("a reject of a table of one's own is shown, edited and replayed in its own stream", async () => {
    const id = await idAt(2, "p.csv");
    const { body } = await post("/v1/replay/preview", { rejects: [id], set: { weight: "2.5" } });
    expect(body).toMatchObject({ inserted: 1, samples: [{ outcome: "inserted" }] });
    expect((await patch(`/v1/rejects/${id}`, { set: { weight: "2.5" } })).status).toBe(200);
    expect((await post("/v1/replay", { rejects: [id] })).body).toMatchObject({ inserted: 1 });
    const conflict = await idAt(3, "p.csv");
    const accepted = await post("/v1/replay", { rejects: [conflict], acceptConflicts: true });
    expect(accepted.body.samples[0].fields[1]).toMatchObject({
        column: "weight",
        stored: "1.00",
        arriving: "2",
        differs: true,
    });
    expect([...(await api.sql`select weight::text from parcels order by id`)]).toEqual([
        { weight: "2.00" },
        { weight: "2.50" },
    ]);
    await expectChecksToPass(api.sql);
});
