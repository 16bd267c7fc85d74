import { expect, test } from "bun:test";
import { useApi } from "./api-fixture.ts";
import { insertBatch, insertChunk, insertFile } from "./seed-ledger.ts";

const api = useApi(import.meta.path);

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

test("filters by file and by the time of the commit", async () => {
    const gamma = await insertFile(api.sql, "gamma.csv");
    const chunk = await insertChunk(api.sql, gamma);
    const first = await insertBatch(api.sql, { inserted: 1 }, chunk);
    await insertBatch(api.sql, { inserted: 1 });
    const second = await insertBatch(api.sql, { rejected: 2 }, chunk);
    const idsOf = async (query: string) =>
        (await api.get(`/v1/batches?${query}`)).body.data.map(({ batchId }: { batchId: number }) => batchId);

    expect(await idsOf(`file=${gamma}`)).toEqual([second, first]);
    await api.sql`
        update ingest.batches set finished_at = '2024-05-01T10:00:00Z', started_at = '2024-05-01T09:00:00Z'
        where batch_id = ${first}`;
    expect(await idsOf("from=2024-05-01T10:00:00Z&to=2024-05-01T10:00:01Z")).toEqual([first]);
    expect(await idsOf("to=2024-05-01T10:00:00Z")).toEqual([]);
    expect(await idsOf(`file=${gamma}&from=2024-05-02T00:00:00Z`)).toEqual([second]);
});
