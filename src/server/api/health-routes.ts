/** `GET /livez`: the process answers. `GET /readyz`: it can answer questions, because the database does. */
import { createRoute, z } from "@hono/zod-openapi";
import { sql } from "drizzle-orm";
import { batches } from "../../database/schema.ts";
import { Problem, problemResponses } from "./problem.ts";
import type { Reader } from "./reader.ts";
import type { Api, Context } from "./route-types.ts";

const readySchema = z
    .object({
        status: z.enum(["ready", "unavailable"]),
        checks: z
            .array(z.object({ name: z.string(), ok: z.boolean(), durationMs: z.number(), code: z.string().optional() }))
            .optional(),
    })
    .openapi("Readiness");

const getLivez = createRoute({
    method: "get",
    path: "/livez",
    summary: "Check that the process answers",
    responses: {
        200: {
            description: "The process answers",
            content: { "application/json": { schema: z.object({ status: z.literal("alive") }) } },
        },
    },
});

const getReadyz = createRoute({
    method: "get",
    path: "/readyz",
    summary: "Check that the database answers; ?verbose lists each check",
    request: {
        query: z.strictObject({ verbose: z.enum(["", "true", "1"], "takes no value").optional() }),
    },
    responses: {
        200: { description: "Ready", content: { "application/json": { schema: readySchema } } },
        ...problemResponses(400),
        503: { description: "Not ready", content: { "application/json": { schema: readySchema } } },
    },
});

const checks: { name: string; run(reader: Reader): Promise<unknown> }[] = [
    { name: "database", run: (reader) => reader.share("ready", 0, (db) => db.execute(sql`select 1`)) },
    { name: "tables", run: (reader) => reader.share("ready tables", 0, (db) => db.select().from(batches).limit(0)) },
];

export function addHealthRoutes(app: Api, { reader }: Context): void {
    app.openapi(getLivez, (c) => c.json({ status: "alive" as const }, 200));

    app.openapi(getReadyz, async (c) => {
        const results = await Promise.all(checks.map(({ name, run }) => runCheck(name, () => run(reader))));
        const ready = results.every(({ ok }) => ok);
        const body = {
            status: ready ? ("ready" as const) : ("unavailable" as const),
            ...(c.req.valid("query").verbose === undefined ? {} : { checks: results }),
        };
        return ready ? c.json(body, 200) : c.json(body, 503, { "retry-after": "2" });
    });
}

async function runCheck(name: string, run: () => Promise<unknown>) {
    const beganAt = performance.now();
    const elapsed = () => Math.round(performance.now() - beganAt);
    try {
        await run();
        return { name, ok: true, durationMs: elapsed() };
    } catch (error) {
        const code = error instanceof Problem ? error.code : "internal_error";
        return { name, ok: false, durationMs: elapsed(), code };
    }
}
