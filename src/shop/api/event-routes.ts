/** `GET /v1/events` */
import { createRoute, z } from "@hono/zod-openapi";
import type { Api, Context } from "../../server/api/api.ts";
import { sharedForMs } from "../../server/api/api.ts";
import { decodeCursor, encodeCursor } from "../../server/api/cursor.ts";
import { answers } from "../../server/api/problem.ts";
import {
    cursorSchema,
    idSchema,
    instantSchema,
    isPostgresInstant,
    limitSchema,
    moneySchema,
    pageSchema,
    textSchema,
    toPage,
} from "../../server/api/shapes.ts";
import { selectEvents } from "./read-events.ts";

const eventSchema = z
    .object({
        eventId: z.uuid(),
        eventType: z.string(),
        productId: z.string(),
        userId: z.string(),
        eventTimestamp: instantSchema,
        quantity: z.number().int().nonnegative().nullable(),
        price: moneySchema.nullable(),
        attributes: z.record(z.string(), z.unknown()).nullable().openapi({
            description: "Columns of the file that `events` has no column for.",
        }),
        attributesOmitted: z.boolean().openapi({ description: "Attributes over 16 KiB are left out of lists." }),
        createdAt: instantSchema.openapi({ description: "When it was inserted." }),
        chunkId: idSchema,
        recordNo: idSchema,
    })
    .openapi("Event");
export type ShopEvent = z.infer<typeof eventSchema>;

const cursorKeys = z.tuple([z.iso.datetime({ precision: 6 }).refine(isPostgresInstant), z.guid()]);

const listEvents = createRoute({
    method: "get",
    path: "/v1/events",
    summary: "Events, newest event time first",
    request: {
        query: z.strictObject({
            limit: limitSchema,
            cursor: cursorSchema,
            event_type: textSchema(50).optional(),
            user_id: textSchema(100).optional(),
            product_id: textSchema(100).optional(),
        }),
    },
    responses: answers("A page", pageSchema(eventSchema), 400, 503),
});

export function addEventRoutes(app: Api, { reader }: Context): void {
    app.openapi(listEvents, async (c) => {
        const { limit, cursor, event_type: eventType, user_id: userId, product_id: productId } = c.req.valid("query");
        const after = cursor === undefined ? undefined : toKey(decodeCursor("events", cursor, cursorKeys));
        const query = { limit, after, eventType, userId, productId };
        const key = `events ${JSON.stringify(query)}`;
        const rows = await reader.share(key, sharedForMs.live, (db) => selectEvents(db, query));
        const page = toPage(rows, limit, (row) => encodeCursor("events", [row.eventTimestamp, row.eventId]));
        return c.json(page, 200);
    });
}

function toKey([eventTimestamp, eventId]: z.infer<typeof cursorKeys>) {
    return { eventTimestamp, eventId };
}
