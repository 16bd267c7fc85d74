/** The API on a server that takes no changes: a hot standby, and a database that is read-only by its default. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sql } from "../../src/database/connect.ts";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import { createApp } from "../../src/server/api/create-app.ts";
import { openReadPool, openWorkPool } from "../../src/server/api/pools.ts";
import type { Fault } from "../../src/server/api/to-problem.ts";
import { eventsApi } from "../../src/shop/api/events-api.ts";
import { ask, useOwnServer } from "../support/own-server.ts";
import { readDocument } from "./check-conformance.ts";
import { insertBatch, insertChunk, insertFile } from "./seed-ledger.ts";

const server = useOwnServer({
    prepare: (directory) => {
        clusterDir = directory;
    },
});
let clusterDir: string;
let target: DatabaseTarget;

beforeAll(async () => {
    target = await server.createDatabase();
    await ask(target, async (sql) => {
        const chunkId = await insertChunk(sql, await insertFile(sql, "a.csv"));
        await insertBatch(sql, { inserted: 9, rejected: 1 }, chunkId);
        await sql`
            insert into ingest.rejects (kind, reasons, record, record_no, chunk_id, batch_id)
            values ('rejected', '{price_negative}', '{"price": "-1"}', 1, ${chunkId}, 1)`;
    });
}, 120_000);
afterAll(() => server.close(), 60_000);

async function withApi(
    use: (request: (path: string, init?: RequestInit) => Promise<Answer>, faults: Fault[]) => Promise<void>,
) {
    const pools: Sql[] = [openReadPool(target), openWorkPool(target)];
    const faults: Fault[] = [];
    const app = createApp({
        served: eventsApi,
        sql: pools[0]!,
        workSql: pools[1]!,
        onFault: (fault) => faults.push(fault),
    });
    const { paths } = await readDocument(app);
    try {
        for (const path of Object.keys(paths).filter(
            (candidate) => "get" in paths[candidate]! && candidate !== "/v1/stream",
        )) {
            const asked = `${path.replace(/\{\w+\}/, "1")}${path === "/v1/trace" ? "?file=a.csv&record=1" : ""}`;
            const response = await app.request(asked);
            expect([asked, response.status, await response.text()]).toEqual([asked, 200, expect.any(String)]);
        }
        await use(async (path, init) => {
            const response = await app.request(path, init);
            return { status: response.status, body: await response.json() };
        }, faults);
        expect(faults).toEqual([]);
    } finally {
        await Promise.all(pools.map((pool) => pool.end({ timeout: 1 })));
    }
}

interface Answer {
    status: number;
    // biome-ignore lint/suspicious/noExplicitAny: what a test expects of a body, it says itself
    body: any;
}

const replay = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"reason": "price_negative"}',
};

test("a database whose sessions are read-only by default: every route answers, and a replay may write", async () => {
    await ask(target, (sql) => sql.unsafe(`alter database ${target.database} set default_transaction_read_only = on`));
    await withApi(async (request) => {
        expect(await request("/v1/replay", replay)).toMatchObject({ status: 200, body: { read: 1, rejected: 1 } });
    });
}, 120_000);

test("a standby: what only reads answers, and a replay says what is wrong", async () => {
    await server.stop();
    writeFileSync(join(clusterDir, "standby.signal"), "");
    await server.start();
    await withApi(async (request) => {
        const { status, body } = await request("/v1/replay", replay);
        expect([status, body.code]).toEqual([503, "database_read_only"]);
        expect(body.detail).toContain("standby");
    });
}, 120_000);
