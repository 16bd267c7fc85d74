/** `GET /v1/rejects` and `GET /v1/rejects/summary` */
import { z } from "@hono/zod-openapi";
import { rejectKinds } from "../../../database/schema.ts";
import type { Stream } from "../../../streams/stream.ts";
import { addGetRoute } from "../get-route.ts";
import { idKey, listing } from "../listing.ts";
import type { Api, Context } from "../route-types.ts";
import { textSchema } from "../shapes.ts";
import { readRejectSummary, rejectSchema, rejectSummarySchema, selectRejects } from "./read-rejects.ts";
import { reasonSchemaOf } from "./reason-schema.ts";

export function addRejectRoutes(app: Api, context: Context, stream: Stream): void {
    const rejects = listing({
        path: "/v1/rejects",
        summary: "Rejects and conflicts, newest first",
        filters: {
            kind: z.enum(rejectKinds).optional(),
            reason: reasonSchemaOf(stream).optional(),
            file: textSchema(4096).optional().openapi({ description: "A file's id, or its path." }),
            open: z
                .enum(["true", "false"])
                .optional()
                .openapi({ description: "Only those that stand, or only those that a replay has resolved." }),
        },
        row: rejectSchema,
        key: idKey,
        keyOf: ({ rejectId }) => [rejectId],
        select: (db, { after, open, ...query }) =>
            selectRejects(db, { ...query, before: after?.[0], open: open && open === "true" }),
    });
    addGetRoute(app, context, rejects);
    addGetRoute(app, context, {
        path: "/v1/rejects/summary",
        summary: "Rejects and conflicts counted by reason",
        answer: { description: "The counts", schema: rejectSummarySchema },
        read: readRejectSummary,
    });
}
