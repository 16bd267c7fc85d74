import { beforeAll, expect, test } from "bun:test";
import { drizzle } from "drizzle-orm/postgres-js";
import * as schema from "../../src/database/schema.ts";
import { selectEvents } from "../../src/shop/api/read-events.ts";
import { readPages, useApi } from "./api-fixture.ts";

const api = useApi(import.meta.path);

beforeAll(async () => {
    // 300 at one instant, 300 one microsecond apart, and 20,000 in the past so that an index is worth its while.
    await api.sql`
        insert into events (event_id, event_type, product_id, user_id, event_timestamp, quantity, price, chunk_id, record_no)
        select
            gen_random_uuid(),
            case when number % 10 = 0 then 'purchase' else 'view' end,
            'product ' || number % 7,
            'user ' || number % 100,
            case
                when number <= 300 then '2026-01-02T03:04:05.123456Z'
                when number <= 600 then '2026-01-02T03:04:05.123456Z'::timestamptz + (number - 450) * interval '1 microsecond'
                else '2025-12-31T00:00:00Z'::timestamptz - number * interval '1 second'
            end,
            number % 3,
            case when number % 2 = 0 then 19.90 end,
            1,
            number
        from generate_series(1, 20600) as number`;
    await api.sql`analyze events`;
});

test("gives the newest fifty by default, with exact timestamps and money as text", async () => {
    const { body, headers } = await api.get("/v1/events");
    expect(body.data).toHaveLength(50);
    expect(body.data[0].eventTimestamp).toBe("2026-01-02T03:04:05.123606Z");
    const prices = new Set(body.data.map((event: { price: string | null }) => event.price));
    expect([...prices].sort()).toEqual(["19.90", null]);
    expect(headers.get("cache-control")).toBe("no-store");
});

test("combines filters", async () => {
    const rows = await readPages(
        api,
        "/v1/events?event_type=purchase&product_id=product%203&user_id=user%2010&limit=2",
    );
    const [expected] = await api.sql`
        select count(*) from events
        where event_type = 'purchase' and product_id = 'product 3' and user_id = 'user 10'`;
    expect(rows).toHaveLength(expected!.count);
    expect(rows.length).toBeGreaterThan(0);
    expect((await api.get("/v1/events?event_type=nothing")).body).toEqual({ data: [], nextCursor: null });
});

test("reads through an index, whatever the filters", async () => {
    const db = drizzle.mock({ schema });
    const after: [string, string] = ["2025-12-30T00:00:00.000000Z", crypto.randomUUID()];
    for (const query of [
        { limit: 50 },
        { limit: 200, after },
        { limit: 50, eventType: "purchase" },
        { limit: 50, eventType: "unknown", after },
        { limit: 50, userId: "user 7" },
        { limit: 50, productId: "product 1", userId: "user 7", eventType: "view", after },
    ]) {
        const statement = selectEvents(db, query).toSQL();
        const plan = await api.sql.unsafe(`explain ${statement.sql}`, statement.params as string[]);
        const text = plan.map((line) => line["QUERY PLAN"]).join("\n");
        expect(text).not.toContain("Seq Scan");
        expect(text).toMatch(/Index/);
    }
});

test("leaves long attributes out of the list, and says so", async () => {
    const add = (attributes: string | null, second: number) => api.sql`
        insert into events (event_id, event_type, product_id, user_id, event_timestamp, attributes, chunk_id, record_no)
        values (gen_random_uuid(), 'view', 'attributes', 'u', ${`2026-02-01T00:00:0${second}Z`}, ${attributes}::text::jsonb, 1, 1)`;
    await add(JSON.stringify({ note: "x".repeat(20_000) }), 3);
    await add(JSON.stringify({ colour: "red", "<b>": null }), 2);
    await add(null, 1);
    const { body } = await api.get("/v1/events?product_id=attributes");
    expect(body.data.map((event: Record<string, unknown>) => [event.attributes, event.attributesOmitted])).toEqual([
        [null, true],
        [{ colour: "red", "<b>": null }, false],
        [null, false],
    ]);
});
