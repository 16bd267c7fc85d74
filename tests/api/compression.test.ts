/** Answers in gzip, over the wire: nothing here decodes them but the test itself. */
import { beforeAll, expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import { addPage } from "../../src/server/page/serve-page.ts";
import { pageEntry } from "../../src/shop/page/page-entry.ts";
import { useApi } from "./api-fixture.ts";
import { insertFile } from "./seed-ledger.ts";

const api = useApi(import.meta.path);
let url: string;

beforeAll(async () => {
    for (let number = 0; number < 50; number++) await insertFile(api.sql, `${number}.csv`);
    url = api.serve(addPage(api.open(), pageEntry)).url;
});

async function ask(path: string, acceptEncoding: string, init: RequestInit = {}) {
    const headers = { "accept-encoding": acceptEncoding, ...(init.headers as Record<string, string>) };
    const response = await fetch(`${url}${path}`, { ...init, headers, decompress: false });
    const bytes = Buffer.from(await response.arrayBuffer());
    return { status: response.status, headers: response.headers, bytes };
}

test.each(["/v1/files", "/v1/status", "/openapi.json", "/docs", "/metrics", "/assets/page.js", "/assets/page.css"])(
    "%s comes in gzip, says so, and is the same",
    async (path) => {
        const [plain, zipped] = [await ask(path, "identity"), await ask(path, "br, gzip, zstd")];
        expect([plain.headers.get("content-encoding"), zipped.headers.get("content-encoding")]).toEqual([null, "gzip"]);
        expect([plain.headers.get("vary"), zipped.headers.get("vary")]).toEqual(["Accept-Encoding", "Accept-Encoding"]);
        const unpacked = gunzipSync(zipped.bytes);
        expect(zipped.bytes.length).toBeLessThan(0.7 * plain.bytes.length);
        // The time of an answer, and what a scrape counts, differ from one to the next.
        const timeless = (text: string) => text.replace(/\d/g, "0").replace(/0+/g, "0");
        if (!["/metrics", "/v1/status"].includes(path))
            expect(timeless(unpacked.toString())).toBe(timeless(plain.bytes.toString()));
        expect(unpacked.length).toBeGreaterThan(1000);
    },
);

test("leaves alone what is small, who does not take it, and the live stream", async () => {
    for (const [path, encoding] of [
        ["/livez", "gzip"],
        ["/v1/nothing", "gzip"],
        ["/v1/files", ""],
        ["/v1/files", "br"],
        ["/v1/files", "gzip;q=0"],
        ["/v1/files", "gzip;q=0, *;q=0.5"],
    ] as const) {
        expect([path, encoding, (await ask(path, encoding)).headers.get("content-encoding")]).toEqual([
            path,
            encoding,
            null,
        ]);
    }
    const stream = await fetch(`${url}/v1/stream`, { headers: { "accept-encoding": "gzip" }, decompress: false });
    expect(stream.headers.get("content-encoding")).toBeNull();
    const reader = stream.body!.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toContain(":");
    await reader.cancel();
});

test("an asset whose tag the browser has is not sent again, compressed or not", async () => {
    const { headers } = await ask("/assets/page.js", "gzip");
    expect(headers.get("etag")).toMatch(/^W\/"/);
    const etag = headers.get("etag")!;
    for (const known of [etag, etag.replace("W/", ""), `"other", ${etag}`]) {
        const again = await ask("/assets/page.js", "gzip", { headers: { "if-none-match": known } });
        expect([known, again.status, again.bytes.length]).toEqual([known, 304, 0]);
    }
    expect((await ask("/assets/page.js", "gzip", { headers: { "if-none-match": '"other"' } })).status).toBe(200);
});

test("a problem, and a HEAD request, are what they were", async () => {
    const head = await ask("/v1/files", "gzip", { method: "HEAD" });
    expect([head.status, head.bytes.length]).toEqual([200, 0]);
    const problem = await ask("/v1/files?limit=0", "gzip");
    expect([problem.status, problem.headers.get("content-type")]).toEqual([400, "application/problem+json"]);
    expect(JSON.parse(problem.bytes.toString()).parameter).toBe("limit");
});
