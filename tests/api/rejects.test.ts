import { beforeAll, expect, test } from "bun:test";
import { readPages, useApi } from "./api-fixture.ts";
import { insertChunk, insertFile, insertReject } from "./seed-ledger.ts";

const api = useApi(import.meta.path);
let alpha: number;
let beta: number;

beforeAll(async () => {
    alpha = await insertFile(api.sql, "alpha.csv");
    beta = await insertFile(api.sql, "beta.csv");
    const alphaChunk = await insertChunk(api.sql, alpha);
    const betaChunk = await insertChunk(api.sql, beta);
    for (let recordNo = 1; recordNo <= 30; recordNo++) {
        await insertReject(api.sql, {
            chunkId: alphaChunk,
            recordNo,
            reasons: recordNo % 3 === 0 ? ["price_negative", "event_id_missing"] : ["price_negative"],
        });
    }
    await insertReject(api.sql, { chunkId: betaChunk, recordNo: 1, kind: "conflict", reasons: ["event_id_conflict"] });
    await insertReject(api.sql, {
        chunkId: betaChunk,
        recordNo: 2,
        reasons: ["ragged"],
        record: null,
        rawText: "<script>alert(1)</script>,\\x00",
    });
});

test("lists a reject with its file, record and raw values", async () => {
    const rows = (await api.get("/v1/rejects")).body.data;
    expect(rows[0]).toMatchObject({
        path: "beta.csv",
        fileId: beta,
        recordNo: 2,
        kind: "rejected",
        reasons: ["ragged"],
        record: null,
        rawText: "<script>alert(1)</script>,\\x00",
        truncated: false,
    });
    expect(rows[2]).toMatchObject({ path: "alpha.csv", recordNo: 30, record: { event_id: "x" }, rawText: null });
});

test("filters by kind, reason, file id and path, alone and together", async () => {
    const count = async (query: string) => (await readPages(api, `/v1/rejects?limit=9&${query}`)).length;
    expect(await count("kind=conflict")).toBe(1);
    expect(await count("kind=rejected")).toBe(31);
    expect(await count("reason=event_id_missing")).toBe(10);
    expect(await count(`file=${alpha}`)).toBe(30);
    expect(await count("file=beta.csv")).toBe(2);
    expect(await count("file=beta.csv&kind=conflict&reason=event_id_conflict")).toBe(1);
    expect(await count("file=beta.csv&reason=price_negative")).toBe(0);
});

test("counts by reason, a record once for each of its reasons", async () => {
    const { body } = await api.get("/v1/rejects/summary");
    expect(body.kinds).toEqual([
        { kind: "conflict", records: 1, open: 1 },
        { kind: "rejected", records: 31, open: 31 },
    ]);
    expect(body.reasons.map(({ kind, reason, records }: Record<string, unknown>) => [kind, reason, records])).toEqual([
        ["rejected", "price_negative", 30],
        ["rejected", "event_id_missing", 10],
        ["conflict", "event_id_conflict", 1],
        ["rejected", "ragged", 1],
    ]);
});

test("cuts what is too long for a list, and says so", async () => {
    const chunkId = await insertChunk(api.sql, alpha, "merged", 500);
    await insertReject(api.sql, { chunkId, recordNo: 1, record: { event_id: "y".repeat(9000) } });
    await insertReject(api.sql, { chunkId, recordNo: 2, record: null, rawText: "é".repeat(3000) });
    const { body } = await api.get("/v1/rejects?limit=2");
    expect(body.data[0]).toMatchObject({ record: null, truncated: true, rawText: "é".repeat(2000) });
    expect(body.data[1]).toMatchObject({ record: null, truncated: true });
    expect(body.data[1].rawText).toStartWith('{"event_id": "yyy');
    expect(body.data[1].rawText).toHaveLength(2000);
});

test("gives one reject by its number, as the list has it and beside the row of its key", async () => {
    const [newest] = (await api.get("/v1/rejects?kind=conflict")).body.data;
    expect((await api.get(`/v1/rejects/${newest.rejectId}`)).body).toEqual({
        ...newest,
        originalRecord: null,
        beside: expect.objectContaining({ row: "gone", storedHash: null, replacedByBatch: null }),
    });
});

test("filters by batch and by when they were refused", async () => {
    const chunkId = await insertChunk(api.sql, beta, "merged", 700);
    await insertReject(api.sql, { chunkId, recordNo: 1, batchId: 4711 });
    await api.sql`update ingest.rejects set rejected_at = '2024-05-01T10:00:00Z' where batch_id = 4711`;
    const countOf = async (query: string) => (await api.get(`/v1/rejects?${query}`)).body.data.length;

    expect(await countOf("batch=4711")).toBe(1);
    expect(await countOf("batch=4712")).toBe(0);
    expect(await countOf("from=2024-05-01T10:00:00Z&to=2024-05-01T10:00:01Z")).toBe(1);
    expect(await countOf("to=2024-05-01T10:00:00Z")).toBe(0);
});
