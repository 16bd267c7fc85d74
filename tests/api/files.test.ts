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

test("filters by state and by path", async () => {
    for (const state of ["pending", "failed", "skipped"]) {
        const rows = await readPages(api, `/v1/files?state=${state}&limit=1`);
        expect(rows.map((file) => file.path)).toEqual([`two ${state}.csv`, `one ${state}.csv`]);
    }
    const { body } = await api.get("/v1/files?path=one%20merged.csv");
    expect(body.data.map((file: { state: string }) => file.state)).toEqual(["merged"]);
    expect((await api.get("/v1/files?path=..%2F..%2Fetc%2Fpasswd")).body.data).toEqual([]);
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
    expect(body.records).toMatchObject({ read: 0, inserted: 0, duplicate: 0, conflict: 0, rejected: 0 });
    expect(body.chunks.total).toBe(0);
    expect(body.failedChunks).toEqual([]);
});

test("finds files by a part of their path, as text, and by when they were seen", async () => {
    await insertFile(api.sql, "in/Orders_100%.csv");
    const old = await insertFile(api.sql, "in/orders_1007.csv");
    await api.sql`update ingest.files set discovered_at = '2024-05-01T10:00:00Z' where file_id = ${old}`;
    const pathsOf = async (query: string) =>
        (await api.get(`/v1/files?${query}`)).body.data.map(({ path }: { path: string }) => path);

    expect(await pathsOf("contains=ORDERS_100")).toEqual(["in/orders_1007.csv", "in/Orders_100%.csv"]);
    expect(await pathsOf("contains=100%25")).toEqual(["in/Orders_100%.csv"]);
    expect(await pathsOf("contains=orders_100&to=2024-05-01T10:00:01Z")).toEqual(["in/orders_1007.csv"]);
    expect(await pathsOf("contains=orders_100&from=2024-05-01T10:00:01Z")).toEqual(["in/Orders_100%.csv"]);
});

test("a search looks at so many files at a time, says that it is partial, and goes on from its cursor", async () => {
    await insertFile(api.sql, "needle_old.csv");
    await api.sql`
        insert into ingest.files (path, state, size_bytes, mtime_ns, inode)
        select 'hay_' || number || '.csv', 'merged', 1, 1, number from generate_series(1, 60000) as number`;
    await insertFile(api.sql, "needle_new.csv");
    for (const range of ["", "&to=2999-01-01T00:00:00Z"]) {
        const first = (await api.get(`/v1/files?contains=needle${range}`)).body;
        expect(first.data.map(({ path }: { path: string }) => path)).toEqual(["needle_new.csv"]);
        expect([first.isPartial, typeof first.nextCursor]).toEqual([true, "string"]);
        const second = (await api.get(`/v1/files?contains=needle${range}&cursor=${first.nextCursor}`)).body;
        expect(second.data.map(({ path }: { path: string }) => path)).toEqual(["needle_old.csv"]);
        expect([second.isPartial, second.nextCursor]).toEqual([undefined, null]);
        // A page that is full needs no more of the search.
        const full = (await api.get(`/v1/files?contains=hay&limit=5${range}`)).body;
        expect([full.data.length, full.isPartial]).toEqual([5, undefined]);
    }
}, 60_000);
