/** Objects that a notification reports are in at once, where no listing would find them for an hour; and what a wrong one may not do. */
import { beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createApp } from "../../src/server/api/create-app.ts";
import { openReadPool, openWorkPool } from "../../src/server/api/pools.ts";
import type { Api } from "../../src/server/api/route-types.ts";
import { eventsApi } from "../../src/shop/api/events-api.ts";
import { declare, makeTable, type RunningIngest, useSeveralStreams } from "../streams/several-streams.ts";
import { atEnd } from "../support/at-end.ts";
import { headerLine, idOf, useEmptyDatabase } from "../support/fixture.ts";
import { isThereObjectStore } from "../support/object-store.ts";
import { useBucket } from "../support/use-bucket.ts";
import { waitUntil } from "../support/wait-until.ts";

describe.skipIf(!isThereObjectStore)("a notification", () => {
    const database = useEmptyDatabase(import.meta.path);
    const { sql } = database;
    const bucket = useBucket();
    const several = useSeveralStreams(database, () => [declare("orders", `${bucket.url}/orders/**/*.csv`)]);
    const numbers = (...all: number[]) => `no,word\n${all.map((no) => `${no},w${no}\n`).join("")}`;
    const event = (no: number) => `${headerLine}${idOf(no)},view,p,u,2024-01-01 00:00:00,,1\n`;
    let app: Api;
    let ingest: RunningIngest;

    beforeAll(async () => {
        await sql.unsafe(makeTable("orders"));
        const pools = { sql: openReadPool(database.target), workSql: openWorkPool(database.target) };
        atEnd(() => Promise.all(Object.values(pools).map((pool) => pool.end({ timeout: 1 }))));
        app = createApp({ served: eventsApi, ...pools });
    });
    // A quick look finds what is behind the greatest known key, so that is the greatest there will be.
    beforeEach(async () => {
        await sql`truncate orders`;
        await bucket.put("orders/z.csv", numbers(1));
        await bucket.put("shop/z.csv", event(1));
        const inputDir = `${bucket.url}/shop`;
        ingest = several.start({}, { inputDir, listEveryMs: 3_600_000, trigger: { kind: "continuous" } });
        await rowsAre({ orders: 1, events: 1 });
    });

    const rowsAre = (expected: { orders?: number; events?: number }) =>
        waitUntil("the rows are in", async () => {
            const [orders, events] = [await several.count("orders"), await several.count("events")];
            return orders === (expected.orders ?? orders) && events === (expected.events ?? events);
        });
    const keyOf = (path: string) => `${bucket.url.slice("s3://drops/".length)}/${path}`;
    const post = async (body: unknown) => {
        const init = { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } };
        return (await app.request("/v1/notify", init)).json();
    };
    const ofS3 = (path: string) => ({
        eventName: "ObjectCreated:Put",
        s3: { bucket: { name: "drops" }, object: { key: encodeURIComponent(keyOf(path)).replaceAll("%20", "+") } },
    });
    const reportOf = async (stream: string) => {
        const [row] = await sql<{ listing: { keys: number } | null; hints: { looked: number; absent: number } }[]>`
            select report -> 'listing' as listing, report -> 'hints' as hints
            from ingest.workers
            inner join ingest.streams using (stream_id)
            where streams.name = ${stream}
            order by workers.started_at desc
            limit 1`;
        return row!;
    };
    const looked = (stream: string, hints: { looked: number; absent: number }) =>
        waitUntil("the hints are looked at", async () => Bun.deepEquals((await reportOf(stream)).hints, hints));

    test("brings what no listing has found: from a bucket of the stream's own, and from the bucket of --input", async () => {
        await bucket.put("orders/2026 05/ü+.csv", numbers(2, 3));
        await bucket.put("shop/a.csv", event(2));
        expect(await post({ Records: [ofS3("orders/2026 05/ü+.csv")] })).toMatchObject({ accepted: 1 });
        const detail = { bucket: { name: "drops" }, object: { key: keyOf("shop/a.csv") } };
        expect(await post({ "detail-type": "Object Created", detail })).toMatchObject({ accepted: 1 });
        await rowsAre({ orders: 3, events: 2 });
        await looked("orders", { looked: 1, absent: 0 });
        await looked("events", { looked: 1, absent: 0 });
        // Of the listing with which it began.
        expect((await reportOf("orders")).listing).toMatchObject({ keys: 1 });
    });

    test("of a replaced object brings the new version, and a repeated one nothing", async () => {
        await bucket.put("orders/z.csv", numbers(7, 8));
        for (let time = 0; time < 30; time++) await post({ Records: [ofS3("orders/z.csv"), ofS3("orders/z.csv")] });
        await rowsAre({ orders: 3 });
        await waitUntil("none waits", async () => (await sql`select from ingest.hints`).length === 0);
        const path = `${bucket.url}/orders/z.csv`;
        const versions = await sql`select version, state from ingest.files where path = ${path} order by version`;
        expect([...versions]).toEqual([
            { version: 1, state: "replaced" },
            { version: 2, state: "merged" },
        ]);
    });

    test("should fail to do harm: of nothing, of a key that no request can carry, of a file of another stream", async () => {
        const forged = ["orders/gone.csv", "orders/./a.csv", "orders/a/../z.csv", `orders/${"x".repeat(900)}.csv`];
        expect(await post({ Records: forged.map(ofS3) })).toMatchObject({
            accepted: 2,
            ignored: [{ reason: "outside_pattern", count: 2 }],
        });
        const [{ streamId }] = await sql<[{ streamId: number }]>`
            select stream_id as "streamId" from ingest.streams where name = 'orders'`;
        const others = [`${bucket.url}/shop/z.csv`, `${bucket.url}/orders/../z.csv`, "../../etc/passwd.csv"];
        await sql`insert into ingest.hints select ${streamId}, unnest(${others}::text[])`;
        await looked("orders", { looked: 2, absent: 2 });
        await bucket.put("orders/b.csv", numbers(2));
        await post({ Records: [ofS3("orders/b.csv")] });
        await rowsAre({ orders: 2, events: 1 });
        expect(ingest.lines.filter((line) => !line.startsWith("info"))).toEqual([]);
        expect((await several.files()).map(({ state }) => state)).toEqual(["merged", "merged", "merged"]);
    });

    test("too many: a listing comes sooner in their place", async () => {
        await bucket.put("orders/c.csv", numbers(2));
        await sql`insert into ingest.hints select stream_id, '' from ingest.streams where name = 'orders'`;
        await rowsAre({ orders: 2 });
    });
});
