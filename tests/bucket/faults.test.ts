/** What a reader of a bucket meets: cuts, silence, 503, another version, wrong credentials. Each through a proxy to a real server. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import type { S3Client } from "bun";
import { type Bucket, type BucketObject, type BucketSettings, openBucket } from "../../src/bucket/bucket.ts";
import type { Limits } from "../../src/bucket/connection.ts";
import { BucketFault, ObjectChanged, ObjectGone } from "../../src/bucket/faults.ts";
import { type CuttingProxy, openCuttingProxy, refusal } from "../support/cutting-proxy.ts";
import { failureOf } from "../support/failure-of.ts";
import {
    impatient,
    isThereObjectStore,
    noOtherCredentials,
    type ObjectStore,
    objectStoreKind,
    startObjectStore,
} from "../support/object-store.ts";

/** No two pieces of it are the same. */
const content = Buffer.from(Array.from({ length: 60_000 }, (_, n) => `${n},`).join(""));
const slowDown = refusal(503, "SlowDown");

describe.skipIf(!isThereObjectStore)("a bucket behind a bad network", () => {
    let store: ObjectStore;
    let proxy: CuttingProxy;
    let theirs: S3Client;
    let object: BucketObject;
    const faults: unknown[] = [];

    beforeAll(async () => {
        store = await startObjectStore();
        proxy = await openCuttingProxy(store.port);
        theirs = await store.makeBucket("drops");
        await theirs.write("a.csv", content);
        object = (await open().head("a.csv"))!;
    });
    afterEach(() => proxy.mend());
    afterAll(async () => {
        proxy?.close();
        await store?.stop();
    });

    function open(settings: Partial<BucketSettings> = {}, limits: Partial<Limits> = {}): Bucket {
        proxy.requests.length = 0;
        const env = { ...store.environment(proxy.endpoint), ...settings.env };
        return openBucket({ bucket: "drops", ...settings, env }, { ...impatient, ...limits });
    }
    async function faultOf(work: Promise<unknown>): Promise<BucketFault> {
        const fault = await failureOf(work);
        expect(fault).toBeInstanceOf(BucketFault);
        faults.push(fault);
        return fault as BucketFault;
    }
    const waysToAsk = (bucket: Bucket) => [
        () => listed(bucket),
        () => bucket.head("a.csv"),
        () => bucket.read(object, 0, 4),
    ];
    const listed = (bucket: Bucket) => Array.fromAsync(bucket.list({ prefix: "" }));

    describe("a connection that is cut", () => {
        test("in the middle of a range is followed by a request for the rest", async () => {
            const bucket = open();
            proxy.next({ cutAfter: 50_000 }, { cutAfter: 100 }, { cutAfter: 150_000 });

            expect(await bucket.read(object, 1000, 300_000)).toEqual(content.subarray(1000, 301_000));
            const begins = proxy.requests.map(({ headers }) => Number(/bytes=(\d+)-300999/.exec(headers.range!)![1]));
            expect(begins).toHaveLength(4);
            expect(begins[0]).toBe(1000);
            // A hundred bytes are not even the header of an answer.
            expect(begins[2]).toBe(begins[1]!);
            expect(begins[1]).toBeGreaterThan(1000);
            expect(begins[3]).toBeGreaterThan(begins[2]!);
            expect(proxy.requests.map(({ headers }) => headers["if-match"])).toEqual(Array(4).fill(`"${object.etag}"`));
        });

        test("over and over is no end, as long as bytes come", async () => {
            const bucket = open({}, { attempts: 2 });
            proxy.each(() => ({ cutAfter: 40_000 }));

            expect(await bucket.read(object, 0, 300_000)).toEqual(content.subarray(0, 300_000));
            expect(proxy.requests.length).toBeGreaterThan(7);
        });

        test("before the first byte, each time, is named in the end", async () => {
            const bucket = open({}, { attempts: 3 });
            proxy.each(() => ({ cutAfter: 10 }));

            expect(await faultOf(bucket.read(object, 0, 10))).toMatchObject({ code: "bucket_cut", isTransient: true });
            // Bun itself repeats one that meets a kept connection's end.
            expect(proxy.requests.length).toBeOneOf([3, 4]);
        });

        test("in a listing is followed by the same page", async () => {
            const bucket = open();
            proxy.next({ cutAfter: 300 }, slowDown);

            expect((await listed(bucket)).flat()).toEqual([object]);
            expect(proxy.requests).toHaveLength(3);
        });
    });

    describe("an object that is overwritten or deleted while it is read", () => {
        test("is never mixed: the rest of the old one is refused", async () => {
            await theirs.write("mixed.csv", "A".repeat(200_000));
            const bucket = open();
            const old = (await bucket.head("mixed.csv"))!;
            proxy.next({ cutAfter: 50_000 });
            proxy.each(async () => {
                await theirs.write("mixed.csv", "B".repeat(200_000));
                return null;
            });

            const failure = await failureOf(bucket.read(old, 0, 200_000));
            expect(failure).toEqual(new ObjectChanged("mixed.csv"));
        });

        test("is gone", async () => {
            await theirs.write("gone.csv", "A".repeat(200_000));
            const bucket = open();
            const old = (await bucket.head("gone.csv"))!;
            proxy.next({ cutAfter: 50_000 });
            proxy.each(async () => {
                await theirs.delete("gone.csv");
                return null;
            });

            expect(await failureOf(bucket.read(old, 0, 200_000))).toEqual(new ObjectGone("gone.csv"));
        });

        test("is noticed by its ETag where a server takes no notice of If-Match", async () => {
            const bucket = open();
            const old = { ...object, etag: "0".repeat(32) };
            const answer =
                `HTTP/1.1 206 Partial Content\r\nETag: "${object.etag}"\r\nContent-Length: 4\r\n` +
                `Content-Range: bytes 0-3/${object.sizeBytes}\r\n\r\n0,1,`;
            proxy.next({ answer });

            expect(await failureOf(bucket.read(old, 0, 4))).toEqual(new ObjectChanged("a.csv"));
        });
    });

    describe("a server that does not answer as it should", () => {
        test("with 503 a few times is asked again", async () => {
            const bucket = open();
            proxy.next(slowDown, refusal(500, "InternalError"), refusal(429, "TooManyRequests"), refusal(502, ""));

            expect((await bucket.read(object, 0, 4)).toString()).toBe("0,1,");
            expect(proxy.requests).toHaveLength(5);
        });

        test("with 503 for long is a fault that passes", async () => {
            const bucket = open({}, { attempts: 4 });
            proxy.each(() => slowDown);

            expect(await faultOf(listed(bucket))).toMatchObject({ code: "bucket_slow_down", isTransient: true });
            expect(proxy.requests).toHaveLength(4);
        });

        test("and says for how long, is not asked before: who reads is told", async () => {
            const bucket = open();
            proxy.next(refusal(503, "ServiceUnavailable", "Retry-After: 120\r\n"));

            const fault = await faultOf(bucket.head("a.csv"));
            expect(fault).toMatchObject({ code: "bucket_unavailable", isTransient: true, retryAfterMs: 120_000 });
            expect(proxy.requests).toHaveLength(1);
        });

        test("and falls silent in an answer, is asked again", async () => {
            const bucket = open({}, { silentMs: 200 });
            proxy.next("silence");
            expect((await bucket.read(object, 0, 4)).toString()).toBe("0,1,");

            const other = open({}, { silentMs: 100, attempts: 2 });
            proxy.next("silence", "silence");
            expect(await faultOf(other.read(object, 0, 4))).toMatchObject({
                code: "bucket_stalled",
                isTransient: true,
            });
        });

        test("slowly, is waited for as long as bytes come", async () => {
            const bucket = open({}, { silentMs: 1_000, attempts: 1 });
            proxy.slow(20);

            expect(await bucket.read(object, 0, 300_000)).toEqual(content.subarray(0, 300_000));
        });

        test("at all is unreachable, until it is back", async () => {
            const bucket = open({}, { attempts: 2 });
            proxy.takeDown();
            const fault = await faultOf(bucket.read(object, 0, 4));
            expect(fault).toMatchObject({ code: "bucket_unreachable", isTransient: true });
            await proxy.mend();

            expect((await bucket.read(object, 0, 4)).toString()).toBe("0,1,");
        });

        test("while it is to end, ends at once, with the reason given", async () => {
            const ending = new AbortController();
            const bucket = open(
                { signal: ending.signal },
                { firstPauseMs: 60_000, longestPauseMs: 60_000, random: () => 1 },
            );
            proxy.each(() => {
                setTimeout(() => ending.abort("enough"), 20);
                return slowDown;
            });

            expect(await failureOf(bucket.read(object, 0, 4))).toBe("enough");
        });
    });

    describe("who asks", () => {
        test("with a wrong secret, or as nobody known, is told so by each request", async () => {
            for (const env of [{ AWS_SECRET_ACCESS_KEY: "wrong" }, { AWS_ACCESS_KEY_ID: "NOBODYKNOWN" }]) {
                const bucket = open({ env });
                for (const work of waysToAsk(bucket)) {
                    expect(await faultOf(work())).toMatchObject({ code: "bucket_bad_credentials", isTransient: false });
                }
            }
        });

        test("for a bucket that is not there, is told so", async () => {
            const bucket = open({ bucket: "not-there" });
            for (const work of waysToAsk(bucket)) {
                expect(await faultOf(work())).toMatchObject({ code: "bucket_not_found", isTransient: false });
            }
        });

        // S3Proxy takes any region.
        test.skipIf(objectStoreKind === "s3proxy")("in another region than the bucket's is told which", async () => {
            for (const work of waysToAsk(open({ region: "eu-west-1" }))) {
                const { code, remedy } = await faultOf(work());
                expect([code, remedy]).toEqual(["bucket_wrong_region", "Set AWS_REGION=us-east-1."]);
            }
        });

        test("by a clock that is an hour slow, goes by the server's", async () => {
            const bucket = open({}, { now: () => Date.now() - 3_600_000 });

            expect((await bucket.read(object, 0, 4)).toString()).toBe("0,1,");
            expect((await bucket.read(object, 4, 4)).toString()).toBe("2,3,");
            expect(proxy.requests).toHaveLength(3);
        });

        test("without a right is told which, and on what", async () => {
            const bucket = open();
            const denied = refusal(403, "AccessDenied");
            const rights = [
                [() => listed(bucket), "s3:ListBucket", "arn:aws:s3:::drops."],
                [() => bucket.read(object, 0, 4), "s3:GetObject", "arn:aws:s3:::drops/a.csv."],
            ] as const;
            for (const [work, permission, arn] of rights) {
                proxy.next(denied);
                const fault = await faultOf(work());
                expect(fault).toMatchObject({ code: "bucket_access_denied", permission });
                expect(fault.what).toEndWith(`may not ${permission} on ${arn}`);
            }
            proxy.each(({ method }) => (method === "DELETE" || method === "PUT" ? denied : null));
            expect(await faultOf(bucket.remove(object))).toMatchObject({ permission: "s3:DeleteObject" });
            expect(await faultOf(bucket.move(object, "b.csv"))).toMatchObject({ permission: "s3:PutObject" });
        });

        test("by a profile that is changed meanwhile, goes on with what it says now", async () => {
            const file = join(mkdtempSync(join(tmpdir(), "sluice-profile-")), "credentials");
            const { accessKeyId, secretAccessKey } = store.credentials;
            const write = (secret: string) =>
                writeFileSync(file, `[shop]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secret}\n`);
            const env = {
                ...{ AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
                ...{ AWS_PROFILE: "shop", AWS_SHARED_CREDENTIALS_FILE: file },
            };
            write("of yesterday");
            const bucket = open({ env });
            expect(await faultOf(bucket.head("a.csv"))).toMatchObject({ code: "bucket_bad_credentials" });
            write(secretAccessKey);

            expect(await bucket.head("a.csv")).toEqual(object);
        });

        test("without credentials is told where they are looked for", async () => {
            const env = { AWS_ACCESS_KEY_ID: undefined, ...noOtherCredentials };
            expect(await faultOf(open({ env }).head("a.csv"))).toMatchObject({ code: "bucket_no_credentials" });
        });
    });

    test("a removal is done without its condition where a server has none", async () => {
        await theirs.write("removed.csv", "x");
        const bucket = open();
        const removed = (await bucket.head("removed.csv"))!;
        proxy.each(({ headers, method }) =>
            method === "DELETE" && headers["if-match"] ? refusal(501, "NotImplemented") : null,
        );

        expect(await bucket.remove(removed)).toBe(true);
        expect(await bucket.head("removed.csv")).toBeNull();
    });

    test("none of these faults holds a credential", () => {
        expect(faults.length).toBeGreaterThan(15);
        const { secretAccessKey, accessKeyId } = store.credentials;
        for (const fault of faults) {
            const { message, stack } = fault as BucketFault;
            const said = [message, stack, JSON.stringify(fault), inspect(fault, { depth: 9, showHidden: true })].join();
            for (const secret of [secretAccessKey, accessKeyId, "NOBODYKNOWN", "of yesterday"]) {
                expect(said).not.toContain(secret);
            }
        }
    });
});
