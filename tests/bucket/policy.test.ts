/** The policy in docs/sources.md is enough for the requests that are made, and none of it is more than they need. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { S3Client } from "bun";
import { openBucket } from "../../src/bucket/bucket.ts";
import { type CuttingProxy, openCuttingProxy, type SeenRequest } from "../support/cutting-proxy.ts";
import { impatient, isThereObjectStore, type ObjectStore, startObjectStore } from "../support/object-store.ts";
import { projectDir } from "../support/test-server.ts";

interface Right {
    action: string;
    resource: string;
}

/** What Amazon asks of a policy for a request: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html */
function rightsFor({ method, path, headers }: SeenRequest): Right[] {
    const [, bucket, key, query] = /^\/([^/?]+)\/([^?]*)(?:\?(.*))?$/.exec(path)!;
    const arn = (name: string) => `arn:aws:s3:::${name}`;
    const object = arn(`${bucket}/${decodeURIComponent(key!)}`);
    if (key === "") return [{ action: "s3:ListBucket", resource: arn(bucket!) }];
    const isUpload = new URLSearchParams(query).has("uploadId");
    const source = headers["x-amz-copy-source"];
    const actions: Record<string, string> = {
        GET: "s3:GetObject",
        HEAD: "s3:GetObject",
        PUT: "s3:PutObject",
        POST: "s3:PutObject",
        DELETE: isUpload ? "s3:AbortMultipartUpload" : "s3:DeleteObject",
    };
    return [
        { action: actions[method]!, resource: object },
        ...(source ? [{ action: "s3:GetObject", resource: arn(decodeURIComponent(source.slice(1))) }] : []),
        // A deletion on a condition compares the ETag: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
        ...(method === "DELETE" && headers["if-match"] ? [{ action: "s3:GetObject", resource: object }] : []),
    ];
}

interface Statement {
    Sid: string;
    Action: string | string[];
    Resource: string;
}

const allows = ({ Action, Resource }: Statement, { action, resource }: Right) =>
    [Action].flat().includes(action) && new RegExp(`^${Resource.replaceAll("*", ".*")}$`).test(resource);

describe.skipIf(!isThereObjectStore)("the policy", () => {
    let store: ObjectStore;
    let proxy: CuttingProxy;
    let theirs: S3Client;
    let statements: Statement[];

    beforeAll(async () => {
        store = await startObjectStore();
        proxy = await openCuttingProxy(store.port);
        theirs = await store.makeBucket("drops");
        const page = await Bun.file(join(projectDir, "docs/sources.md")).text();
        const policy = /```json\n([\s\S]*?)```/.exec(page)![1]!.replaceAll("BUCKET", "drops");
        statements = JSON.parse(policy).Statement;
    });
    afterAll(async () => {
        proxy?.close();
        await store?.stop();
    });

    /** The statements that what was done needs; throws where none allows it. */
    function needed(): string[] {
        const rights = proxy.requests.splice(0).flatMap(rightsFor);
        const found = rights.map((right) => statements.find((statement) => allows(statement, right)) ?? right);
        expect(found.filter((one) => !("Sid" in one))).toEqual([]);
        return [...new Set((found as Statement[]).map(({ Sid }) => Sid))].sort();
    }

    test("allows what is asked, after each way to leave a merged object", async () => {
        const bucket = openBucket({ bucket: "drops", env: store.environment(proxy.endpoint) }, impatient);
        const methods = () => proxy.requests.map(({ method }) => method);
        await theirs.write("in/a.csv", "a");
        await theirs.write("in/deep/b.csv", "b");

        const [[a, b]] = (await Array.fromAsync(bucket.list({ prefix: "in/" }))) as [[never, never]];
        await bucket.read(a, 0, 1);
        expect(await bucket.head("in/gone.csv")).toBeNull();
        expect(needed()).toEqual(["List", "Read"]);

        expect(await bucket.remove(a)).toBe(true);
        expect(methods()).toEqual(["HEAD", "DELETE"]);
        expect(needed()).toEqual(["Delete", "Read"]);

        expect(await bucket.move(b, "in/deep/_archive/2026-11-30/7/b.csv")).toBe(true);
        expect(methods()).toEqual(["PUT", "HEAD", "HEAD", "DELETE"]);
        expect(needed()).toEqual(["Archive", "Delete", "Read"]);
    });

    test("allows a large object's copy in parts, which is the same object", async () => {
        const bucket = openBucket(
            { bucket: "drops", env: store.environment(proxy.endpoint) },
            { ...impatient, copyBytes: 5 * 1024 * 1024 },
        );
        const content = Buffer.alloc(5 * 1024 * 1024 + 3, "0123456789");
        await theirs.write("in/large.csv", content);
        const large = (await bucket.head("in/large.csv"))!;
        proxy.requests.length = 0;

        expect(await bucket.move(large, "in/_archive/large.csv")).toBe(true);
        expect(proxy.requests.map(({ method }) => method).join(" ")).toBe("POST PUT PUT POST HEAD HEAD DELETE");
        expect(needed()).toEqual(["Archive", "Delete", "Read"]);
        expect(Buffer.from(await theirs.file("in/_archive/large.csv").arrayBuffer()).equals(content)).toBe(true);

        const changed = { ...large, key: "in/_archive/large.csv", etag: "0".repeat(32) };
        expect(await bucket.move(changed, "in/_archive/changed.csv")).toBe(false);
        expect(proxy.requests.map(({ method }) => method).join(" ")).toBe("POST PUT DELETE");
        expect(needed()).toEqual(["Archive", "Read"]);
    });
});
