/** `GET /v1/batches` and `GET /v1/batches/:id` */
import { z } from "@hono/zod-openapi";
import { addGetRoute } from "../get-route.ts";
import { listing, timedKey } from "../listing.ts";
import { encodeLiveCursor } from "../live/live-cursor.ts";
import { readLiveHead } from "../live/read-new-batches.ts";
import type { Api, Context } from "../route-types.ts";
import { idParameterSchema, rangeParameters } from "../shapes.ts";
import { streamParameter } from "../streams/stream-list.ts";
import { batchDetailSchema, batchSchema, readBatch, readBatchFiles, selectBatches } from "./read-batches.ts";

const streamCursorSchema = z.string().openapi({
    description: "Pass it as `after` to /v1/stream, to miss nothing after this list.",
});

export function addBatchRoutes(app: Api, context: Context): void {
    const batches = listing({
        path: "/v1/batches",
        summary: "Batches, newest first",
        filters: {
            stream: streamParameter,
            file: idParameterSchema
                .optional()
                .openapi({ description: "A file's id. Returns the batches with records of it." }),
            ...rangeParameters,
        },
        row: batchSchema,
        key: timedKey,
        keyOf: ({ batchId, finishedAt }) => [batchId, finishedAt],
        select: async (db, { stream, ...query }) =>
            selectBatches(db, { ...query, streamId: await context.streams.idOf(stream) }),
    });
    addGetRoute(app, context, {
        ...batches,
        answer: { description: "A page", schema: batches.answer.schema.extend({ streamCursor: streamCursorSchema }) },
        async read(db, query) {
            // First, so that a batch committed between the two is in the stream after it, or in both.
            const streamCursor = encodeLiveCursor(await readLiveHead(db));
            return { ...(await batches.read(db, query)), streamCursor };
        },
    });
    addGetRoute(app, context, {
        path: "/v1/batches/{id}",
        summary: "One batch and its result for each file",
        answer: { description: "The batch", schema: batchDetailSchema },
        async read(db, { id }: { id: number }) {
            const batch = await readBatch(db, id);
            return batch && { ...batch, ...(await readBatchFiles(db, id)) };
        },
        missing: { code: "batch_not_found", detail: "GET /v1/batches lists all batches.", parameter: "id" },
    });
}
