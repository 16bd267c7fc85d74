/** `GET /v1/flow` */

import { addGetRoute } from "../get-route.ts";
import type { Api, Context } from "../route-types.ts";
import { rangeParameters, refuseEmptyRange } from "../shapes.ts";
import { streamParameter } from "../streams/stream-list.ts";
import { flowSchema, flowWindows, readFlow, spanOfRange, windowSchema } from "./read-flow.ts";

export function addFlowRoutes(app: Api, context: Context): void {
    addGetRoute(app, context, {
        path: "/v1/flow",
        summary: "Arrivals and commits, in equal time steps",
        description:
            "By the time of loading and merging; /v1/stats has series by event time. `from` selects the range up to `to` " +
            "(default: now) in at most 150 steps; `window` is then ignored.",
        query: {
            window: windowSchema.optional().openapi({ default: "5m" }),
            stream: streamParameter,
            ...rangeParameters,
        },
        answer: { description: "Every step of the window", schema: flowSchema },
        toQuestion({ window = "5m", from, to, stream }) {
            refuseEmptyRange({ from, to });
            const hasRange = from !== undefined || to !== undefined;
            const span = hasRange
                ? spanOfRange({ from, to }, context.now().getTime())
                : { window, ...flowWindows[window] };
            return { span, stream };
        },
        sharedForMs: ({ span }) => span.sharedMs,
        read: async (db, { span, stream }) => readFlow(db, span, await context.streams.idOf(stream)),
    });
}
