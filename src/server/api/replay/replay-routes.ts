/** `POST /v1/replay`: rejects judged again by today's rules, as `bun run replay` does. */
import { createRoute, z } from "@hono/zod-openapi";
import type { Sql } from "../../../database/connect.ts";
import { replayStreams } from "../../../operations/replay-streams.ts";
import type { Stream } from "../../../streams/stream.ts";
import { answers, Problem } from "../problem.ts";
import { reasonParameter, refuseUnknownReason } from "../rejects/known-reasons.ts";
import type { Api, Context } from "../route-types.ts";
import { requireJson } from "../safety/require-json.ts";
import { countSchema, instantParameterSchema, recordCounts, textSchema } from "../shapes.ts";
import { throwDatabaseProblem } from "../to-problem.ts";

const counts = {
    dryRun: z.boolean(),
    batches: countSchema,
    ...recordCounts,
    displaced: countSchema.openapi({
        description: "Rows replaced by a conflicting record; they are rejects now.",
    }),
    refused: countSchema.openapi({
        description: "Accepted conflicts whose record the table refuses; `refusal` has the cause.",
    }),
    unchanged: countSchema.openapi({ description: "Rejects with the same result as before; they stay open." }),
    unsplittable: countSchema.openapi({ description: "Rejects without values; set their record first." }),
};

const summarySchema = z
    .object({
        ...counts,
        streams: z
            .array(z.object({ stream: z.string(), problem: z.string().nullable(), ...counts }))
            .optional()
            .openapi({
                description:
                    "Present if more than one stream was replayed; the counts above are their totals. `problem`: what is wrong with the table.",
            }),
    })
    .openapi("ReplaySummary");

const postReplay = createRoute({
    method: "post",
    path: "/v1/replay",
    middleware: requireJson,
    summary: "Apply today's rules to rejects again",
    description:
        "Inserts records that now pass. Leaves rejects with the same result unchanged, so a second replay does nothing.",
    request: {
        body: {
            required: true,
            content: {
                "application/json": {
                    schema: z.strictObject({
                        stream: textSchema(200)
                            .optional()
                            .openapi({ description: "Only this stream; default: all, in turn." }),
                        reason: reasonParameter.optional().openapi({ description: "Only rejects with this reason." }),
                        file: textSchema(4096).optional().openapi({ description: "Only rejects of this path." }),
                        since: instantParameterSchema.optional(),
                        acceptConflicts: z.boolean().optional().openapi({
                            description: "Conflicting records replace the stored rows, which become rejects.",
                        }),
                        dryRun: z.boolean().optional().openapi({ description: "Does everything and rolls it back." }),
                    }),
                },
            },
        },
    },
    responses: answers("The outcome", summarySchema, 400, 403, 409, 413, 415, 503),
});

export function addReplayRoutes(app: Api, context: Context, workSql: Sql, builtIn: Stream): void {
    let isRunning = false;
    app.openapi(postReplay, async (c) => {
        const { stream: name, ...request } = c.req.valid("json");
        const stream = await context.streams.find(name, "invalid_body");
        await refuseUnknownReason(context, builtIn, { reason: request.reason, stream }, "invalid_body");
        const streams = stream ? [stream] : (await context.streams.all()).filter(({ isActive }) => isActive);
        if (isRunning) throw new Problem("replay_running", "Only one runs at a time. Try again when it has ended.");
        isRunning = true;
        // Bun ends what is silent for ten seconds; a replay of many rejects takes longer.
        c.env?.server?.timeout(c.req.raw, 0);
        try {
            return c.json(await replayStreams(workSql, streams, request).catch(throwDatabaseProblem), 200);
        } finally {
            isRunning = false;
        }
    });
}
