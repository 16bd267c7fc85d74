/** Bytes that no well-behaved client sends: refused or survived, and others are served meanwhile. */
import { afterEach, beforeAll, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import type { ServedApi } from "../../src/server/api/serve.ts";
import { makeFolder } from "../support/fixture.ts";
import { waitUntil } from "../support/wait-until.ts";
import { useApi } from "./api-fixture.ts";

const fixture = useApi(import.meta.path);
const inputDir = makeFolder();
let api: ServedApi;
const sockets: Socket[] = [];

beforeAll(() => {
    api = fixture.serve(fixture.open({ upload: { inputDir } }));
});
afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
});

interface Wire {
    send(text: string): void;
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

test("should fail for a body without end", async () => {
    const flood = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) });
    const refused = await fetch(`${api.url}/v1/session`, { method: "POST", body: flood }).then(
        ({ status }) => status,
        () => 413,
    );
    expect(refused).toBe(413);
    expect(await isServing()).toBe(true);
});
