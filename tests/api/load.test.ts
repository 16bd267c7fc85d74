/** Many viewers at once, over the wire; `bun run test:load` is the same for minutes, and beside an ingest. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Sql } from "../../src/database/connect.ts";
import { createApp } from "../../src/server/api/create-app.ts";
import { openReadPool } from "../../src/server/api/pools.ts";
import { type ServedApi, serveApi } from "../../src/server/api/serve.ts";
import { eventsApi } from "../../src/shop/api/events-api.ts";
import { openViewers } from "../load/viewers.ts";
import { type DatabaseProxy, openDatabaseProxy } from "../support/database-proxy.ts";
import { useDatabase } from "../support/fixture.ts";
import { waitUntil } from "../support/wait-until.ts";
import { jumpingClock } from "./api-fixture.ts";
import { insertBatch } from "./seed-ledger.ts";

const database = useDatabase(import.meta.path);
let proxy: DatabaseProxy;
const pools: Sql[] = [];
const served: ServedApi[] = [];

beforeAll(async () => {
    proxy = await openDatabaseProxy(database.target);
    await insertBatch(database.sql, { inserted: 5 });
});
afterAll(async () => {
    for (const api of served) await api.stop();
    for (const pool of pools) await pool.end({ timeout: 1 });
    await proxy.close();
});

function serve(options: { now?: () => Date; stream?: { pollMs: number } } = {}): ServedApi {
    const sql = openReadPool(proxy.target);
    pools.push(sql);
    const api = serveApi({ app: createApp({ served: eventsApi, sql, ...options }), host: "127.0.0.1", port: 0 });
    served.push(api);
    return api;
}

const viewersOf = async (url: string) =>
    Number(/^sluice_stream_viewers (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1]);

test("two hundred streams and fifty polling clients cost the database what one of each costs", async () => {
    const { port } = serve();
    /** Statements a second while so many watch, once all of them have begun. */
    const costOf = async (streams: number, pollers: number) => {
        const viewers = openViewers({ port, streams, pollers, pollMs: 200 });
        await waitUntil("answers", () => (viewers.answers[200] ?? 0) >= 2 * pollers && viewers.streamedBytes() > 0);
        const [began, before] = [performance.now(), proxy.statements()];
        await Bun.sleep(3000);
        const cost = ((proxy.statements() - before) * 1000) / (performance.now() - began);
        expect(Object.keys(viewers.answers)).toEqual(["200"]);
        expect(viewers.ended()).toBe(0);
        await viewers.close();
        return cost;
    };
    const one = await costOf(1, 5);
    const many = await costOf(200, 50);
    expect(one).toBeGreaterThan(1);
    // Answers are shared for 0.9 s: five pollers may ask a little less often than that, fifty cannot ask more often.
    expect(many).toBeLessThan(1.5 * one);
}, 60_000);

test("viewers that do not read are dropped on the wire too, and the others notice nothing", async () => {
    const { port, url } = serve({ now: jumpingClock(), stream: { pollMs: 20 } });
    const stalled = openViewers({ port, streams: 0, pollers: 0, stalled: 10 });
    const reading = openViewers({ port, streams: 1, pollers: 0 });
    await waitUntil("all of them follow", async () => (await viewersOf(url)) === 11);
    // Bytes that nobody reads fill the sockets first, several megabytes each, and then the API's own bounded queue.
    await waitUntil("ten are dropped", async () => {
        const batchId = await insertBatch(database.sql, { inserted: 1 });
        await database.sql`
            update ingest.batches set duration_ms = jsonb_build_object(repeat('x', 200000), 1)
            where batch_id = ${batchId}`;
        return (await viewersOf(url)) === 1;
    });
    expect(reading.ended()).toBe(0);
    expect(reading.streamedBytes()).toBeGreaterThan(1_000_000);
    await Promise.all([stalled.close(), reading.close()]);
}, 60_000);
