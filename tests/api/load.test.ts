/** Many viewers at once, over the wire; `bun run test:load` measures them beside an ingest, for minutes. */
import { beforeAll, expect, test } from "bun:test";
import { openViewers } from "../load/viewers.ts";
import { waitUntil } from "../support/wait-until.ts";
import { jumpingClock, useProxiedApi } from "./api-fixture.ts";
import { insertBatch } from "./seed-ledger.ts";

const api = useProxiedApi(import.meta.path);

beforeAll(async () => {
    await insertBatch(api.sql, { inserted: 5 });
});

const viewersOf = async (url: string) =>
    Number(/^sluice_stream_viewers (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1]);

test("two hundred streams and fifty polling clients cost the database what one of each costs", async () => {
    const { port } = api.serve();
    /** Statements a second while so many watch, once all of them have begun. */
    const costOf = async (streams: number, pollers: number) => {
        const viewers = openViewers({ port, streams, pollers, pollMs: 200 });
        await waitUntil("answers", () => (viewers.answers[200] ?? 0) >= 2 * pollers && viewers.streamedBytes() > 0);
        const [began, before] = [performance.now(), api.proxy.statements()];
        await Bun.sleep(3000);
        const cost = ((api.proxy.statements() - before) * 1000) / (performance.now() - began);
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
    const { port, url } = api.serve(api.open({ now: jumpingClock(), stream: { pollMs: 20 } }));
    const stalled = openViewers({ port, streams: 0, pollers: 0, stalled: 10 });
    const reading = openViewers({ port, streams: 1, pollers: 0 });
    await waitUntil("all of them follow", async () => (await viewersOf(url)) === 11);
    // Bytes that nobody reads fill the sockets first, several megabytes each, and then the API's own bounded queue.
    await waitUntil("ten are dropped", async () => {
        const batchId = await insertBatch(api.sql, { inserted: 1 });
        await api.sql`
            update ingest.batches set duration_ms = jsonb_build_object(repeat('x', 200000), 1)
            where batch_id = ${batchId}`;
        return (await viewersOf(url)) === 1;
    });
    expect(reading.ended()).toBe(0);
    expect(reading.streamedBytes()).toBeGreaterThan(1_000_000);
    await Promise.all([stalled.close(), reading.close()]);
}, 60_000);
