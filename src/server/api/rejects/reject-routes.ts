/** `GET /v1/rejects`, `GET /v1/rejects/summary` and `GET /v1/rejects/:id` */
import { z } from "@hono/zod-openapi";
import type { Stream } from "../../../streams/stream.ts";
import { addGetRoute } from "../get-route.ts";
import { idKey, listing } from "../listing.ts";
import type { Api, Context } from "../route-types.ts";
import { idParameterSchema } from "../shapes.ts";
import { streamParameter } from "../streams/stream-list.ts";
import { filterOf, filterParameters } from "./filter-parameters.ts";
import {
    readReject,
    readRejectSummary,
    rejectDetailSchema,
    rejectSchema,
    rejectSummarySchema,
    selectRejects,
} from "./read-rejects.ts";

export function addRejectRoutes(app: Api, context: Context, builtIn: Stream): void {
    const rejects = listing({
        path: "/v1/rejects",
        summary: "Rejects and conflicts, newest first",
        filters: {
            ...filterParameters,
            batch: idParameterSchema.optional().openapi({ description: "The id of the batch that rejected it." }),
            stream: streamParameter,
            open: z
                .enum(["true", "false"])
                .optional()
                .openapi({ description: "Only open rejects, or only those that a replay has resolved." }),
        },
        row: rejectSchema,
        key: idKey,
        keyOf: ({ rejectId }) => [rejectId],
        async select(db, { after, open, stream: name, limit, ...asked }) {
            const stream = await context.streams.find(name);
            const filter = await filterOf(asked, { context, builtIn, stream, code: "invalid_parameter" });
            const isOpen = open && open === "true";
            return selectRejects(db, {
                ...filter,
                limit,
                before: after?.[0],
                open: isOpen,
                streamId: stream?.streamId,
            });
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
        summary: "One reject or conflict, beside the row that its key names",
        answer: { description: "The reject", schema: rejectDetailSchema },
        read: (db, { id }: { id: number }) => readReject(db, id),
        missing: { code: "reject_not_found", detail: "GET /v1/rejects lists all rejects.", parameter: "id" },
    });
}
