/** `GET /v1/status`: what `bun run status` shows, from the same query. */
import { createRoute, z } from "@hono/zod-openapi";
import { readStatus } from "../../operations/status/read-status.ts";
import { type Status, statusSchema } from "../../operations/status/status-schema.ts";
import { sharedForMs } from "./get-route.ts";
import { Problem, problemResponses, problemSchema } from "./problem.ts";
import type { Reader } from "./reader.ts";
import type { Api, Context } from "./route-types.ts";
import { streamParameter } from "./streams/stream-list.ts";

/** One read a second at most, however many ask; and the status when the database last answered. */
export type StatusReader = ReturnType<typeof createStatusReader>;

export function createStatusReader(reader: Reader) {
    let lastKnown: Status | null = null;
    return {
        /** @throws Problem if the database is unreachable or slow */
        read: () =>
            reader.share("status", sharedForMs.live, async () => {
                lastKnown = await readStatus(reader.sql);
                return lastKnown;
            }),
        /** @throws Problem as `read` does */
        readStream: (streamId: number) =>
            reader.share(`status ${streamId}`, sharedForMs.live, () => readStatus(reader.sql, streamId)),
        /** It bears its own time, `asOf`; null before the first answer. Show it as old, never in the place of a new one. */
        lastKnown: () => lastKnown,
    };
}

const staleProblemSchema = problemSchema
    .extend({
        lastKnown: statusSchema.optional().openapi({
            description:
                "The last status that could be read, with its `asOf`; absent if there was none since the start.",
        }),
    })
    .openapi("StaleStatus");

const getStatus = createRoute({
    method: "get",
    path: "/v1/status",
    summary: "The current status, at one moment",
    request: { query: z.strictObject({ stream: streamParameter }) },
    responses: {
        200: { description: "The status", content: { "application/json": { schema: statusSchema } } },
        ...problemResponses(400),
        503: {
            description: `${problemResponses(503)[503].description} Includes the last known status.`,
            content: { "application/problem+json": { schema: staleProblemSchema } },
        },
    },
});

export function addStatusRoutes(app: Api, { status, streams }: Context): void {
    app.openapi(getStatus, async (c) => {
        const { stream } = c.req.valid("query");
        if (stream === undefined) return c.json(await status.read().catch(addLastKnown), 200);
        return c.json(await status.readStream((await streams.find(stream))!.streamId), 200);
    });

    function addLastKnown(error: unknown): never {
        if (!(error instanceof Problem) || error.status !== 503) throw error;
        const lastKnown = status.lastKnown();
        throw lastKnown === null ? error : error.extend({ lastKnown });
    }
}
