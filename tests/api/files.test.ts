import { beforeAll, expect, test } from "bun:test";
import { readPages, useApi } from "./api-fixture.ts";
import { insertBatch, insertChunk, insertFile } from "./seed-ledger.ts";

const api = useApi(import.meta.path);

beforeAll(async () => {
    for (const state of ["pending", "loaded", "merged", "skipped", "failed", "replaced"]) {
        await insertFile(api.sql, `one ${state}.csv`, state);
        await insertFile(api.sql, `two ${state}.csv`, state);
    }
});

test("lists every file once, newest first, whatever the page", async () => {
    const all = (await api.get("/v1/files?limit=200")).body.data.map((file: { path: string }) => file.path);
    expect(all).toHaveLength(12);
    expect(all[0]).toBe("two replaced.csv");
    for (const limit of [1, 5, 12]) {
        expect((await readPages(api, `/v1/files?limit=${limit}`)).map((file) => file.path)).toEqual(all);
    }
});

test("filters by state and by path", async () => {
    for (const state of ["pending", "failed", "skipped"]) {
        const rows = await readPages(api, `/v1/files?state=${state}&limit=1`);
        expect(rows.map((file) => file.path)).toEqual([`two ${state}.csv`, `one ${state}.csv`]);
    }
    const { body } = await api.get("/v1/files?path=one%20merged.csv");
    expect(body.data.map((file: { state: string }) => file.state)).toEqual(["merged"]);
});

test("shows what became of a file's records and chunks", async () => {
    const fileId = await insertFile(api.sql, "big.csv", "loaded");
    const merged = await insertChunk(api.sql, fileId, "merged", 0);
    await insertChunk(api.sql, fileId, "staged", 100);
    const failed = await insertChunk(api.sql, fileId, "failed", 200);
    await insertBatch(api.sql, { inserted: 3, rejected: 1 }, merged);
    await insertBatch(api.sql, { duplicate: 2, conflict: 1 }, merged);
    const { body } = await api.get(`/v1/files/${fileId}`);
    expect(body).toMatchObject({
        fileId,
        path: "big.csv",
        state: "loaded",
        header: ["event_id", 'a "b", c'],
        records: { read: 7, inserted: 3, duplicate: 2, conflict: 1, rejected: 1 },
        chunks: { total: 3, pending: 0, staged: 1, merged: 1, failed: 1 },
        failedChunks: [{ chunkId: failed, problem: "merge_raised", problemDetail: null }],
    });
});

test("shows zeros for a file of which nothing has been loaded", async () => {
    const fileId = await insertFile(api.sql, "new.csv", "pending");
    const { body } = await api.get(`/v1/files/${fileId}`);
    expect(body.records).toEqual({ read: 0, inserted: 0, duplicate: 0, conflict: 0, rejected: 0 });
    expect(body.chunks.total).toBe(0);
    expect(body.failedChunks).toEqual([]);
});

test("should fail for a file that is not there, a state that is none, a path that no file has", async () => {
    expect((await api.get("/v1/files/99999")).body.code).toBe("file_not_found");
    const { status, body } = await api.get("/v1/files?state=lost");
    expect([status, body.code, body.parameter]).toEqual([400, "invalid_parameter", "state"]);
    expect((await api.get("/v1/files?path=..%2F..%2Fetc%2Fpasswd")).body.data).toEqual([]);
});
