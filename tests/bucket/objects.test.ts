/** The client against a real server: listings, heads, ranges, removals and moves. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { S3Client } from "bun";
import { type Bucket, type BucketObject, openBucket } from "../../src/bucket/bucket.ts";
import { ObjectChanged, ObjectGone } from "../../src/bucket/faults.ts";
import { failureOf } from "../support/failure-of.ts";
import { impatient, isThereObjectStore, type ObjectStore, startObjectStore } from "../support/object-store.ts";

const oddKeys = [
    "odd/!'()*.csv",
    "odd/a b.csv",
    "odd/a%20b.csv",
    "odd/a&b=c;d.csv",
    "odd/a+b.csv",
    "odd/a?b#c.csv",
    "odd/day=2026-11-30/x.csv",
    "odd/quote\"<>'.csv",
    "odd/tab\tnewline\n.csv",
    "odd/ü€😀.csv",
];

describe.skipIf(!isThereObjectStore)("a bucket", () => {
    let store: ObjectStore;
    let theirs: S3Client;
    let bucket: Bucket;

    beforeAll(async () => {
        store = await startObjectStore();
        theirs = await store.makeBucket("drops");
        bucket = openBucket({ bucket: "drops", env: store.environment() }, { ...impatient, pageKeys: 10 });
    });
    afterAll(() => store?.stop());

    async function put(key: string, content: string): Promise<BucketObject> {
        await theirs.write(key, content);
        return (await bucket.head(key))!;
    }

    test.each(oddKeys)("an object of an odd key is listed, seen, read and removed: %j", async (key) => {
        const object = await put(key, `content of ${key}`);

        const listed = (await allOf(bucket.list({ prefix: key }))).flat();
        expect(listed).toEqual([object]);
        expect((await bucket.read(object, 0, object.sizeBytes)).toString()).toBe(`content of ${key}`);
        expect(await bucket.remove(object)).toBe(true);
        expect(await bucket.head(key)).toBeNull();
    });

    test("a listing comes in pages, in the order of bytes, from behind a key", async () => {
        const keys = Array.from({ length: 23 }, (_, n) => `pages/${String(n).padStart(2, "0")}.csv`);
        await Promise.all(keys.map((key) => theirs.write(key, key)));

        const pages = await allOf(bucket.list({ prefix: "pages/" }));
        expect(pages.map((page) => page.length)).toEqual([10, 10, 3]);
        expect(pages.flat().map(({ key }) => key)).toEqual(keys);
        const behind = await allOf(bucket.list({ prefix: "pages/", startAfter: "pages/20.csv" }));
        expect(behind.flat().map(({ key }) => key)).toEqual(["pages/21.csv", "pages/22.csv"]);
        expect(await allOf(bucket.list({ prefix: "nothing/" }))).toEqual([]);
    });

    test("a range is what the object has there, also in a buffer of the caller's", async () => {
        const object = await put("ranges.csv", "0123456789");
        const into = Buffer.alloc(8, "x");

        expect((await bucket.read(object, 3, 4)).toString()).toBe("3456");
        expect((await bucket.read(object, 0, 10)).toString()).toBe("0123456789");
        expect((await bucket.read(object, 9, 1, into)).toString()).toBe("9");
        expect(into.toString()).toBe("9xxxxxxx");
        expect((await bucket.read(object, 10, 0)).length).toBe(0);
    });

    test("a version that was overwritten is not read on, and neither removed nor moved", async () => {
        const object = await put("overwritten.csv", "AAAAAAAA");
        expect((await bucket.read(object, 0, 4)).toString()).toBe("AAAA");
        const newer = await put("overwritten.csv", "BBBBBBBB");

        expect(await failureOf(bucket.read(object, 4, 4))).toBeInstanceOf(ObjectChanged);
        expect(await bucket.remove(object)).toBe(false);
        expect(await bucket.move(object, "moved/overwritten.csv")).toBe(false);
        expect(await bucket.head("overwritten.csv")).toEqual(newer);
        expect(await bucket.head("moved/overwritten.csv")).toBeNull();
    });

    test("an object that was deleted is gone, for a reader, a removal and a move", async () => {
        const object = await put("deleted.csv", "AAAAAAAA");
        await theirs.delete("deleted.csv");

        expect(await failureOf(bucket.read(object, 4, 4))).toBeInstanceOf(ObjectGone);
        expect(await bucket.remove(object)).toBe(false);
        expect(await bucket.move(object, "moved/deleted.csv")).toBe(false);
    });

    test("a move leaves the same bytes at the new key alone", async () => {
        const object = await put("to move/a+b.csv", "some bytes");

        expect(await bucket.move(object, "moved/to move/a+b.csv")).toBe(true);
        expect(await bucket.head("to move/a+b.csv")).toBeNull();
        expect(await theirs.file("moved/to move/a+b.csv").text()).toBe("some bytes");
    });
});

async function allOf<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
    const all: Item[] = [];
    for await (const item of items) all.push(item);
    return all;
}
