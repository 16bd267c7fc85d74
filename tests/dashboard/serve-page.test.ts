import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { OpenAPIHono } from "@hono/zod-openapi";
import type { ApiEnv } from "../../src/server/api/route-types.ts";
import { addPage, assetPaths, isPagePath } from "../../src/server/page/serve-page.ts";
import { pageEntry } from "../../src/shop/page/page-entry.ts";
import { projectDir } from "../support/test-server.ts";

const app = addPage(new OpenAPIHono<ApiEnv>(), pageEntry);

const views = [
    "/",
    "/streams",
    "/streams/orders",
    "/files",
    "/files/7",
    "/batches/7",
    "/rejects",
    "/rejects/7",
    "/checks",
    "/trace",
];

describe.each([...assetPaths, ...views])("%s", (path) => {
    test("is served under a policy that allows nothing inline and nothing from elsewhere", async () => {
        const response = await app.request(path);
        expect(response.status).toBe(200);
        const policy = response.headers.get("content-security-policy")!;
        expect(policy).toContain("default-src 'none'");
        expect(policy).not.toMatch(/unsafe|https?:|\*/);
        expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(100);
    });

    test("costs nothing when it is known already", async () => {
        const etag = (await app.request(path)).headers.get("etag")!;
        const again = await app.request(path, { headers: { "if-none-match": etag } });
        expect([again.status, (await again.arrayBuffer()).byteLength]).toEqual([304, 0]);
    });
});

test("has no address for what is no view, and the lab's with --lab alone", async () => {
    for (const path of ["/nothing", "/files/abc", "/files/0", "/checks/1", "/streams/a/b", "/lab"]) {
        expect([path, (await app.request(path)).status]).toEqual([path, 404]);
    }
    expect([isPagePath("/files/7"), isPagePath("/files/abc"), isPagePath("/v1/files")]).toEqual([true, false, false]);
    const withLab = addPage(new OpenAPIHono<ApiEnv>(), pageEntry, { hasLab: true });
    const html = await (await withLab.request("/lab")).text();
    expect(html).toContain('<html data-lab="true" lang="en">');
});

test("has no inline script or style, and names no address of another host", async () => {
    const html = await (await app.request("/")).text();
    expect(html).not.toMatch(/<style|style="|<script>|https?:|\bon\w+="/);
    const css = await (await app.request("/assets/page.css")).text();
    expect(css).not.toMatch(/https?:|@import/);
    for (const [, place] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
        expect(assetPaths as readonly string[]).toContain(place!);
    }
});

test("is small: 70 KB of script and 10 KB of style, compressed, and the whole first view under 150 KB", async () => {
    const sizeOf = async (path: string) =>
        Bun.gzipSync(new Uint8Array(await (await app.request(path)).arrayBuffer())).byteLength;
    expect(await sizeOf("/assets/page.js")).toBeLessThan(70_000);
    expect(await sizeOf("/assets/page.css")).toBeLessThan(10_000);
    // The font is compressed already.
    const sizes = await Promise.all(["/", ...assetPaths].map(sizeOf));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(150_000);
});

test("meets the API only: nothing of the ingest, the database or the API's own code is in it", () => {
    const folder = join(projectDir, "src");
    const sources = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
        /^(server|shop)\/page\/.*\.tsx?$/.test(name),
    );
    expect(sources.length).toBeGreaterThan(20);
    for (const name of sources) {
        const imports = [...readFileSync(join(folder, name), "utf8").matchAll(/^import (?!type ).*from "([^"]+)"/gm)];
        const foreign = imports.map(([, from]) => from!).filter((from) => /\/(engine|database|api)\//.test(from));
        expect([name, foreign]).toEqual([name, []]);
    }
});
