import { expect, test } from "bun:test";
import { useApi } from "./api-fixture.ts";
import { insertBatch, insertFile } from "./seed-ledger.ts";

const api = useApi(import.meta.path);

test("is alive and ready, and with ?verbose says what it looked at", async () => {
    expect((await api.get("/livez")).body).toEqual({ status: "alive" });
    expect((await api.get("/readyz")).body).toEqual({ status: "ready" });
    for (const path of ["/readyz?verbose", "/readyz?verbose=true", "/readyz?verbose=1"]) {
        const { body } = await api.get(path);
        expect(body.checks.map(({ name, ok }: Record<string, unknown>) => [name, ok])).toEqual([
            ["database", true],
            ["tables", true],
        ]);
    }
});

test("shows the status as of one moment", async () => {
    const empty = await api.get("/v1/status");
    expect(empty.body).toMatchObject({ state: "empty", events: 0, lastBatch: null });
    await insertFile(api.sql, "a.csv", "failed");
    const batchId = await insertBatch(api.sql, { inserted: 3, rejected: 1 });
    await api.sql`
        insert into ingest.workers values
            (gen_random_uuid(), 'host', 1, '/data', now(), now() + interval '1 minute', '{"doing": "merge"}')`;
    const { body } = await api.get("/v1/status");
    expect(body).toMatchObject({
        totals: { read: 4, inserted: 3, duplicate: 0, conflict: 0, rejected: 1, batches: 1 },
        lastBatch: { batchId, read: 4 },
        files: { failed: 1 },
        failedFiles: [{ path: "a.csv" }],
    });
    expect(Math.abs(Date.parse(body.asOf) - Date.now())).toBeLessThan(60_000);
});
