/** ingest.event_stats, which the API reads: what it holds at each grain, by hand. */
import { expect, test } from "bun:test";
import { useEmptyDatabase } from "../support/fixture.ts";
import { event, mergeFile, type StagedRow } from "./ledger.ts";

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;

type Bucket = [bucket: string, type: string, events: number, quantity: number, revenue: number];

async function grain(name: string): Promise<Bucket[]> {
    const rows = await sql<{ bucket: Date; type: string; events: number; quantity: number; revenue: string }[]>`
        select bucket, event_type as type, events, quantity, revenue
        from ingest.event_stats
        where grain = ${name}
        order by bucket, event_type`;
    return rows.map(({ bucket, type, events, quantity, revenue }) => [
        bucket.toISOString().slice(0, 16),
        type,
        events,
        quantity,
        Number(revenue),
    ]);
}

const at = (no: number, event_timestamp: string, values: StagedRow = {}) => event(no, { event_timestamp, ...values });
const purchase = (quantity: string | null, price: string | null): StagedRow => ({
    event_type: "purchase",
    quantity,
    price,
});

test("counts events, adds up quantities, and revenue of purchases alone, by hour, by day and in all", async () => {
    await mergeFile(sql, [
        at(1, "2024-05-01 10:00:00", purchase("2", "1.50")),
        at(2, "2024-05-01 10:59:59.999999", purchase("1", "0.10")),
        at(3, "2024-05-01 11:00:00", purchase("3", "2")),
        at(4, "2024-05-01 23:59:59", { quantity: "5", price: "9.99" }),
        at(5, "2024-05-02 00:00:00", { event_type: "view" }),
        // In UTC still the first of May.
        at(6, "2024-05-02 01:30:00+02:00", purchase("1", "100")),
    ]);
    expect(await grain("hour")).toEqual([
        ["2024-05-01T10:00", "purchase", 2, 3, 3.1],
        ["2024-05-01T11:00", "purchase", 1, 3, 6],
        ["2024-05-01T23:00", "purchase", 1, 1, 100],
        ["2024-05-01T23:00", "view", 1, 5, 0],
        ["2024-05-02T00:00", "view", 1, 0, 0],
    ]);
    expect(await grain("day")).toEqual([
        ["2024-05-01T00:00", "purchase", 4, 7, 109.1],
        ["2024-05-01T00:00", "view", 1, 5, 0],
        ["2024-05-02T00:00", "view", 1, 0, 0],
    ]);
    expect(await grain("total")).toEqual([
        ["1970-01-01T00:00", "purchase", 4, 7, 109.1],
        ["1970-01-01T00:00", "view", 2, 5, 0],
    ]);
    expect(await grain("minute")).toEqual([]);
});

test("keeps minutes for event time of the last day, and not for what is older", async () => {
    const hours = (count: number) => new Date(Date.now() - count * 3_600_000);
    const minuteOf = (moment: Date) => moment.toISOString().slice(0, 16);
    const recent = hours(1);
    recent.setUTCSeconds(0, 0);
    const sameMinute = new Date(recent.getTime() + 59_999);
    const other = hours(23);
    await mergeFile(sql, [
        at(1, recent.toISOString(), purchase("1", "2")),
        at(2, sameMinute.toISOString(), purchase("1", "3")),
        at(3, other.toISOString()),
        at(4, hours(25).toISOString()),
    ]);
    expect(await grain("minute")).toEqual([
        [minuteOf(other), "view", 1, 0, 0],
        [minuteOf(recent), "purchase", 2, 2, 5],
    ]);
    const totals = await grain("total");
    expect(totals.map(([, type, events]) => [type, events])).toEqual([
        ["purchase", 2],
        ["view", 2],
    ]);
});

test("what is null adds nothing", async () => {
    await mergeFile(sql, [
        at(1, "2024-05-01 10:00:00", purchase(null, "5")),
        at(2, "2024-05-01 10:00:00", purchase("5", null)),
        at(3, "2024-05-01 10:00:00", purchase(null, null)),
    ]);
    expect(await grain("total")).toEqual([["1970-01-01T00:00", "purchase", 3, 5, 0]]);
});

test("counts what is inserted alone: no duplicate, no conflict, no reject", async () => {
    const first = at(1, "2024-05-01 10:00:00", purchase("1", "1"));
    await mergeFile(sql, [first, first, { ...first, quantity: "9" }, at(2, "2024-05-01 10:00:00", { quantity: "-1" })]);
    await mergeFile(sql, [first, { ...first, price: "7" }]);
    for (const name of ["hour", "day", "total"]) {
        expect((await grain(name)).map(([, ...counts]) => counts)).toEqual([["purchase", 1, 1, 1]]);
    }
});

test("holds the largest sums that values allow", async () => {
    const most = purchase("2147483647", "99999999.99");
    await mergeFile(
        sql,
        [1, 2, 3].map((no) => at(no, "2024-05-01 10:00:00", most)),
    );
    const [row] = await sql`select quantity::text, revenue from ingest.event_stats where grain = 'total'`;
    expect(row).toEqual({
        quantity: String(3 * 2147483647),
        revenue: "644245094035575490.59",
    });
});
