/** `GET /v1/history` */
import { z } from "@hono/zod-openapi";
import { historyKinds } from "../../../database/schema.ts";
import { addGetRoute } from "../get-route.ts";
import { idKey, listing } from "../listing.ts";
import type { Api, Context } from "../route-types.ts";
import { textSchema } from "../shapes.ts";
import { streamParameter } from "../streams/stream-list.ts";
import { selectHistory, versionSchema } from "./read-history.ts";

export function addHistoryRoutes(app: Api, context: Context): void {
    const versions = listing({
        path: "/v1/history",
        summary: "What upserts replaced, deleted or found superseded, newest first",
        filters: {
            what: z.enum(historyKinds).optional(),
            key: textSchema(4096).optional().openapi({ description: "The key, as `key` of a version has it." }),
            stream: streamParameter,
        },
        row: versionSchema,
        key: idKey,
        keyOf: ({ historyId }) => [historyId],
        async select(db, { after, stream, ...query }) {
            return selectHistory(db, { ...query, before: after?.[0], streamId: await context.streams.idOf(stream) });
        },
    });
    addGetRoute(app, context, versions);
}
