/** The API on a server that takes no changes: a hot standby, and a database that is read-only by its default. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import type { Fault } from "../../src/server/api/to-problem.ts";
import { ask, useOwnServer } from "../support/own-server.ts";
import { openApiFixture, readEverything } from "./api-fixture.ts";
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

/** Everything that reads answers, and nothing is blamed on the API; the answer to a replay. */
async function readAndReplay() {
    const faults: Fault[] = [];
    const api = await openApiFixture({ target, sql: null as never }, { onFault: (fault) => faults.push(fault) });
    await readEverything(api);
    const answer = await api.post("/v1/replay", '{"reason": "price_negative"}', { "content-type": "application/json" });
    expect(faults).toEqual([]);
    return answer;
}

test("a database whose sessions are read-only by default: every route answers, and a replay may write", async () => {
    await ask(target, (sql) => sql.unsafe(`alter database ${target.database} set default_transaction_read_only = on`));
    expect(await readAndReplay()).toMatchObject({ status: 200, body: { read: 1, rejected: 1 } });
}, 120_000);

test("a standby: what only reads answers, and a replay says what is wrong", async () => {
    await server.stop();
    writeFileSync(join(clusterDir, "standby.signal"), "");
    await server.start();
    const { status, body } = await readAndReplay();
    expect([status, body.code]).toEqual([503, "database_read_only"]);
    expect(body.detail).toContain("standby");
}, 120_000);
