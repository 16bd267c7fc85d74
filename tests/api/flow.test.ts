import { expect, test } from "bun:test";
import { useApi } from "./api-fixture.ts";
import { insertBatch, insertChunk, insertFile } from "./seed-ledger.ts";

const api = useApi(import.meta.path);

const windows = [
    ["5m", 60, 5],
    ["1h", 120, 30],
    ["24h", 144, 600],
    ["7d", 168, 3600],
] as const;

const sum = (steps: Record<string, number>[], field: string) => steps.reduce((total, step) => total + step[field]!, 0);

test("has every step of a window before the first batch, and nothing in them", async () => {
    for (const [window, steps, stepSeconds] of windows) {
        const { status, body } = await api.get(`/v1/flow?window=${window}`);
        expect(status).toBe(200);
        expect(body).toMatchObject({ window, stepSeconds, since: null, stagedRecords: 0 });
        expect(body.steps).toHaveLength(steps);
        const starts = body.steps.map(({ from }: { from: string }) => Date.parse(from) / 1000);
        expect(starts.every((at: number, index: number) => at === starts[0] + index * stepSeconds)).toBe(true);
        expect(body.steps.at(-1)).toMatchObject({ arrived: 0, batches: 0, read: 0, meanDurationMs: null });
    }
});

test("counts what was staged and what was committed in the step in which it happened", async () => {
    const fileId = await insertFile(api.sql, "a.csv");
    await insertChunk(api.sql, fileId);
    const old = await insertChunk(api.sql, fileId, "merged", 100);
    await api.sql`update ingest.chunks set staged_at = now() - interval '2 hours' where chunk_id = ${old}`;
    await insertChunk(api.sql, fileId, "staged", 200);
    await insertBatch(api.sql, { inserted: 5, duplicate: 2, conflict: 1, rejected: 3 });
    const longAgo = await insertBatch(api.sql, { inserted: 7 });
    await api.sql`
        update ingest.batches
        set started_at = started_at - interval '2 hours', finished_at = finished_at - interval '2 hours'
        where batch_id = ${longAgo}`;

    const { body: hour } = await api.get("/v1/flow?window=1h");
    expect(sum(hour.steps, "read")).toBe(11);
    expect(sum(hour.steps, "inserted")).toBe(5);
    const { body: day } = await api.get("/v1/flow?window=24h");
    expect(sum(day.steps, "read")).toBe(18);
    expect(sum(day.steps, "arrived")).toBe(30);
    const step = hour.steps.find(({ batches }: { batches: number }) => batches > 0);
    expect(step.meanDurationMs).toEqual({ merge: 12.5 });
    expect(step.lagP95Ms).toBeGreaterThanOrEqual(2000);
    expect(hour.since).not.toBeNull();
    expect(hour.stagedRecords).toBe(10);
    await api.sql`update ingest.batches set kind = 'replay' where batch_id <> ${longAgo}`;
    const { body: withReplay } = await api.get("/v1/flow?window=24h");
    expect(sum(withReplay.steps, "read")).toBe(7);
});

test("has the steps of any range; the backlog of one that is over is not known", async () => {
    const fileId = await insertFile(api.sql, "range.csv");
    const chunkId = await insertChunk(api.sql, fileId, "merged", 300);
    await api.sql`update ingest.chunks set staged_at = '2024-05-01T10:00:30Z' where chunk_id = ${chunkId}`;
    const batchId = await insertBatch(api.sql, { inserted: 4 });
    await api.sql`
        update ingest.batches set started_at = '2024-05-01T10:29:59Z', finished_at = '2024-05-01T10:30:00Z'
        where batch_id = ${batchId}`;

    const { body } = await api.get("/v1/flow?from=2024-05-01T10:00:10Z&to=2024-05-01T10:31:00Z");
    expect(body).toMatchObject({ window: null, stepSeconds: 30, stagedRecords: null });
    expect(body.steps).toHaveLength(63);
    expect([body.steps[0].from, body.steps.at(-1).from]).toEqual([
        "2024-05-01T10:00:00.000000Z",
        "2024-05-01T10:31:00.000000Z",
    ]);
    expect([sum(body.steps, "arrived"), sum(body.steps, "read")]).toEqual([10, 4]);
    expect(body.steps[1]).toMatchObject({ arrived: 10 });
    expect(body.steps[60]).toMatchObject({ read: 4 });
    expect((await api.get("/v1/flow?from=2024-05-01T10:31:00Z&to=2024-05-01T11:00:00Z")).body.steps[0].read).toBe(0);
});
