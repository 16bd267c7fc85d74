/** `GET /v1/events` */
import { z } from "@hono/zod-openapi";
import { addGetRoute } from "../../server/api/get-route.ts";
import { listing } from "../../server/api/listing.ts";
import type { Api, Context } from "../../server/api/route-types.ts";
import { isPostgresInstant, textSchema } from "../../server/api/shapes.ts";
import { eventSchema, selectEvents } from "./read-events.ts";

export function addEventRoutes(app: Api, context: Context): void {
    const events = listing({
        path: "/v1/events",
        summary: "Events, newest event time first",
        filters: {
            event_type: textSchema(50).optional(),
            user_id: textSchema(100).optional(),
            product_id: textSchema(100).optional(),
        },
        row: eventSchema,
        key: z.tuple([z.iso.datetime({ precision: 6 }).refine(isPostgresInstant), z.guid()]),
        keyOf: ({ eventTimestamp, eventId }) => [eventTimestamp, eventId],
        select: (db, { limit, after, event_type: eventType, user_id: userId, product_id: productId }) =>
            selectEvents(db, { limit, after, eventType, userId, productId }),
    });
    addGetRoute(app, context, events);
}
