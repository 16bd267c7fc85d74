import { beforeAll, expect, test } from "bun:test";
import { connect } from "../../src/database/connect.ts";
import { withDatabase } from "../../src/database/database-target.ts";
import { openReadPool } from "../../src/server/api/pools.ts";
import { waitUntil } from "../support/wait-until.ts";
import { openApiFixture, useProxiedApi } from "./api-fixture.ts";
import { insertBatch } from "./seed-ledger.ts";

/** Promise 9: when the database is unreachable the API says so, and never shows an old number as if it were new. */
const addresses = [
    "/v1/status",
    "/v1/stats",
    "/v1/stats?bucket=hour",
    "/v1/events",
    "/v1/batches",
    "/v1/batches/1",
    "/v1/files",
    "/v1/files/1",
    "/v1/rejects",
    "/v1/rejects/summary",
];

// The real clock: answers are shared as they are in service.
const api = useProxiedApi(import.meta.path, { now: () => new Date(), deadlineMs: 2_000 });

beforeAll(async () => {
    await insertBatch(api.sql, { inserted: 5 });
});

/** Long, for one of forty that ask again and again on a busy machine. */
const answersWithin = { deadlineMs: 90_000 };

async function answersWith(status: number, path: string): Promise<void> {
    await waitUntil(`${path} answers ${status}`, async () => (await api.get(path)).status === status, answersWithin);
}

test("answers 503 with Retry-After while the database is unreachable, and again with numbers when it is back", async () => {
    expect((await api.get("/v1/stats")).body.records.read).toBe(5);
    const before = (await api.get("/v1/status")).body;
    api.proxy.takeDown();
    // An answer may be shared for less than a second, and bears its time.
    await Bun.sleep(950);
    for (const path of addresses) {
        const { status, body, headers } = await api.get(path);
        expect([path, status, body.code]).toEqual([path, 503, "database_unavailable"]);
        expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
        expect(JSON.stringify(body)).not.toMatch(/select|ECONN|127\.0\.0\.1|ingest\./i);
    }
    // The last known status bears its own time, and is nowhere but under this name.
    const { body: stale } = await api.get("/v1/status");
    expect(stale.lastKnown).toEqual(before);
    expect([stale.status, stale.totals, stale.asOf]).toEqual([503, undefined, undefined]);
    const ready = await api.get("/readyz?verbose");
    expect([ready.status, ready.body.status]).toEqual([503, "unavailable"]);
    expect(ready.body.checks[0]).toMatchObject({ name: "database", ok: false, code: "database_unavailable" });
    expect((await api.get("/livez")).status).toBe(200);
    const metrics = await api.get("/metrics");
    expect(metrics.body).toContain("sluice_database_up 0\n");
    expect(metrics.body).not.toContain("sluice_records");

    await api.proxy.mend();
    for (const path of addresses.filter((address) => !address.startsWith("/v1/files/"))) await answersWith(200, path);
    expect((await api.get("/readyz")).status).toBe(200);
}, 30_000);

test("goes on after its connections are cut in the middle of a hundred requests", async () => {
    for (let round = 0; round < 5; round++) {
        const asked = Array.from({ length: 100 }, (_, number) => api.get(`/v1/batches?limit=${1 + number}`));
        await Bun.sleep(round * 3);
        api.proxy.takeDown();
        for (const { status } of await Promise.all(asked)) expect([200, 503]).toContain(status);
        await api.proxy.mend();
        await answersWith(200, "/v1/stats");
    }
    await Promise.all(Array.from({ length: 40 }, (_, number) => answersWith(200, `/v1/files?limit=${1 + number}`)));
}, 120_000);

test("answers 503 in time when the database stalls, and takes no more than it can hold", async () => {
    await answersWith(200, "/v1/stats");
    api.proxy.stall();
    await Bun.sleep(950);
    const status = api.get("/v1/status");
    // Every one of them answers, though the database does not: the test's own time limit is the bound.
    const asked = await Promise.all(
        Array.from({ length: 100 }, (_, number) => api.get(`/v1/rejects?limit=${1 + number}`)),
    );
    const slow = await status;
    expect([slow.status, slow.body.code]).toEqual([503, "database_slow"]);
    expect(Date.parse(slow.body.lastKnown.asOf)).toBeLessThan(Date.now());
    const codes = asked.map(({ status, body }) => `${status} ${body.code}`);
    expect(new Set(codes)).toEqual(new Set(["503 database_slow", "503 too_many_requests_waiting"]));
    api.proxy.takeDown();
    await api.proxy.mend();
    await answersWith(200, "/v1/stats");
}, 30_000);

test("has no last known status when there never was one", async () => {
    await answersWith(200, "/v1/stats");
    const fresh = await openApiFixture(api.database, { now: () => new Date() }, api.proxy.target);
    api.proxy.takeDown();
    try {
        const { status, body } = await fresh.get("/v1/status");
        expect([status, body.code, body.lastKnown]).toEqual([503, "database_unavailable", undefined]);
    } finally {
        await api.proxy.mend();
    }
    await answersWith(200, "/v1/stats");
});

test("answers 503 when a statement is ended by the server, and the others go on", async () => {
    const locked = await api.sql.reserve();
    try {
        await locked`begin`;
        await locked`lock table ingest.rejects in access exclusive mode`;
        const { status, body } = await api.get("/v1/rejects?limit=3");
        expect([status, body.code]).toEqual([503, "database_slow"]);
        await answersWith(200, "/v1/events");
    } finally {
        await locked`rollback`;
        locked.release();
    }
    await answersWith(200, "/v1/rejects");
}, 30_000);

test("ends long statements and refuses writes on the server's side, whatever the program does", async () => {
    const pool = openReadPool(api.database.target);
    try {
        const [settings] = await pool`
            select
                current_setting('statement_timeout') as timeout,
                current_setting('application_name') as name`;
        expect(settings).toEqual({ timeout: "5s", name: "sluice-api" });
        expect(pool`delete from ingest.batches`.execute()).rejects.toMatchObject({ code: "25006" });
    } finally {
        await pool.end({ timeout: 1 });
    }
});

test("says that the database is not prepared when its tables are missing", async () => {
    await api.sql`alter table ingest.rejects rename to rejects_gone`;
    const { status, body } = await api.get("/v1/rejects?limit=9");
    expect([status, body.code]).toEqual([503, "database_not_ready"]);
    expect(JSON.stringify(body)).not.toContain("rejects_gone");
    await api.sql`alter table ingest.rejects_gone rename to rejects`;
});

test("answers 503 while the database lets nobody in (allow_connections false), and 200 afterwards", async () => {
    await answersWith(200, "/v1/stats");
    const admin = connect(withDatabase(api.database.target, "postgres"), { applicationName: "test admin", max: 1 });
    const allow = (isAllowed: boolean) =>
        admin.unsafe(`alter database ${api.database.target.database} allow_connections ${isAllowed}`);
    await allow(false);
    api.proxy.takeDown();
    await api.proxy.mend();
    await Bun.sleep(950);
    const { status, body } = await api.get("/v1/stats");
    await allow(true);
    await admin.end();

    expect([status, body.code]).toEqual([503, "database_unavailable"]);
    await answersWith(200, "/v1/stats");
}, 30_000);
