/** `POST /v1/ingest/pause` and `/resume`: answers, refusals, who may, and where the pause is shown. */
import { beforeEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { header, makeFolder } from "../support/fixture.ts";
import { useApi } from "./api-fixture.ts";
import { readEvents } from "./event-source.ts";
import { parseExposition } from "./parse-exposition.ts";

const inputDir = makeFolder();
const api = useApi(import.meta.path, { upload: { inputDir } });
const json = { "content-type": "application/json" };
const send = (action: "pause" | "resume", body: unknown = {}) =>
    api.post(`/v1/ingest/${action}`, JSON.stringify(body), json);

beforeEach(async () => {
    await api.sql`select ingest.resume_streams(null)`;
});

test("pauses a stream with who and why, says so everywhere, and resumes it", async () => {
    const paused = await send("pause", { stream: "events", reason: "the disk is replaced", by: "ana" });
    expect([paused.status, paused.body.streams]).toEqual([
        200,
        [
            {
                stream: "events",
                hasChanged: true,
                pausedAt: expect.any(String),
                pausedBy: "ana",
                pauseReason: "the disk is replaced",
            },
        ],
    ]);
    expect((await api.get("/v1/status")).body).toMatchObject({
        state: "paused",
        tone: "busy",
        verdict: expect.stringMatching(/^Paused for .+ by ana: the disk is replaced\./),
        streams: [
            { state: "paused", pausedBy: "ana", pauseReason: "the disk is replaced", pausedAt: expect.any(String) },
        ],
    });
    expect((await api.get("/v1/streams")).body.data).toMatchObject([{ name: "events", state: "paused" }]);
    expect(await metric()).toBe(1);

    expect((await send("pause", { reason: "another" })).body.streams).toMatchObject([
        { hasChanged: false, pausedBy: "ana", pauseReason: "the disk is replaced" },
    ]);
    expect((await send("resume")).body.streams).toMatchObject([
        { stream: "events", hasChanged: true, pausedBy: "ana" },
    ]);
    expect((await send("resume", { stream: "events" })).body.streams).toMatchObject([
        { hasChanged: false, pausedAt: null },
    ]);
    expect((await api.get("/v1/status")).body.state).not.toBe("paused");
    expect(await metric()).toBe(0);
});

async function metric(): Promise<number | undefined> {
    const { samples } = parseExposition((await api.get("/metrics")).body);
    return samples.find(({ name }) => name === "sluice_stream_paused")?.value;
}

test("the live stream tells it within seconds", async () => {
    const served = api.serve(api.open({ stream: { pollMs: 50 } }));
    const stream = readEvents(await fetch(`${served.url}/v1/stream?only=status`));
    const isPaused = (wanted: boolean) =>
        stream.until(({ events }) => {
            const latest = events.findLast(({ event }) => event === "status");
            return latest !== undefined && (latest.data.streams[0].pausedAt !== null) === wanted;
        });
    await isPaused(false);
    await send("pause");
    await isPaused(true);
    await send("resume");
    await isPaused(false);
    await stream.close();
});

test("an upload is accepted while it is paused: the file waits in the folder", async () => {
    await send("pause");
    const { status, body } = await api.post("/v1/ingest", `${header}\n`, { "content-type": "text/csv" });
    expect(status).toBe(202);
    expect(existsSync(join(inputDir, body.path))).toBe(true);
});

test("a pause does not wait for a check and a replay that take long", async () => {
    const holders = await api.sql.begin(async (transaction) => {
        await transaction`lock table ingest.reject_stats, ingest.rejects in access exclusive mode`;
        const busy = [api.get("/v1/checks"), api.post("/v1/replay", "{}", json)];
        await Bun.sleep(300);
        const { status } = await send("pause");
        expect(status).toBe(200);
        return busy;
    });
    await Promise.all(holders);
}, 30_000);

describe("should fail", () => {
    test("for a stream that does not exist, with the near one named", async () => {
        for (const action of ["pause", "resume"] as const) {
            const { status, body } = await send(action, { stream: "event" });
            expect([status, body.code, body.parameter]).toEqual([400, "invalid_body", "stream"]);
            expect(body.detail).toContain("Did you mean events?");
        }
    });

    test("for a body that is not one", async () => {
        expect((await send("pause", { reasn: "x" })).body.code).toBe("unknown_parameter");
        expect((await send("pause", { reason: "x".repeat(501) })).body).toMatchObject({ parameter: "reason" });
        expect((await send("resume", { reason: "x" })).body.code).toBe("unknown_parameter");
        expect((await api.post("/v1/ingest/pause", "{}", { "content-type": "text/plain" })).status).toBe(415);
        expect((await api.get("/v1/ingest/pause")).status).toBe(405);
    });

    test("from another site, and without the token where there is one", async () => {
        const foreign = { ...json, origin: "https://elsewhere.example", "sec-fetch-site": "cross-site" };
        expect((await api.post("/v1/ingest/pause", "{}", foreign)).status).toBe(403);
        const token = "0123456789abcdef0123456789abcdef";
        const app = api.open({ token, workSql: api.sql });
        const ask = (headers: Record<string, string>) =>
            app.request("/v1/ingest/pause", { method: "POST", body: "{}", headers: { ...json, ...headers } });
        expect((await ask({})).status).toBe(401);
        expect((await ask({ authorization: "Bearer wrong" })).status).toBe(401);
        const [before] = await api.sql`select paused_at from ingest.streams`;
        expect(before!.paused_at).toBeNull();
        expect((await ask({ authorization: `Bearer ${token}` })).status).toBe(200);
    });
});
