/** `GET /v1/flow` */
import { createRoute, z } from "@hono/zod-openapi";
import type { Api, Context } from "../api.ts";
import { answers } from "../problem.ts";
import { flowSchema, flowWindows, readFlow, windowSchema } from "./read-flow.ts";

const getFlow = createRoute({
    method: "get",
    path: "/v1/flow",
    summary: "What arrived and what was committed, in even steps up to now",
    description: "By the time at which it happened; /v1/stats has series by event time.",
    request: { query: z.strictObject({ window: windowSchema.optional().openapi({ default: "5m" }) }) },
    responses: answers("Every step of the window", flowSchema, 400, 503),
});

export function addFlowRoutes(app: Api, { reader }: Context): void {
    app.openapi(getFlow, async (c) => {
        const { window = "5m" } = c.req.valid("query");
        const { sharedMs, stepSeconds } = flowWindows[window];
        const flow = await reader.share(`flow ${window}`, sharedMs, (db) => readFlow(db, window));
        return c.json({ ...flow, window, stepSeconds }, 200);
    });
}
