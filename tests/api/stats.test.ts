import { beforeAll, describe, expect, test } from "bun:test";
import { waitUntil } from "../support/wait-until.ts";
import { useApi } from "./api-fixture.ts";
import { insertBatch } from "./seed-ledger.ts";

const api = useApi(import.meta.path);

async function addStats(grain: string, bucket: string, type: string, sums: [number, number, string]): Promise<void> {
    await api.sql`insert into ingest.event_stats values (${grain}, ${bucket}, ${type}, ${sums[0]}, ${sums[1]}, ${sums[2]})`;
}

test("answers zeros before the first batch, with the age of the answer", async () => {
    const { status, body } = await api.get("/v1/stats");
    expect(status).toBe(200);
    expect(body).toMatchObject({
        records: { read: 0, inserted: 0, duplicate: 0, conflict: 0, rejected: 0 },
        totals: { events: 0, quantity: 0, revenue: "0.00" },
        eventTypes: [],
    });
    expect(body).not.toHaveProperty("series");
    expect(Math.abs(Date.parse(body.asOf) - Date.now())).toBeLessThan(60_000);
});

describe("with batches and rollups", () => {
    beforeAll(async () => {
        await insertBatch(api.sql, { inserted: 5, duplicate: 2, conflict: 1, rejected: 3 });
        await insertBatch(api.sql, { inserted: 4 });
        await addStats("total", "1970-01-01Z", "view", [6, 0, "0"]);
        await addStats("total", "1970-01-01Z", "purchase", [3, 7, "1234567890123.4"]);
        await addStats("hour", "2026-01-01T10:00:00Z", "view", [4, 0, "0"]);
        await addStats("hour", "2026-01-01T10:00:00Z", "purchase", [1, 2, "19.9"]);
        await addStats("hour", "2026-01-01T12:00:00Z", "view", [2, 0, "0"]);
        await addStats("day", "2026-01-01T00:00:00Z", "view", [6, 0, "0"]);
    });

    test("sums what the batches did and what the rollups hold", async () => {
        const { body } = await api.get("/v1/stats");
        expect(body.records).toMatchObject({ read: 15, inserted: 9, duplicate: 2, conflict: 1, rejected: 3 });
        expect(body.totals).toEqual({ events: 9, quantity: 7, revenue: "1234567890123.40" });
        expect(body.eventTypes).toEqual([
            { eventType: "purchase", events: 3, quantity: 7, revenue: "1234567890123.40" },
            { eventType: "view", events: 6, quantity: 0, revenue: "0.00" },
        ]);
    });

    test("gives a series by hour from `from` up to but not including `to`", async () => {
        const { body } = await api.get("/v1/stats?from=2026-01-01T10:00:00Z&to=2026-01-01T12:00:00Z");
        expect(body.series).toEqual({
            bucket: "hour",
            data: [
                {
                    bucket: "2026-01-01T10:00:00.000000Z",
                    eventType: "purchase",
                    events: 1,
                    quantity: 2,
                    revenue: "19.90",
                },
                { bucket: "2026-01-01T10:00:00.000000Z", eventType: "view", events: 4, quantity: 0, revenue: "0.00" },
            ],
        });
    });

    test("takes the bucket, the zone and the event type that it is given", async () => {
        const byDay = await api.get("/v1/stats?bucket=day");
        expect(byDay.body.series.data).toHaveLength(1);
        const zoned = await api.get("/v1/stats?from=2026-01-01T14:00:00%2B02:00");
        expect(zoned.body.series.data.map((point: { bucket: string }) => point.bucket)).toEqual([
            "2026-01-01T12:00:00.000000Z",
        ]);
        const views = await api.get("/v1/stats?event_type=view");
        expect(views.body.series.data.map((point: { events: number }) => point.events)).toEqual([4, 2]);
        expect(views.body.records.read).toBe(15);
        const none = await api.get("/v1/stats?bucket=minute");
        expect(none.body.series).toEqual({ bucket: "minute", data: [] });
    });

    test("should fail for a range of more points than a page can draw", async () => {
        await api.sql`
            insert into ingest.event_stats
            select 'minute', '2026-01-01Z'::timestamptz + number * interval '1 minute', 'view', 1, 0, 0
            from generate_series(1, 20001) as number`;
        const { status, body } = await api.get("/v1/stats?bucket=minute");
        expect([status, body.code]).toEqual([400, "range_too_wide"]);
        const narrower = await api.get("/v1/stats?bucket=minute&to=2026-01-02T00:00:00Z");
        expect(narrower.body.series.data).toHaveLength(1439);
    });
});

test("keeps read = inserted + duplicate + conflict + rejected, and inserted = events, while batches commit", async () => {
    await api.sql`truncate ingest.batches, ingest.totals, ingest.event_stats`;
    await addStats("total", "1970-01-01Z", "view", [0, 0, "0"]);
    let isDone = false;
    let rounds = 0;
    const seen = new Set<number>();
    const writer = (async () => {
        // An answer is shared for a while: batches go on to commit until several have been seen.
        for (; (rounds < 60 || seen.size < 3) && rounds < 3_000; rounds++) {
            await api.sql.begin(async (transaction) => {
                await insertBatch(transaction as unknown as typeof api.sql, { inserted: 7, duplicate: 2, rejected: 1 });
                await transaction`update ingest.event_stats set events = events + 7 where grain = 'total'`;
            });
        }
        isDone = true;
    })();
    while (!isDone) {
        const answers = await Promise.all(Array.from({ length: 5 }, () => api.get("/v1/stats")));
        for (const { body } of answers) {
            const { read, inserted, duplicate, conflict, rejected } = body.records;
            expect(inserted + duplicate + conflict + rejected).toBe(read);
            expect(body.totals.events).toBe(inserted);
            seen.add(read);
        }
    }
    await writer;
    await waitUntil("the last batch is told", async () => {
        const { read } = (await api.get("/v1/stats")).body.records;
        return read === 10 * rounds;
    });
});
