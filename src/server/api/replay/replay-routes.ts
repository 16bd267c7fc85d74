/** `POST /v1/replay`: rejects judged again by today's rules, as `bun run replay` does. */
import { createRoute, z } from "@hono/zod-openapi";
import type { Sql } from "../../../database/connect.ts";
import { runReplay } from "../../../operations/run-replay.ts";
import type { Stream } from "../../../streams/stream.ts";
import { answers, Problem } from "../problem.ts";
import { reasonSchemaOf } from "../rejects/reason-schema.ts";
import type { Api } from "../route-types.ts";
import { requireJson } from "../safety/require-json.ts";
import { countSchema, instantParameterSchema, recordCounts, textSchema } from "../shapes.ts";
import { throwDatabaseProblem } from "../to-problem.ts";

const summarySchema = z
    .object({
        dryRun: z.boolean(),
        batches: countSchema,
        ...recordCounts,
        displaced: countSchema.openapi({
            description: "Events that a conflicting record replaced; they are rejects now.",
        }),
        refused: countSchema.openapi({
            description:
                "Of the conflicts, those to be accepted whose record the table refuses: their refusal says why.",
        }),
        unchanged: countSchema.openapi({ description: "Rejects whose verdict is what it was: they stand." }),
        unsplittable: countSchema.openapi({ description: "Rejects that hold no values: they need a record first." }),
    })
    .openapi("ReplaySummary");

function postReplay(stream: Stream) {
    return createRoute({
        method: "post",
        path: "/v1/replay",
        middleware: requireJson,
        summary: "Judge rejects again by today's rules",
        description:
            "What passes is inserted. What would end as before is left alone, so a second replay does nothing.",
        request: {
            body: {
                required: true,
                content: {
                    "application/json": {
                        schema: z.strictObject({
                            reason: reasonSchemaOf(stream)
                                .optional()
                                .openapi({ description: "Only rejects with this reason." }),
                            file: textSchema(4096).optional().openapi({ description: "Only rejects of this path." }),
                            since: instantParameterSchema.optional(),
                            acceptConflicts: z.boolean().optional().openapi({
                                description: "Conflicting records replace the stored ones, which become the rejects.",
                            }),
                            dryRun: z
                                .boolean()
                                .optional()
                                .openapi({ description: "Everything is done and rolled back." }),
                        }),
                    },
                },
            },
        },
        responses: answers("What became of them", summarySchema, 400, 403, 409, 413, 415, 503),
    });
}

export function addReplayRoutes(app: Api, workSql: Sql, stream: Stream): void {
    let isRunning = false;
    app.openapi(postReplay(stream), async (c) => {
        const request = c.req.valid("json");
        if (isRunning) throw new Problem("replay_running", "One at a time: ask again when it has ended.");
        isRunning = true;
        // Bun ends what is silent for ten seconds; a replay of many rejects takes longer.
        c.env?.server?.timeout(c.req.raw, 0);
        try {
            return c.json(await runReplay(workSql, request).catch(throwDatabaseProblem), 200);
        } finally {
            isRunning = false;
        }
    });
}
