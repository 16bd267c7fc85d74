/** `GET /v1/batches` and `GET /v1/batches/:id` */
import { createRoute, z } from "@hono/zod-openapi";
import type { Api, Context } from "../api.ts";
import { sharedForMs } from "../api.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import { answers, Problem } from "../problem.ts";
import { cursorSchema, idParameterSchema, limitSchema, pageSchema, toPage } from "../shapes.ts";
import { readStreamHead } from "../stream/read-new-batches.ts";
import { encodeStreamCursor } from "../stream/stream-cursor.ts";
import { batchDetailSchema, batchSchema, readBatch, readBatchFiles, selectBatches } from "./read-batches.ts";

const batchPageSchema = pageSchema(batchSchema).extend({
    streamCursor: z.string().openapi({ description: "`after` of /v1/stream, to miss nothing after this list." }),
});

const cursorKeys = z.tuple([z.number().int().positive()]);

const listBatches = createRoute({
    method: "get",
    path: "/v1/batches",
    summary: "Batches, newest first",
    request: { query: z.strictObject({ limit: limitSchema, cursor: cursorSchema }) },
    responses: answers("A page", batchPageSchema, 400, 503),
});

const getBatch = createRoute({
    method: "get",
    path: "/v1/batches/{id}",
    summary: "One batch, and what it did to each file",
    request: { params: z.object({ id: idParameterSchema }), query: z.strictObject({}) },
    responses: answers("The batch", batchDetailSchema, 400, 404, 503),
});

export function addBatchRoutes(app: Api, { reader }: Context): void {
    app.openapi(listBatches, async (c) => {
        const { limit, cursor } = c.req.valid("query");
        const before = cursor === undefined ? undefined : decodeCursor("batches", cursor, cursorKeys)[0];
        const key = `batches ${limit} ${before}`;
        const { streamCursor, rows } = await reader.share(key, sharedForMs.live, async (db) => ({
            // First, so that a batch committed between the two is in the stream after it, or in both.
            streamCursor: encodeStreamCursor(await readStreamHead(db)),
            rows: await selectBatches(db, { limit, before }),
        }));
        const page = toPage(rows, limit, (row) => encodeCursor("batches", [row.batchId]));
        return c.json({ ...page, streamCursor }, 200);
    });

    app.openapi(getBatch, async (c) => {
        const { id } = c.req.valid("param");
        const batch = await reader.share(`batch ${id}`, sharedForMs.live, (db) => readBatch(db, id));
        if (!batch) throw unknownBatch();
        const touched = await reader.share(`batch files ${id}`, sharedForMs.live, (db) => readBatchFiles(db, id));
        return c.json({ ...batch, ...touched }, 200);
    });
}

function unknownBatch(): Problem {
    return new Problem({
        code: "batch_not_found",
        detail: "GET /v1/batches lists the ones there are.",
        parameter: "id",
    });
}
