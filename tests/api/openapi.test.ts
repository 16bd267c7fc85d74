import { expect, test } from "bun:test";
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { Validator } from "@seriousme/openapi-schema-validator";
import { addOpenApiRoute } from "../../src/server/api/openapi-route.ts";
import type { Api, ApiEnv } from "../../src/server/api/route-types.ts";
import { useApi } from "./api-fixture.ts";
import { createConformanceCheck, readDocument } from "./check-conformance.ts";

const api = useApi(import.meta.path, { token: "t".repeat(32) });

const authorization = { authorization: `Bearer ${"t".repeat(32)}` };

test("is a valid OpenAPI 3.1 document", async () => {
    const document = await readDocument(api.app, authorization);
    const { valid, errors } = await new Validator().validate(document as unknown as Record<string, unknown>);
    expect([valid, errors]).toEqual([true, undefined]);
});

test("documents every route that there is, and its problems", async () => {
    const { paths } = await readDocument(api.app, authorization);
    const routes = api.app.routes
        .filter(({ method, path }) => method !== "ALL" && !["/openapi.json", "/docs"].includes(path))
        .map(({ method, path }) => `${method.toLowerCase()} ${path.replace(/:(\w+)/g, "{$1}")}`);
    const documented = Object.entries(paths).flatMap(([path, item]) =>
        Object.keys(item).map((method) => `${method} ${path}`),
    );
    expect(documented.toSorted()).toEqual([...new Set(routes)].toSorted());
    for (const [path, { get }] of Object.entries(paths)) {
        if (get && path.startsWith("/v1/") && path !== "/v1/stream")
            expect(Object.keys(get.responses)).toContain("503");
    }
});

test("describes parameters as what they are, not as text", async () => {
    const document = (await readDocument(api.app, authorization)) as unknown as {
        paths: Record<string, { get: { parameters: { name: string; schema: unknown }[] } }>;
    };
    const parameter = (path: string, name: string) =>
        document.paths[path]!.get.parameters.find((candidate) => candidate.name === name)!.schema;
    expect(parameter("/v1/events", "limit")).toMatchObject({ type: "integer", minimum: 1, maximum: 200, default: 50 });
    expect(parameter("/v1/batches/{id}", "id")).toMatchObject({ type: "integer", minimum: 1 });
    expect(parameter("/v1/stats", "from")).toMatchObject({ type: "string", format: "date-time" });
    expect(parameter("/v1/stats", "bucket")).toMatchObject({ enum: ["minute", "hour", "day"] });
});

test("should fail to conform when an answer has a property that the document lacks (the check itself)", async () => {
    const schema = z.object({ data: z.array(z.object({ id: z.number() })) });
    const answers: unknown[] = [{ data: [{ id: 1 }] }, { data: [{ id: 1, extra: 1 }] }, { data: [{ id: "1" }] }, {}];
    const app: Api = new OpenAPIHono<ApiEnv>();
    app.openapi(
        {
            method: "get",
            path: "/odd",
            responses: { 200: { description: "", content: { "application/json": { schema } } } },
        },
        // biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
        (c) => c.json(answers.shift() as any, 200),
    );
    addOpenApiRoute(app, false);
    const check = await createConformanceCheck(app);
    expect((await check("/odd")).status).toBe(200);
    for (let wrong = 0; wrong < 3; wrong++) expect(check("/odd")).rejects.toThrow("/odd");
});
