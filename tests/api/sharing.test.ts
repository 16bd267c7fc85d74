import { expect, test } from "bun:test";
import { createReader } from "../../src/server/api/reader.ts";
import { useApi } from "./api-fixture.ts";

const api = useApi(import.meta.path, { now: () => new Date(clock) });
let clock = Date.parse("2026-01-01T00:00:00Z");

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
    clock += 599;
    expect(await ask()).toBe(1);
    await Bun.sleep(20);
    expect(reads).toBe(1);
    clock += 301;
    expect(await ask()).toBe(2);
});

/** A key whose reads end when they are told to; the first one has, with "old". */
async function askedOnce() {
    const reader = createReader({ sql: api.sql, now: () => new Date(clock) });
    const ends: PromiseWithResolvers<string>[] = [];
    const ask = () =>
        reader.share("key", 900, () => {
            ends.push(Promise.withResolvers());
            return ends.at(-1)!.promise;
        });
    const first = ask();
    ends[0]!.resolve("old");
    expect(await first).toBe("old");
    return { ends, ask };
}

test("reads an answer anew behind those who ask for it before its time is over, so that none of them waits", async () => {
    const { ends, ask } = await askedOnce();
    clock += 600;
    expect(await Promise.all([ask(), ask()])).toEqual(["old", "old"]);
    expect(ends).toHaveLength(2);
    ends[1]!.resolve("new");
    await Bun.sleep(1);
    expect(await ask()).toBe("new");
    // Its time began when it was read.
    clock += 599;
    expect(await ask()).toBe("new");
    expect(ends).toHaveLength(2);
});

test("gives no answer beyond its time: who asks then waits for the one that is on its way", async () => {
    const { ends, ask } = await askedOnce();
    clock += 899;
    expect(await ask()).toBe("old");
    clock += 1;
    const late = ask();
    expect(await Promise.race([late, Bun.sleep(5).then(() => "waits")])).toBe("waits");
    ends[1]!.resolve("new");
    expect(await late).toBe("new");
    expect(ends).toHaveLength(2);
});

test("an answer that could not be read anew stands until its time is over, and then the next one is asked for", async () => {
    const { ends, ask } = await askedOnce();
    clock += 700;
    expect(await ask()).toBe("old");
    ends[1]!.reject(new Error("away"));
    await Bun.sleep(1);
    clock += 200;
    const next = ask();
    ends[2]!.resolve("new");
    expect(await next).toBe("new");
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
