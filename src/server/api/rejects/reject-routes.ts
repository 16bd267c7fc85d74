/** `GET /v1/rejects`, `GET /v1/rejects/summary` and `GET /v1/rejects/:id` */
import { z } from "@hono/zod-openapi";
import { rejectKinds } from "../../../database/schema.ts";
import type { Stream } from "../../../streams/stream.ts";
import { addGetRoute } from "../get-route.ts";
import { idKey, listing } from "../listing.ts";
import type { Api, Context } from "../route-types.ts";
import { idParameterSchema, rangeParameters, textSchema } from "../shapes.ts";
import { streamParameter } from "../streams/stream-list.ts";
import { reasonParameter, refuseUnknownReason } from "./known-reasons.ts";
import { readReject, readRejectSummary, rejectSchema, rejectSummarySchema, selectRejects } from "./read-rejects.ts";

export function addRejectRoutes(app: Api, context: Context, builtIn: Stream): void {
    const rejects = listing({
        path: "/v1/rejects",
        summary: "Rejects and conflicts, newest first",
        filters: {
            kind: z.enum(rejectKinds).optional(),
            reason: reasonParameter.optional(),
            file: textSchema(4096).optional().openapi({ description: "A file's id, or its path." }),
            batch: idParameterSchema.optional().openapi({ description: "The id of the batch that rejected it." }),
            stream: streamParameter,
            ...rangeParameters,
            open: z
                .enum(["true", "false"])
                .optional()
                .openapi({ description: "Only open rejects, or only those that a replay has resolved." }),
        },
        row: rejectSchema,
        key: idKey,
        keyOf: ({ rejectId }) => [rejectId],
        async select(db, { after, open, stream: name, ...query }) {
            const stream = await context.streams.find(name);
            await refuseUnknownReason(context, builtIn, { reason: query.reason, stream });
            const isOpen = open && open === "true";
            return selectRejects(db, { ...query, before: after?.[0], open: isOpen, streamId: stream?.streamId });
        },
    });
    addGetRoute(app, context, rejects);
    addGetRoute(app, context, {
        path: "/v1/rejects/summary",
        summary: "Rejects and conflicts counted by reason",
        query: { stream: streamParameter },
        answer: { description: "The counts", schema: rejectSummarySchema },
        read: async (db, { stream }) => readRejectSummary(db, await context.streams.idOf(stream)),
    });
    addGetRoute(app, context, {
        path: "/v1/rejects/{id}",
        summary: "One reject or conflict",
        answer: { description: "The reject", schema: rejectSchema },
        read: (db, { id }: { id: number }) => readReject(db, id),
        missing: { code: "reject_not_found", detail: "GET /v1/rejects lists all rejects.", parameter: "id" },
    });
}
