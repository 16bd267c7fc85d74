/** `POST /v1/ingest/pause` and `POST /v1/ingest/resume`, as `bun run pause` and `bun run resume` do. */
import { createRoute, z } from "@hono/zod-openapi";
import type { Sql } from "../../../database/connect.ts";
import { pauseStreams, resumeStreams } from "../../../operations/pause-streams.ts";
import { answers } from "../problem.ts";
import type { Api, Context } from "../route-types.ts";
import { requireJson } from "../safety/require-json.ts";
import { instantSchema, textSchema } from "../shapes.ts";
import { throwDatabaseProblem } from "../to-problem.ts";

const streamSchema = textSchema(200)
    .optional()
    .openapi({ description: "Only this stream; default: all.", example: "orders" });

const outcomeSchema = z
    .object({
        streams: z.array(
            z.object({
                stream: z.string(),
                hasChanged: z.boolean().openapi({ description: "False: it was as asked for before." }),
                pausedAt: instantSchema.nullable().openapi({
                    description: "Of the pause that now holds, or that has ended with this; null: there was none.",
                }),
                pausedBy: z.string().nullable(),
                pauseReason: z.string().nullable(),
            }),
        ),
    })
    .openapi("PauseOutcome");

const jsonBody = <Shape extends z.ZodRawShape>(shape: Shape) => ({
    body: { required: true, content: { "application/json": { schema: z.strictObject(shape) } } },
});

const postPause = createRoute({
    method: "post",
    path: "/v1/ingest/pause",
    middleware: requireJson,
    summary: "Pause the ingest of a stream, or of all",
    description:
        "On all machines, until it is resumed; restarts do not end it. Workers stop within a second, after the load or merge " +
        "that they have begun. Uploads are still accepted: their files wait in the folder. A stream that is paused already " +
        "keeps its pausedAt, pausedBy and pauseReason.",
    request: jsonBody({
        stream: streamSchema,
        reason: textSchema(500)
            .optional()
            .openapi({ description: "Why, for whoever looks at the status or the page." }),
        by: textSchema(100).optional().openapi({ description: 'Who pauses it; default: "API".', example: "ana" }),
    }),
    responses: answers("The streams, all paused now", outcomeSchema, 400, 403, 413, 415, 503),
});

const postResume = createRoute({
    method: "post",
    path: "/v1/ingest/resume",
    middleware: requireJson,
    summary: "Resume the ingest of a stream, or of all",
    request: jsonBody({ stream: streamSchema }),
    responses: answers("The streams, none paused now", outcomeSchema, 400, 403, 413, 415, 503),
});

export function addPauseRoutes(app: Api, { streams }: Context, workSql: Sql): void {
    const choose = async (name: string | undefined) => (await streams.find(name, "invalid_body"))?.streamId ?? null;

    app.openapi(postPause, async (c) => {
        const { stream, reason, by = "API" } = c.req.valid("json");
        const streamId = await choose(stream);
        return c.json(
            { streams: await pauseStreams(workSql, streamId, by, reason ?? null).catch(throwDatabaseProblem) },
            200,
        );
    });
    app.openapi(postResume, async (c) => {
        const streamId = await choose(c.req.valid("json").stream);
        return c.json({ streams: await resumeStreams(workSql, streamId).catch(throwDatabaseProblem) }, 200);
    });
}
