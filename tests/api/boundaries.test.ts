import { expect, test } from "bun:test";
import { join } from "node:path";
import { Glob } from "bun";
import { useApi } from "./api-fixture.ts";
import { insertBatch, insertChunk, insertFile, insertReject } from "./seed-ledger.ts";

const api = useApi(import.meta.path);
const root = join(import.meta.dir, "../..");

test("the API never imports the ingest: they meet in the database", async () => {
    const transpiler = new Bun.Transpiler({ loader: "ts" });
    const seen = new Set<string>();
    const visit = async (file: string): Promise<void> => {
        if (seen.has(file) || !file.endsWith(".ts")) return;
        seen.add(file);
        for (const { path } of transpiler.scanImports(await Bun.file(file).text())) {
            if (path.startsWith(".")) await visit(join(file, "..", path));
        }
    };
    for await (const file of new Glob("src/server/api/**/*.ts").scan(root)) await visit(join(root, file));
    expect(seen.size).toBeGreaterThan(20);
    expect([...seen].filter((file) => file.startsWith(join(root, "src/engine")))).toEqual([]);
});

test("only /v1/events reads events: every other number is from the ledger and the rollups", async () => {
    const fileId = await insertFile(api.sql, "a.csv");
    const chunkId = await insertChunk(api.sql, fileId);
    const batchId = await insertBatch(api.sql, { inserted: 1, rejected: 1 }, chunkId);
    await insertReject(api.sql, { chunkId, recordNo: 1, batchId });
    await api.sql`alter table events rename to events_gone`;
    for (const path of [
        "/readyz?verbose",
        "/metrics",
        "/v1/status",
        "/v1/stats?bucket=day",
        "/v1/batches",
        `/v1/batches/${batchId}`,
        "/v1/files",
        `/v1/files/${fileId}`,
        "/v1/rejects",
        "/v1/rejects/summary",
    ]) {
        expect([path, (await api.get(path)).status]).toEqual([path, 200]);
    }
    expect((await api.get("/v1/events")).status).toBe(503);
});
