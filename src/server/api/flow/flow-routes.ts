/** `GET /v1/flow` */
import { createRoute, z } from "@hono/zod-openapi";
import type { Api, Context } from "../api.ts";
import { problemResponses } from "../problem.ts";
import { countSchema, instantSchema, recordCounts } from "../shapes.ts";
import { type FlowWindow, flowWindows, readFlow } from "./read-flow.ts";

const windowSchema = z.enum(Object.keys(flowWindows) as [FlowWindow, ...FlowWindow[]]);
const millisecondsSchema = z.number().nonnegative();

const flowSchema = z
    .object({
        asOf: instantSchema,
        window: windowSchema,
        stepSeconds: z.number().int().positive(),
        since: instantSchema.nullable().openapi({ description: "Before it nothing was committed; null: ever." }),
        stagedRecords: countSchema.openapi({
            description: "Staged and not merged now; backwards over the steps, the backlog at the beginning of each.",
        }),
        steps: z.array(
            z.object({
                from: instantSchema,
                seconds: z.number().nonnegative().openapi({ description: "How much of the step is over." }),
                arrived: countSchema.openapi({ description: "Records staged." }),
                batches: countSchema,
                ...recordCounts,
                meanDurationMs: z.record(z.string(), z.number()).nullable().openapi({
                    description: "Of one batch, by phase; null in a step without batches, as the next two.",
                }),
                longestBatchMs: millisecondsSchema.nullable(),
                lagP95Ms: z.number().nullable().openapi({
                    description: "From staging to commit, of each batch's oldest record.",
                }),
            }),
        ),
    })
    .openapi("Flow");

const getFlow = createRoute({
    method: "get",
    path: "/v1/flow",
    summary: "What arrived and what was committed, in even steps up to now",
    description: "By the time at which it happened; /v1/stats has series by event time.",
    request: { query: z.strictObject({ window: windowSchema.optional().openapi({ default: "5m" }) }) },
    responses: {
        200: { description: "Every step of the window", content: { "application/json": { schema: flowSchema } } },
        ...problemResponses(400, 503),
    },
});

export function addFlowRoutes(app: Api, { reader }: Context): void {
    app.openapi(getFlow, async (c) => {
        const { window = "5m" } = c.req.valid("query");
        const { sharedMs, stepSeconds } = flowWindows[window];
        const flow = await reader.share(`flow ${window}`, sharedMs, (db) => readFlow(db, window));
        return c.json({ ...flow, window, stepSeconds }, 200);
    });
}
