import { describe, expect, test } from "bun:test";
import type { AppOptions } from "../../src/server/api/create-app.ts";
import { isAllowedHost } from "../../src/server/api/safety/check-host.ts";
import { isForeign } from "../../src/server/api/safety/check-origin.ts";
import { limitAttempts, networkOf } from "../../src/server/api/safety/limit-attempts.ts";
import { serveApi } from "../../src/server/api/serve.ts";
import { closeSessions, openSession } from "../support/sessions.ts";
import { useApi } from "./api-fixture.ts";

const token = "0123456789abcdef0123456789abcdef";
const api = useApi(import.meta.path, { host: "sluice.example" });
const serve = (options: Partial<AppOptions> = {}, host?: string) => api.serve(api.open(options), host);

describe("names", () => {
    test("takes requests for localhost, for addresses, and for the name it was given", async () => {
        for (const host of [
            "localhost",
            "localhost:4040",
            "LOCALHOST:1",
            "a.localhost",
            "127.0.0.1:4040",
            "[::1]:4040",
            "[::1]",
            "192.168.1.5",
            "sluice.example",
            "Sluice.Example.:443",
        ]) {
            expect([host, (await api.get("/v1/stats", { host })).status]).toEqual([host, 200]);
        }
    });

    test("should fail for any other name, which DNS may have pointed at this machine", async () => {
        for (const host of [
            "evil.example",
            "evil.example:4040",
            "localhost.evil.example",
            "127.0.0.1.nip.io",
            "sluice.example.evil",
            "[evil]",
            "",
            "a@localhost",
            "localhost:4040:1",
            "localhost/x",
        ]) {
            const { status, body } = await api.get("/v1/stats", { host });
            expect([host, status, body.code]).toEqual([host, 403, "host_not_allowed"]);
        }
        expect((await api.get("/livez", { host: "10-0-0-1.pod.example" })).status).toBe(200);
        expect(isAllowedHost("999.1.1.1", new Set())).toBe(false);
    });

    test("should fail for a rebound name on the wire too", async () => {
        const { url } = serve();
        expect((await fetch(`${url}/v1/stats`, { headers: { host: "evil.example" } })).status).toBe(403);
        expect((await fetch(`${url}/v1/stats`)).status).toBe(200);
    });
});

describe("other sites", () => {
    test("should fail when a page of another site tries to change something", async () => {
        const foreign: Record<string, string>[] = [
            { origin: "https://evil.example" },
            { origin: "null" },
            { origin: "http://localhost:9999" },
            { "sec-fetch-site": "cross-site" },
            { "sec-fetch-site": "same-site" },
        ];
        // Before any route sees it, so also for addresses that there are not.
        for (const path of ["/v1/session", "/v1/replay", "/v1/ingest", "/v1/lab/send_garbage"]) {
            for (const headers of foreign) {
                const { status, body } = await api.post(path, "{}", headers);
                expect([path, status, body.code]).toEqual([path, 403, "origin_not_allowed"]);
            }
        }
        expect(isForeign("same-origin", "http://localhost:4040", "localhost:4040")).toBe(false);
        expect(isForeign(undefined, undefined, "localhost:4040")).toBe(false);
    });

    test("lets no other site read: no CORS header, whatever it asks", async () => {
        for (const method of ["GET", "OPTIONS"]) {
            const response = await api.app.request("/v1/stats", {
                method,
                headers: { origin: "https://evil.example", "access-control-request-method": "GET" },
            });
            const names = [...response.headers.keys()];
            expect(names.filter((name) => name.startsWith("access-control"))).toEqual([]);
        }
    });

    test("sends strict headers with every answer, refusals included", async () => {
        for (const [path, host] of [
            ["/v1/stats", "localhost"],
            ["/nothing", "localhost"],
            ["/metrics", "localhost"],
            ["/v1/stats", "evil.example"],
        ]) {
            const { headers } = await api.get(path!, { host: host! });
            expect(headers.get("content-security-policy")).toStartWith("default-src 'none'");
            expect(headers.get("x-content-type-options")).toBe("nosniff");
            expect(headers.get("x-frame-options")).toBe("DENY");
            expect(headers.get("referrer-policy")).toBe("no-referrer");
            expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
            expect(headers.get("cache-control")).toBe("no-store");
            expect(headers.get("x-request-id")).toBeTruthy();
        }
    });
});

describe("the token", () => {
    const bearer = (value: string) => ({ headers: { authorization: `Bearer ${value}` } });

    test("should fail to start where others could read without a token, or with a short one", () => {
        for (const host of ["0.0.0.0", "::", "192.168.1.5", "sluice.example"]) {
            expect(() => serve({}, host)).toThrow("SLUICE_API_TOKEN");
        }
        expect(() => api.open({ token: "x".repeat(31) })).toThrow("at least 32");
        expect(() => api.open({ token: "" })).toThrow("at least 32");
    });

    test("is asked for on another host, by everything but the probes", async () => {
        const { url } = serve({ token }, "0.0.0.0");
        expect((await fetch(`${url}/livez`)).status).toBe(200);
        expect((await fetch(`${url}/readyz`)).status).toBe(200);
        for (const path of ["/v1/stats", "/v1/events", "/metrics", "/openapi.json", "/nothing", "/"]) {
            const response = await fetch(`${url}${path}`);
            expect([path, response.status, response.headers.get("www-authenticate")]).toEqual([
                path,
                401,
                'Bearer realm="sluice"',
            ]);
            expect((await response.json()).code).toBe("token_required");
            const allowed = await fetch(`${url}${path}`, bearer(token));
            expect([path, allowed.status === 401]).toEqual([path, false]);
        }
    });

    test("should fail when it is wrong, in another scheme, or in the address", async () => {
        const app = api.open({ token });
        for (const value of [`${token}x`, token.slice(1), token.toUpperCase(), "x"]) {
            const response = await app.request("/v1/stats", bearer(value));
            expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
                401,
                "token_invalid",
            ]);
        }
        expect(
            (await app.request("/v1/stats", { headers: { authorization: `Basic ${btoa(`a:${token}`)}` } })).status,
        ).toBe(401);
        expect((await app.request(`/v1/stats?token=${token}`)).status).toBe(401);
        expect((await app.request("/v1/stats", { headers: { cookie: `sluice_session=${token}` } })).status).toBe(401);
        expect((await app.request("/v1/stats", bearer(token))).status).toBe(200);
    });

    test("is traded for a cookie that scripts cannot read and other sites cannot send", async () => {
        const app = api.open({ token });
        const signIn = (body: unknown, headers: Record<string, string> = {}) =>
            app.request("/v1/session", {
                method: "POST",
                headers: { "content-type": "application/json", ...headers },
                body: JSON.stringify(body),
            });
        const response = await signIn({ token });
        expect(response.status).toBe(204);
        const cookie = response.headers.get("set-cookie")!;
        expect(cookie).toMatch(/^sluice_session=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Strict$/);
        expect(cookie).not.toContain(token);
        expect((await app.request("/v1/stats", { headers: { cookie: cookie.split(";")[0]! } })).status).toBe(200);
        expect((await signIn({ token }, { "x-forwarded-proto": "https" })).headers.get("set-cookie")).toContain(
            "; Secure",
        );
        expect((await signIn({ token: "wrong" })).status).toBe(401);
        expect((await signIn({ token, more: 1 })).status).toBe(400);
        expect((await signIn({})).status).toBe(400);
        expect((await signIn({ token: "x".repeat(70_000) })).status).toBe(413);
        const other = api.open({ token: `${token}2` });
        expect((await other.request("/v1/stats", { headers: { cookie: cookie.split(";")[0]! } })).status).toBe(401);
        const gone = await app.request("/v1/session", { method: "DELETE" });
        expect([gone.status, gone.headers.get("set-cookie")]).toEqual([204, "sluice_session=; Max-Age=0; Path=/"]);
    });

    test("should fail after ten wrong ones a minute, right or wrong, and be taken again afterwards", async () => {
        let at = Date.parse("2026-01-01T00:00:00Z");
        const app = api.open({ token, now: () => new Date(at) });
        for (let attempt = 0; attempt < 10; attempt++) {
            expect(
                (await app.request("/v1/stats", bearer(`wrong ${attempt}`.padEnd(32, "x").replace(" ", "")))).status,
            ).toBe(401);
        }
        const blocked = await app.request("/v1/stats", bearer(token));
        expect([blocked.status, blocked.headers.get("retry-after")]).toEqual([429, "60"]);
        at += 59_999;
        expect((await app.request("/v1/stats", bearer(token))).status).toBe(429);
        at += 1;
        expect((await app.request("/v1/stats", bearer(token))).status).toBe(200);
    });

    test("limits by network and remembers a bounded number of them", () => {
        expect(networkOf("203.0.113.5")).toBe("203.0.113.5");
        expect(networkOf("::ffff:203.0.113.5")).toBe("::ffff:203.0.113.5");
        expect(networkOf("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2");
        expect(networkOf("2001:db8:1:2::9")).toBe("2001:db8:1:2");
        expect(networkOf("2001:db8::9")).toBe("2001:db8:0:0");
        expect(networkOf("::1")).toBe("0:0:0:0");
        const limit = limitAttempts({ now: () => new Date(0), maxFailures: 1, maxAddresses: 2 });
        for (const address of ["10.0.0.1", "10.0.0.2", "10.0.0.3"]) limit.recordFailure(address);
        expect(["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((address) => limit.blockedForMs(address) > 0)).toEqual([
            false,
            true,
            true,
        ]);
    });
});

describe("the port", () => {
    test("should fail when it is taken, naming it and the remedy", () => {
        const { port } = serve();
        const app = api.open();
        expect(() => serveApi({ app, host: "127.0.0.1", port })).toThrow(
            expect.objectContaining({ code: "port_taken", exitCode: 3, message: expect.stringContaining("--port") }),
        );
        expect(() => serveApi({ app, host: "127.0.0.1", port })).toThrow(String(port));
    });

    test("should fail for an address that this machine does not have", () => {
        expect(() => serve({ token }, "203.0.113.77")).toThrow("--host");
    });

    test("stops within its second although a request is open", async () => {
        const server = serve();
        const session = openSession(api.database);
        await session.unsafe("begin; lock table ingest.batches in access exclusive mode");
        const open = fetch(`${server.url}/v1/batches`).then(
            () => {},
            () => {},
        );
        await Bun.sleep(100);
        // Would wait for the lock for ever: the test's time limit is the bound.
        await server.stop();
        await closeSessions();
        await open;
        expect(fetch(`${server.url}/livez`)).rejects.toThrow();
    });
});
