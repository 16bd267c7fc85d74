import { beforeAll, expect, test } from "bun:test";
import { encodeCursor } from "../../src/server/api/listing.ts";
import { readPages, useApi } from "./api-fixture.ts";
import { insertBatch, insertChunk, insertFile } from "./seed-ledger.ts";

const api = useApi(import.meta.path);
let batchIds: number[];

beforeAll(async () => {
    batchIds = [];
    for (let number = 1; number <= 120; number++) {
        batchIds.push(await insertBatch(api.sql, { inserted: number, duplicate: 1 }));
    }
});

test("lists every batch exactly once, newest first, page by page", async () => {
    for (const limit of [1, 7, 60, 120, 200]) {
        const rows = await readPages(api, `/v1/batches?limit=${limit}`);
        expect(rows.map((row) => row.batchId)).toEqual(batchIds.toReversed());
    }
});

test("goes on from its cursor although new batches were committed meanwhile", async () => {
    const first = await api.get("/v1/batches?limit=10");
    const added = await insertBatch(api.sql, { inserted: 1 });
    const second = await api.get(`/v1/batches?limit=10&cursor=${first.body.nextCursor}`);
    expect(second.body.data[0].batchId).toBe(first.body.data.at(-1).batchId - 1);
    await api.sql`delete from ingest.batches where batch_id = ${added}`;
});

test("shows a batch with its counts, its phases and the files it touched", async () => {
    const alpha = await insertFile(api.sql, "alpha.csv");
    const chunk = await insertChunk(api.sql, alpha);
    const batchId = await insertBatch(api.sql, { inserted: 3, duplicate: 2, conflict: 1, rejected: 4 }, chunk);
    const beta = await insertFile(api.sql, "beta.csv");
    await api.sql`insert into ingest.chunk_merges values (${await insertChunk(api.sql, beta)}, ${batchId}, 65535, 2, 2, 0, 0, 0)`;
    const { body } = await api.get(`/v1/batches/${batchId}`);
    expect(body).toMatchObject({
        batchId,
        read: 10,
        inserted: 3,
        duplicate: 2,
        conflict: 1,
        rejected: 4,
        durationMs: { merge: 12.5 },
        fileCount: 2,
        files: [
            { fileId: alpha, path: "alpha.csv", read: 10, inserted: 3, duplicate: 2, conflict: 1, rejected: 4 },
            { fileId: beta, path: "beta.csv", read: 2, inserted: 2, duplicate: 0, conflict: 0, rejected: 0 },
        ],
    });
});

test("lists the first 200 files of a batch and counts them all", async () => {
    const batchId = await insertBatch(api.sql, { inserted: 205 });
    await api.sql`
        with new_files as (
            insert into ingest.files (path, state, size_bytes, mtime_ns, inode)
            select 'many_' || to_char(number, 'fm000') || '.csv', 'merged', 1, 1, number
            from generate_series(1, 205) as number
            returning file_id
        ),
        new_chunks as (
            insert into ingest.chunks
                (file_id, first_byte, end_byte, first_record_no, first_line_no, records, content_hash, state)
            select file_id, 0, 1, 1, 2, 1, 'hash', 'merged' from new_files
            returning chunk_id
        )
        insert into ingest.chunk_merges select chunk_id, ${batchId}, 65535, 1, 1, 0, 0, 0 from new_chunks`;
    const { body } = await api.get(`/v1/batches/${batchId}`);
    expect(body.fileCount).toBe(205);
    expect(body.files).toHaveLength(200);
    expect(body.files.at(-1).path).toBe("many_200.csv");
});

test("should fail for a batch that is not there, or an id that is none", async () => {
    const { status, body } = await api.get("/v1/batches/999999");
    expect([status, body.code, body.parameter]).toEqual([404, "batch_not_found", "id"]);
    for (const id of ["0", "-1", "1.0", "1e3", "0x1", "abc", "%201", "9007199254740993", "1%3Bselect", "%00"]) {
        const answer = await api.get(`/v1/batches/${id}`);
        expect([id, answer.status, answer.body.code]).toEqual([id, 400, "invalid_parameter"]);
    }
    const extra = await api.get("/v1/batches/1?verbose=1");
    expect([extra.status, extra.body.code]).toEqual([400, "unknown_parameter"]);
});

test("should fail for cursors of no batch", async () => {
    for (const keys of [[0], [-1], [1.5], ["1"], [], [1, 2], [Number.MAX_SAFE_INTEGER + 1]]) {
        const { status, body } = await api.get(`/v1/batches?cursor=${encodeCursor("batches", keys)}`);
        expect([keys, status, body.code]).toEqual([keys, 400, "invalid_cursor"]);
    }
});
