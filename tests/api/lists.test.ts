/** Pages: each row exactly once, newest first. */
import { beforeAll, expect, test } from "bun:test";
import { readPages, useApi } from "./api-fixture.ts";
import { insertBatch, insertChunk, insertFile, insertReject } from "./seed-ledger.ts";

const api = useApi(import.meta.path);

beforeAll(async () => {
    for (let number = 1; number <= 30; number++) {
        const chunkId = await insertChunk(api.sql, await insertFile(api.sql, `${number}.csv`));
        await insertBatch(api.sql, { inserted: number, rejected: 1 }, chunkId);
        await insertReject(api.sql, { chunkId, recordNo: 1 });
    }
    // 40 at one instant, 40 one microsecond apart, 20 a second apart.
    await api.sql`
        insert into events (event_id, event_type, product_id, user_id, event_timestamp, chunk_id, record_no)
        select
            gen_random_uuid(), 'view', 'p', 'u',
            '2026-01-02T03:04:05.123456Z'::timestamptz + case
                when number <= 40 then interval '0'
                when number <= 80 then (number - 60) * interval '1 microsecond'
                else (number - 90) * interval '1 second'
            end,
            1, number
        from generate_series(1, 100) as number`;
});

test.each([
    ["/v1/events", "eventId", "select event_id as id from events order by event_timestamp desc, event_id desc"],
    ["/v1/batches", "batchId", "select batch_id as id from ingest.batches order by batch_id desc"],
    ["/v1/files", "fileId", "select file_id as id from ingest.files order by file_id desc"],
    ["/v1/rejects", "rejectId", "select reject_id as id from ingest.rejects order by reject_id desc"],
])("%s gives every row exactly once, newest first, whatever the page", async (path, name, statement) => {
    const expected = (await api.sql.unsafe(statement)).map(({ id }) => id);
    expect(expected.length).toBeGreaterThanOrEqual(30);
    for (const limit of [1, 7, 200]) {
        const rows = await readPages(api, `${path}?limit=${limit}`);
        expect(rows.map((row) => row[name])).toEqual(expected);
    }
});

test.each([
    ["/v1/batches", "batchId", "batches", "batch_id", "finished_at"],
    ["/v1/files", "fileId", "files", "file_id", "discovered_at"],
])(
    "%s of a time range gives every row of it exactly once, the latest first, whatever the page",
    async (path, name, table, id, time) => {
        await api.sql.unsafe(`
        update ingest.${table}
        set ${time} = '2025-03-01T00:00:00.123456Z'::timestamptz - (${id} * 7 % 13) * interval '1 second'
        where ${id} % 3 <> 0`);
        const [from, to] = ["2025-02-28T23:59:50Z", "2025-03-01T00:00:00Z"];
        const expected = await api.sql.unsafe(`
        select ${id} as id from ingest.${table}
        where ${time} >= '${from}' and ${time} < '${to}'
        order by ${time} desc, ${id} desc`);
        expect(expected.length).toBeGreaterThanOrEqual(12);
        for (const limit of [1, 5, 200]) {
            const rows = await readPages(api, `${path}?limit=${limit}&from=${from}&to=${to}`);
            expect(rows.map((row) => row[name])).toEqual(expected.map(({ id }) => id));
        }
        const open = await readPages(api, `${path}?limit=7&to=${to}`);
        expect(open.map((row) => row[name]).slice(0, expected.length)).toEqual(expected.map(({ id }) => id));
    },
);

test("goes on from its cursor although new rows were committed meanwhile", async () => {
    const [newest] = await api.sql`select max(batch_id) as id from ingest.batches`;
    const first = await api.get("/v1/batches?limit=10");
    expect(first.body.data[0].batchId).toBe(newest!.id);
    await insertBatch(api.sql, { inserted: 1 });
    const second = await api.get(`/v1/batches?limit=10&cursor=${first.body.nextCursor}`);
    expect(second.body.data[0].batchId).toBe(first.body.data.at(-1).batchId - 1);
});
