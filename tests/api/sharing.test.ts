import { afterAll, beforeAll, expect, test } from "bun:test";
import { createReader } from "../../src/api/reader.ts";
import { type ApiFixture, openApiFixture } from "./api-fixture.ts";

let api: ApiFixture;
let clock = Date.parse("2026-01-01T00:00:00Z");

beforeAll(async () => {
    api = await openApiFixture(import.meta.path, { now: () => new Date(clock) });
});
afterAll(() => api.close());

test("asks the database once for fifty pages that poll together, and again for the next poll", async () => {
    let reads = 0;
    const reader = createReader({ sql: api.sql, now: () => new Date(clock) });
    const ask = () =>
        reader.share("key", 900, async () => {
            reads += 1;
            await Bun.sleep(5);
            return reads;
        });
    expect(new Set(await Promise.all(Array.from({ length: 50 }, ask)))).toEqual(new Set([1]));
    clock += 899;
    expect(await ask()).toBe(1);
    clock += 1;
    expect(await ask()).toBe(2);
});

test("does not keep failures, and keeps no more answers than it can hold", async () => {
    const reader = createReader({ sql: api.sql, now: () => new Date(clock) });
    const fail = () => reader.share("key", 900, () => Promise.reject(new Error("once")));
    expect(fail()).rejects.toThrow("once");
    await Bun.sleep(1);
    expect(await reader.share("key", 900, async () => "again")).toBe("again");
    let reads = 0;
    const count = async () => ++reads;
    for (let number = 0; number < 1000; number++) await reader.share(`key ${number}`, 900, count);
    await reader.share("key 999", 900, count);
    expect(reads).toBe(1000);
    await reader.share("key 0", 900, count);
    expect(reads).toBe(1001);
});

test("gives an answer's own age, not the time of the question", async () => {
    const first = await api.get("/v1/stats");
    clock += 500;
    await Bun.sleep(20);
    expect((await api.get("/v1/stats")).body.asOf).toBe(first.body.asOf);
    clock += 500;
    expect((await api.get("/v1/stats")).body.asOf > first.body.asOf).toBe(true);
});
