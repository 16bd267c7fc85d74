/** `GET /v1/files` and `GET /v1/files/:id` */
import { z } from "@hono/zod-openapi";
import { fileStates } from "../../../database/schema.ts";
import { addGetRoute } from "../get-route.ts";
import { listing, timedKey } from "../listing.ts";
import type { Api, Context } from "../route-types.ts";
import { rangeParameters, textSchema } from "../shapes.ts";
import { streamParameter } from "../streams/stream-list.ts";
import { fileDetailSchema, fileSchema, readFile, searchedUpTo, selectFiles } from "./read-files.ts";

export function addFileRoutes(app: Api, context: Context): void {
    const files = listing({
        path: "/v1/files",
        summary: "Files, newest first",
        filters: {
            state: z.enum(fileStates).optional(),
            path: textSchema(4096).optional(),
            contains: textSchema(200).optional().openapi({
                description:
                    "A part of the path, in any case. A request looks at 50,000 files at most; if that was not all, `isPartial` says so.",
            }),
            stream: streamParameter,
            ...rangeParameters,
        },
        row: fileSchema,
        key: timedKey,
        keyOf: ({ fileId, discoveredAt }) => [fileId, discoveredAt],
        select: async (db, { stream, ...query }) =>
            selectFiles(db, { ...query, streamId: await context.streams.idOf(stream) }),
        stoppedAt: searchedUpTo,
    });
    addGetRoute(app, context, files);
    addGetRoute(app, context, {
        path: "/v1/files/{id}",
        summary: "One file and the outcome of its records",
        answer: { description: "The file", schema: fileDetailSchema },
        read: (db, { id }: { id: number }) => readFile(db, id),
        missing: { code: "file_not_found", detail: "GET /v1/files lists all files.", parameter: "id" },
    });
}
