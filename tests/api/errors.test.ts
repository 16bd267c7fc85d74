import { expect, spyOn, test } from "bun:test";
import type { Fault } from "../../src/server/api/to-problem.ts";
import { countNames } from "../../src/terminal/record-counts.ts";
import { useApi } from "./api-fixture.ts";

const api = useApi(import.meta.path, { onFault: (fault) => faults.push(fault) });
const faults: Fault[] = [];

test("answers with a problem that has a stable code and the request's id", async () => {
    const { status, body, headers } = await api.get("/v1/nothing", { "x-request-id": "my-request-1" });
    expect(status).toBe(404);
    expect(headers.get("content-type")).toBe("application/problem+json");
    expect(headers.get("x-request-id")).toBe("my-request-1");
    expect(body).toEqual({
        type: "urn:sluice:problem:not_found",
        title: "Not found",
        status: 404,
        detail: "GET /openapi.json lists all addresses.",
        code: "not_found",
        requestId: "my-request-1",
    });
});

test("makes a request id of its own when the caller's could do harm", async () => {
    for (const id of ["x".repeat(65), "a b", "<script>", '"', "id;drop"]) {
        const { headers, body } = await api.get("/v1/nothing", { "x-request-id": id });
        expect(headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
        expect(body.requestId).toBe(headers.get("x-request-id"));
    }
});

test("should fail for methods that an address does not take, naming those it does", async () => {
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "PROPFIND"]) {
        const response = await api.app.request("/v1/events", { method });
        expect([method, response.status, response.headers.get("allow")]).toEqual([method, 405, "GET, HEAD"]);
        expect(((await response.json()) as { code: string }).code).toBe("method_not_allowed");
    }
    expect((await api.app.request("/v1/nothing", { method: "POST" })).status).toBe(404);
});

test("answers HEAD like GET, without a body", async () => {
    const response = await api.app.request("/v1/stats", { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
});

test("should fail for addresses that try to leave the API", async () => {
    for (const path of ["/v1/events/", "/v1/%2e%2e/%2e%2e/etc/passwd", "//v1/events", "/v1/files/1/..", "/v1/EVENTS"]) {
        expect((await api.app.request(path)).status).toBe(404);
    }
});

test("tells a broken statement to whoever runs the API, and nothing of it to the caller", async () => {
    await api.sql`alter table ingest.batches rename to real_batches`;
    await api.sql`
        create view ingest.batches as
        select ('secret value ' || number)::bigint as batch_id, real_batches.* from generate_series(1, 1) as number
        left join (select worker_id, kind, chunks, ${api.sql(countNames)}, displaced, started_at, finished_at, stream_id,
            oldest_staged_at, duration_ms from ingest.real_batches) as real_batches on true`;
    const { status, body } = await api.get("/v1/batches");
    expect([status, body.code]).toEqual([500, "internal_error"]);
    expect(JSON.stringify(body)).not.toMatch(/bigint|select|secret|22P02/);
    expect(faults).toEqual([
        {
            requestId: body.requestId,
            code: "internal_error",
            summary: expect.stringMatching(/^the database refused a statement \(\w{5}\)$/),
        },
    ]);
});

test("prints faults of its own to stderr with the request id, when nobody asked for them", async () => {
    const printed = spyOn(console, "error").mockImplementation(() => {});
    try {
        const app = api.open();
        app.get("/broken", () => {
            throw new TypeError("a bug");
        });
        const response = await app.request("/broken", { headers: { "x-request-id": "r1" } });
        expect(response.status).toBe(500);
        expect(await response.text()).not.toContain("a bug");
        expect(printed.mock.calls[0]![0]).toStartWith("api: internal_error (request r1): TypeError: a bug");
    } finally {
        printed.mockRestore();
    }
});
