/** What arrives over the wire that no well-behaved client sends: refused or survived, and others are served meanwhile. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import type { Sql } from "../../src/database/connect.ts";
import { createApp } from "../../src/server/api/create-app.ts";
import { openReadPool } from "../../src/server/api/pools.ts";
import { type ServedApi, serveApi } from "../../src/server/api/serve.ts";
import { eventsApi } from "../../src/shop/api/events-api.ts";
import { makeFolder, useDatabase } from "../support/fixture.ts";
import { waitUntil } from "../support/wait-until.ts";

const database = useDatabase(import.meta.path);
let pool: Sql;
const inputDir = makeFolder();
let api: ServedApi;
const sockets: Socket[] = [];

beforeAll(async () => {
    pool = openReadPool(database.target);
    const app = createApp({ served: eventsApi, sql: pool, upload: { inputDir }, stream: { pollMs: 100 } });
    api = serveApi({ app, host: "127.0.0.1", port: 0 });
});
afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(async () => {
    await api.stop();
    await pool.end({ timeout: 1 });
});

interface Wire {
    send(text: string): void;
    /** What has come so far. */
    received(): string;
    closed: Promise<void>;
}

function open(): Wire {
    const socket = connect(api.port, "127.0.0.1");
    sockets.push(socket);
    let text = "";
    socket.on("data", (bytes) => {
        text += bytes;
    });
    // Reset or ended: either way it is over.
    socket.on("error", () => {});
    const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
    return { send: (part) => void socket.write(part), received: () => text, closed };
}

const isServing = async () => (await fetch(`${api.url}/v1/status`)).status === 200;

test("should fail for a header of 10 MB", async () => {
    const wire = open();
    wire.send(`GET /v1/status HTTP/1.1\r\nHost: localhost\r\nX-Long: ${"x".repeat(10 * 1024 * 1024)}\r\n\r\n`);
    await wire.closed;
    expect(wire.received()).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
    expect(await isServing()).toBe(true);
});

test("cuts off who sends a header byte by byte, and serves others meanwhile", async () => {
    const slow = Array.from({ length: 50 }, open);
    const began = performance.now();
    for (const wire of slow) wire.send("GET /v1/status HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
    expect(await isServing()).toBe(true);
    await Promise.all(slow.map(({ closed }) => closed));
    expect(performance.now() - began).toBeLessThan(30_000);
    expect(await isServing()).toBe(true);
});

test("gives up an upload whose sender went away or fell silent, and keeps nothing of it", async () => {
    const wire = open();
    wire.send(
        "POST /v1/ingest HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: 1000\r\n\r\nhalf of it",
    );
    const [part] = await waitUntil("it has begun", () => readdirSync(inputDir).length > 0 && readdirSync(inputDir));
    expect(part).toMatch(/^\.upload_[0-9a-f]+\.part$/);
    for (const socket of sockets.splice(0)) socket.destroy();
    await waitUntil("nothing is kept", () => readdirSync(inputDir).length === 0);
});

test("serves others while the viewer of a stream does not read", async () => {
    const stalled = connect(api.port, "127.0.0.1");
    sockets.push(stalled);
    stalled.on("error", () => {});
    stalled.pause();
    stalled.write("GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const reading = await fetch(`${api.url}/v1/stream`);
    const reader = reading.body!.getReader();
    const first = await reader.read();
    expect(first.done).toBe(false);
    expect(await isServing()).toBe(true);
    await reader.cancel();
});
