import { expect, test } from "bun:test";
import { useApi } from "./api-fixture.ts";

const api = useApi(import.meta.path);

test("before the first event the funnel is all zeros, without shares, and there are no products", async () => {
    const { body } = await api.get("/v1/stats/funnel");
    expect(
        body.steps.map(({ eventType, events, shareOfPrevious }: Record<string, unknown>) => [
            eventType,
            events,
            shareOfPrevious,
        ]),
    ).toEqual([
        ["view", 0, null],
        ["add_to_cart", 0, null],
        ["purchase", 0, null],
    ]);
    expect((await api.get("/v1/stats/top-products")).body).toMatchObject({
        by: "revenue",
        days: null,
        data: [],
        others: null,
    });
});

test("the funnel counts events by type, of all time or of some days", async () => {
    await api.sql`
        insert into ingest.event_stats values
            ('total', 'epoch', 'view', 300, 0, 0), ('total', 'epoch', 'add_to_cart', 100, 90, 0),
            ('total', 'epoch', 'purchase', 33, 40, 120.5), ('total', 'epoch', 'remove_from_cart', 7, 0, 0),
            ('day', date_bin('1 day', now(), 'epoch'), 'view', 10, 0, 0),
            ('day', date_bin('1 day', now(), 'epoch') - interval '1 day', 'view', 20, 0, 0),
            ('day', date_bin('1 day', now(), 'epoch') - interval '2 days', 'view', 40, 0, 0)`;
    const { body } = await api.get("/v1/stats/funnel");
    expect(body.steps).toEqual([
        { eventType: "view", events: 300, quantity: 0, revenue: "0.00", shareOfPrevious: null },
        { eventType: "add_to_cart", events: 100, quantity: 90, revenue: "0.00", shareOfPrevious: 0.3333 },
        { eventType: "purchase", events: 33, quantity: 40, revenue: "120.50", shareOfPrevious: 0.33 },
    ]);
    const viewsOf = async (days: number) => (await api.get(`/v1/stats/funnel?days=${days}`)).body.steps[0].events;
    expect([await viewsOf(1), await viewsOf(2), await viewsOf(3)]).toEqual([10, 30, 70]);
});

test("products in the order asked for, of all time or of some days; the others apart", async () => {
    await api.sql`
        insert into ingest.product_stats values
            ('total', 'epoch', 'a', 10, 3, 4, 99.9), ('total', 'epoch', 'b', 20, 2, 9, 50), ('total', 'epoch', 'c', 30, 1, 1, 50),
            ('total', 'epoch', 'gone', 0, 0, 0, 0), ('total', 'epoch', '', 5, 1, 1, 7),
            ('day', date_bin('1 day', now(), 'epoch'), 'b', 2, 1, 1, 5),
            ('day', date_bin('1 day', now(), 'epoch') - interval '1 day', 'a', 3, 1, 1, 6)`;
    const idsBy = async (query: string) =>
        (await api.get(`/v1/stats/top-products?${query}`)).body.data.map(
            (product: { productId: string }) => product.productId,
        );
    expect(await idsBy("")).toEqual(["a", "c", "b"]);
    expect(await idsBy("by=quantity")).toEqual(["b", "a", "c"]);
    expect(await idsBy("by=purchases&limit=1")).toEqual(["a"]);
    expect(await idsBy("by=events&limit=2")).toEqual(["c", "b"]);
    expect(await idsBy("days=1")).toEqual(["b"]);
    expect(await idsBy("days=2")).toEqual(["a", "b"]);
    const { body } = await api.get("/v1/stats/top-products?limit=1");
    expect(body.data).toEqual([{ productId: "a", events: 10, purchases: 3, quantity: 4, revenue: "99.90" }]);
    expect(body.others).toEqual({ events: 5, purchases: 1, quantity: 1, revenue: "7.00" });
});
