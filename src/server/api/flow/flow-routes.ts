/** `GET /v1/flow` */

import { addGetRoute } from "../get-route.ts";
import type { Api, Context } from "../route-types.ts";
import { streamParameter } from "../streams/stream-list.ts";
import { flowSchema, flowWindows, readFlow, windowSchema } from "./read-flow.ts";

export function addFlowRoutes(app: Api, context: Context): void {
    addGetRoute(app, context, {
        path: "/v1/flow",
        summary: "What arrived and what was committed, in even steps up to now",
        description: "By the time at which it happened; /v1/stats has series by event time.",
        query: { window: windowSchema.optional().openapi({ default: "5m" }), stream: streamParameter },
        answer: { description: "Every step of the window", schema: flowSchema },
        sharedForMs: ({ window = "5m" }) => flowWindows[window].sharedMs,
        read: async (db, { window = "5m", stream }) => readFlow(db, window, await context.streams.idOf(stream)),
    });
}
