import { afterEach, describe, expect, test } from "bun:test";
import type { Batch } from "../../src/server/api/batches/read-batches.ts";
import type { AppOptions } from "../../src/server/api/create-app.ts";
import { encodeCursor } from "../../src/server/api/listing.ts";
import type { LiveCursor } from "../../src/server/api/live/live-cursor.ts";
import { createLiveHub, type LiveSource, type Viewer } from "../../src/server/api/live/live-hub.ts";
import { parseSnapshot } from "../../src/server/api/live/snapshots.ts";
import { openReadPool } from "../../src/server/api/pools.ts";
import type { Api } from "../../src/server/api/route-types.ts";
import { waitUntil } from "../support/wait-until.ts";
import { useProxiedApi } from "./api-fixture.ts";
import { type EventReader, readEvents } from "./event-source.ts";
import { insertBatch, insertFile } from "./seed-ledger.ts";

const api = useProxiedApi(import.meta.path);
const { sql } = api;
const readers: EventReader[] = [];

afterEach(async () => {
    for (const reader of readers.splice(0)) await reader.close().catch(() => {});
});

const openApp = (options: Partial<AppOptions> = {}) => api.open({ stream: { pollMs: 20 }, ...options });

/** `after` of a stream that begins here. */
async function cursorOf(app: Api): Promise<string> {
    return ((await (await app.request("/v1/batches")).json()) as { streamCursor: string }).streamCursor;
}

async function follow(app: Api, query = "", headers: Record<string, string> = {}): Promise<EventReader> {
    const response = await app.request(`/v1/stream${query}`, { headers });
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    const reader = readEvents(response);
    readers.push(reader);
    return reader;
}

const hasBatch = (batchId: number) => (reader: EventReader) => reader.batchIds().includes(batchId);
const hasStatus = (reader: EventReader) => reader.events.some(({ event }) => event === "status");

/** The first status comes when the stream has begun: what is committed after that must be told. */
async function isUpToDate(reader: EventReader): Promise<void> {
    await reader.until(hasStatus);
    const probe = await insertBatch(sql, { inserted: 1 });
    await reader.until(hasBatch(probe));
}

/** A transaction that stays open until it is told to commit. */
async function beginBatch(): Promise<{ batchId: number; commit(): Promise<void> }> {
    const connection = await sql.reserve();
    await connection`begin`;
    const batchId = await insertBatch(connection, { inserted: 1 });
    return {
        batchId,
        async commit() {
            await connection`commit`;
            connection.release();
        },
    };
}

test("tells the status, and each batch as it is committed, as /v1/batches has it", async () => {
    const app = openApp();
    const response = await app.request("/v1/stream");
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-store, no-transform");
    const reader = readEvents(response);
    readers.push(reader);
    await isUpToDate(reader);
    const batchId = await insertBatch(sql, { inserted: 3, rejected: 1 });
    await reader.until(hasBatch(batchId));
    const told = reader.events.findLast(({ event }) => event === "batches")!.data.batches.at(-1);
    const { data } = (await (await app.request("/v1/batches?limit=1")).json()) as { data: unknown[] };
    expect(told).toEqual(data[0]);
    expect(reader.events.find(({ event }) => event === "status")!.data).toMatchObject({ table: "events" });
});

test("tells a batch that was begun first and committed last: the order is that of commits, not of numbers", async () => {
    const reader = await follow(openApp());
    await isUpToDate(reader);
    const slow = await beginBatch();
    const quick = await insertBatch(sql, { inserted: 1 });
    expect(quick).toBeGreaterThan(slow.batchId);
    await reader.until(hasBatch(quick));
    expect(reader.batchIds()).not.toContain(slow.batchId);
    await slow.commit();
    await reader.until(hasBatch(slow.batchId));
    expect(reader.batchIds().slice(-2)).toEqual([quick, slow.batchId]);
});

test("goes on from Last-Event-ID with what was begun before it and committed after it", async () => {
    const first = await follow(openApp());
    await isUpToDate(first);
    const slow = await beginBatch();
    const quick = await insertBatch(sql, { inserted: 1 });
    await first.until(hasBatch(quick));
    await first.close();
    await slow.commit();
    const later = await insertBatch(sql, { inserted: 1 });
    const second = await follow(openApp(), "", { "last-event-id": first.lastEventId() });
    await second.until(hasBatch(later));
    expect(second.batchIds().toSorted((left, right) => left - right)).toEqual([slow.batchId, later]);
});

test("misses nothing between a list and the stream after it", async () => {
    const app = openApp();
    const slow = await beginBatch();
    const cursor = await cursorOf(app);
    const between = await insertBatch(sql, { inserted: 1 });
    await slow.commit();
    const reader = await follow(app, `?after=${cursor}`);
    await reader.until((each) => hasBatch(between)(each) && hasBatch(slow.batchId)(each));
    const fresh = await follow(app);
    await fresh.until(hasStatus);
    expect(fresh.batchIds()).not.toContain(between);
});

test("Last-Event-ID goes before ?after=, which a browser repeats each time it comes back", async () => {
    const app = openApp();
    const cursor = await cursorOf(app);
    const old = await insertBatch(sql, { inserted: 1 });
    const first = await follow(app, `?after=${cursor}`);
    await first.until(hasBatch(old));
    const second = await follow(app, `?after=${cursor}`, { "last-event-id": first.lastEventId() });
    await isUpToDate(second);
    expect(second.batchIds()).not.toContain(old);
});

test("catches up with thousands of batches, none left out, while others are committed in any order", async () => {
    const app = openApp();
    let cursor = await cursorOf(app);
    const [before] = await sql`select coalesce(max(batch_id), 0) as batch_id from ingest.batches`;
    const slow = await Promise.all([beginBatch(), beginBatch()]);
    // One transaction of more than one read, and many small ones.
    await sql`
        insert into ingest.batches
            (batch_key, worker_id, slices, chunks, read, inserted, duplicate, conflict, rejected, started_at, finished_at, duration_ms)
        select gen_random_uuid(), gen_random_uuid(), 1, 1, 1, 1, 0, 0, 0, now(), now(), '{}'
        from generate_series(1, 1200)`;
    for (let number = 0; number < 700; number++) await insertBatch(sql, { inserted: 1 });
    let isWriting = true;
    const writer = (async () => {
        for (let number = 0; isWriting && number < 400; number++) {
            const late = await beginBatch();
            await insertBatch(sql, { inserted: 1 });
            await late.commit();
        }
    })();
    // Away and back again, at every other event.
    const seen = new Set<number>();
    for (let visit = 0; visit < 12; visit++) {
        const reader = await follow(app, `?after=${cursor}`);
        // Nothing may be left to tell: then a status or two is all there is.
        await reader.until(({ events }) => events.some(({ event }) => event === "batches") || events.length > 3);
        for (const batchId of reader.batchIds()) seen.add(batchId);
        cursor = reader.lastEventId() || cursor;
        await reader.close();
        if (visit === 1) await slow[0]!.commit();
    }
    isWriting = false;
    await writer;
    await slow[1]!.commit();
    const rows = await sql`select batch_id from ingest.batches where batch_id > ${before!.batch_id} order by batch_id`;
    const all = rows.map((row) => row.batch_id as number);
    const last = await follow(app, `?after=${cursor}`);
    await last.until((each) => {
        for (const batchId of each.batchIds()) seen.add(batchId);
        return all.every((batchId) => seen.has(batchId));
    });
    expect(all.length).toBeGreaterThan(1900);
    expect([...seen].toSorted((left, right) => left - right)).toEqual(all);
}, 60_000);

describe("many viewers", () => {
    test("cost the database nothing more as they come and go", async () => {
        const app = openApp({ stream: { pollMs: 100 } });
        const first = await follow(app);
        await isUpToDate(first);
        const before = api.proxy.statements();
        const crowd = await Promise.all(Array.from({ length: 200 }, () => follow(app)));
        const returned = await Promise.all(
            Array.from({ length: 50 }, () => follow(app, "", { "last-event-id": first.lastEventId() })),
        );
        expect(api.proxy.statements() - before).toBeLessThan(10);
        const batchId = await insertBatch(sql, { inserted: 1 });
        for (const reader of [...crowd, ...returned]) await reader.until(hasBatch(batchId));
    }, 30_000);

    test("leave: when the last one is gone, nobody asks the database", async () => {
        const app = openApp();
        const reader = await follow(app);
        await reader.until(hasStatus);
        await reader.close();
        await Bun.sleep(200);
        const before = api.proxy.statements();
        await Bun.sleep(300);
        expect(api.proxy.statements()).toBe(before);
        const again = await follow(app, "", { "last-event-id": reader.lastEventId() });
        await isUpToDate(again);
    });

    test("should fail beyond as many as are allowed, until one leaves", async () => {
        const app = openApp({ stream: { pollMs: 20, maxViewers: 2 } });
        const first = await follow(app);
        await follow(app);
        const response = await app.request("/v1/stream");
        expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
            503,
            "too_many_streams",
        ]);
        await first.close();
        await follow(app);
    });

    test("a HEAD request follows nothing", async () => {
        const app = openApp({ stream: { pollMs: 20, maxViewers: 1 } });
        for (let number = 0; number < 3; number++) {
            const response = await app.request("/v1/stream", { method: "HEAD" });
            expect([response.status, response.headers.get("content-type")]).toEqual([
                200,
                "text/event-stream; charset=utf-8",
            ]);
        }
        await follow(app);
    });
});

describe("places that are not known", () => {
    const readSystem = () => sql`
        select system_identifier::text || '-' || pg_relation_filenode('ingest.batches') as system
        from pg_control_system()`;

    test("should fail for an ?after= that no answer gave", async () => {
        const app = openApp();
        const system = "1";
        for (const after of [
            "x",
            encodeCursor("batches", [1]),
            encodeCursor("stream", [system]),
            encodeCursor("stream", [system, "5:1:"]),
            encodeCursor("stream", [system, "1:1:'; drop table events"]),
            encodeCursor("stream", [system, "1:9:", "1:9:", "99999999999999999999", 1]),
            encodeCursor("stream", [system, "1:9:", "1:9:", "1", 0]),
            encodeCursor("stream", [1, "1:9:"]),
        ]) {
            const response = await app.request(`/v1/stream?after=${after}`);
            const { code, parameter } = (await response.json()) as { code: string; parameter: string };
            expect([response.status, code, parameter]).toEqual([400, "invalid_cursor", "after"]);
        }
    });

    test("resets a browser that comes back with an id of another database, of the future, or of nothing", async () => {
        const app = openApp();
        const [row] = await readSystem();
        for (const id of [
            "x",
            encodeCursor("stream", ["123", "5:5:"]),
            encodeCursor("stream", [row!.system, "9000000000:9000000000:"]),
        ]) {
            const reader = await follow(app, "", { "last-event-id": id });
            await reader.until(({ events }) => events.some(({ event }) => event === "reset"));
            await isUpToDate(reader);
            expect(reader.lastEventId()).not.toBe(id);
        }
    });

    test("gives everything there is to who asks from the beginning of time", async () => {
        const [row] = await readSystem();
        const reader = await follow(openApp(), `?after=${encodeCursor("stream", [row!.system, "1:1:"])}`);
        const [count] = await sql`select count(*) as batches from ingest.batches`;
        await reader.until((each) => new Set(each.batchIds()).size >= count!.batches);
    });
});

test("tells viewers, and whoever comes back, that the tables were reset; then goes on", async () => {
    const app = openApp();
    const reader = await follow(app);
    await isUpToDate(reader);
    const before = reader.lastEventId();
    await sql`select from ingest.reset()`;
    await reader.until(({ events }) => events.some(({ event }) => event === "reset"));
    await isUpToDate(reader);
    const back = await follow(app, "", { "last-event-id": before });
    await back.until(({ events }) => events.some(({ event }) => event === "reset"));
    await isUpToDate(back);
});

test("tells which files came and what became of them, and nothing of files that stay as they are", async () => {
    await insertFile(sql, "old.csv");
    const reader = await follow(openApp());
    await isUpToDate(reader);
    await Bun.sleep(60);
    const fileId = await insertFile(sql, "new.csv", "pending");
    const told = (state: string) => (each: EventReader) =>
        each.events.some(
            ({ event, data }) =>
                event === "files" && data.files.some((file: { state: string }) => file.state === state),
        );
    await reader.until(told("pending"));
    await sql`update ingest.files set state = 'failed', problem = 'empty_file' where file_id = ${fileId}`;
    await reader.until(told("failed"));
    const files = reader.events.filter(({ event }) => event === "files").flatMap(({ data }) => data.files);
    expect(new Set(files.map(({ path }: { path: string }) => path))).toEqual(new Set(["new.csv"]));
    expect(files.at(-1)).toMatchObject({ fileId, state: "failed", problem: "empty_file" });
});

test("says that the database is unreachable, and goes on when it is back, nothing lost", async () => {
    const { proxy } = api;
    const away = openReadPool(proxy.target);
    try {
        const app = openApp({ sql: away, deadlineMs: 500 });
        const reader = await follow(app);
        await isUpToDate(reader);
        proxy.takeDown();
        await reader.until(({ events }) => events.at(-1)?.event === "unavailable");
        const missed = await insertBatch(sql, { inserted: 1 });
        const joined = await follow(app, "", { "last-event-id": reader.lastEventId() });
        await joined.until(({ events }) => events.at(-1)?.event === "unavailable");
        const { code } = joined.events.at(-1)!.data;
        expect(["database_unavailable", "database_slow"]).toContain(code);
        await proxy.mend();
        await reader.until(hasBatch(missed));
        await joined.until(hasBatch(missed));
        await reader.until(({ events }) => events.at(-1)?.event === "status");
        expect(reader.end()).toBeUndefined();
        await reader.close();
        await joined.close();
    } finally {
        await away.end({ timeout: 1 });
    }
}, 30_000);

test("stays open on the wire although nothing happens for longer than Bun waits, and ends with the server", async () => {
    const served = api.serve(openApp({ stream: { pollMs: 60_000 } }));
    const reader = readEvents(await fetch(`${served.url}/v1/stream`));
    await reader.until(hasStatus);
    await Bun.sleep(13_000);
    expect(reader.end()).toBeUndefined();
    // Would wait for the stream for ever: the test's time limit is the bound.
    await served.stop();
    await reader.until((each) => each.end() !== undefined);
}, 30_000);

test("brings only the events that are asked for", async () => {
    const all = await follow(openApp());
    const statusOnly = await follow(openApp(), "?only=status");
    await isUpToDate(all);
    const batchId = await insertBatch(sql, { inserted: 1 });
    await insertFile(sql, "only.csv");
    await all.until(hasBatch(batchId));
    await all.until(({ events }) => events.some(({ event }) => event === "files"));
    const seen = statusOnly.events.length;
    await statusOnly.until(({ events }) => events.length > seen + 1);
    expect(new Set(statusOnly.events.map(({ event }) => event))).toEqual(new Set(["status"]));
    await all.close();
    await statusOnly.close();
}, 30_000);

test("a viewer that leaves while the hub looks where it is gets nothing more", async () => {
    const head = Promise.withResolvers<LiveCursor>();
    const cursor: LiveCursor = { system: "1", seen: parseSnapshot("5:5:")! };
    const source: LiveSource = {
        readHead: () => head.promise,
        readNewBatches: async () => ({ batches: [{ batchId: 1 } as Batch], cursor, hasMore: false }),
        readStatus: async () => ({}),
        readFiles: async () => [],
        explain: () => ({ code: "", detail: "" }),
    };
    const hub = createLiveHub(source, 1);
    const sent = { gone: "", present: "" };
    const viewerOf = (name: keyof typeof sent): Viewer => ({
        wants: new Set(["batches"]),
        send: (bytes) => {
            sent[name] += new TextDecoder().decode(bytes);
        },
        drained: async () => {},
    });
    const [gone, present] = [viewerOf("gone"), viewerOf("present")];
    const joined = [hub.join(gone), hub.join(present)];
    hub.leave(gone);
    head.resolve(cursor);
    await Promise.all(joined);
    await waitUntil("a batch is sent", () => sent.present.includes("event: batches"));
    hub.leave(present);
    expect(sent.gone).toBe("");
});
