/** `GET /v1/stream`: batches, files and status as server-sent events. */
import { createRoute, z } from "@hono/zod-openapi";
import { Problem, problemResponses } from "../problem.ts";
import type { Api, Context } from "../route-types.ts";
import { decodeLiveCursor, encodeLiveCursor, type LiveCursor } from "./live-cursor.ts";
import { heartbeatBytes } from "./live-events.ts";
import { createLiveHub, type LiveHub, type LiveSource } from "./live-hub.ts";
import { openLiveStream } from "./open-live-stream.ts";
import { readLiveHead, readNewBatches } from "./read-new-batches.ts";
import { readWatchedFiles } from "./read-watched-files.ts";

export interface LiveOptions {
    pollMs?: number;
    maxViewers?: number;
}

const cursorSchema = z.string().min(1).max(30_000);

const followStream = createRoute({
    method: "get",
    path: "/v1/stream",
    summary: "Batches and status as they happen (server-sent events)",
    description: [
        "`batches`: what was committed, in the order in which it became visible; each batch as in /v1/batches, at least",
        "once (know them by batchId). Its id is where to go on: an EventSource sends it by itself as Last-Event-ID, and",
        "the first time it can be given as `after`, from `streamCursor` of /v1/batches. `status`: as /v1/status, every",
        "second. `files`: files that came or changed (of those that are open, and the newest hundred), as a hint what to",
        "load again: one may be left out. `unavailable`: the database is unreachable; what was shown is old from here on. `reset`: the",
        "tables were reset, or the place to go on from is not known here, so load the lists again.",
    ].join(" "),
    request: {
        query: z.strictObject({
            after: cursorSchema
                .optional()
                .openapi({ description: "streamCursor of /v1/batches, or the id of an event." }),
        }),
        headers: z.object({
            "last-event-id": z.string().max(30_000).optional().openapi({ description: "Goes before `after`." }),
        }),
    },
    responses: {
        200: { description: "Events without end", content: { "text/event-stream": { schema: z.string() } } },
        ...problemResponses(400, 503),
    },
});

export function addLiveRoutes(app: Api, context: Context, { pollMs = 1000, maxViewers = 500 }: LiveOptions): LiveHub {
    const hub = createLiveHub(createSource(context), pollMs);

    app.openapi(followStream, (c) => {
        if (hub.viewers() >= maxViewers)
            throw new Problem("too_many_streams", "Close a page, or ask /v1/status from time to time.");
        const lastEventId = c.req.valid("header")["last-event-id"];
        const cursor = placeOf(lastEventId === "" ? undefined : lastEventId, c.req.valid("query").after);
        // Bun ends what is silent for ten seconds; this is alive by its heartbeats.
        c.env?.server?.timeout(c.req.raw, 0);
        // Nobody would read, or end, the stream of a HEAD request.
        const body = c.req.method === "HEAD" ? heartbeatBytes : openLiveStream(hub, cursor, context.now);
        return new Response(body, {
            headers: {
                "content-type": "text/event-stream; charset=utf-8",
                "cache-control": "no-store, no-transform",
                "x-accel-buffering": "no",
            },
        });
    });
    return hub;
}

function createSource({ reader, status, explainFault }: Context): LiveSource {
    return {
        readHead: () => reader.read(readLiveHead),
        readNewBatches: (cursor) =>
            reader.share(`stream ${encodeLiveCursor(cursor)}`, 0, (db) => readNewBatches(db, cursor)),
        readStatus: status.read,
        readFiles: () => reader.share("stream files", 0, readWatchedFiles),
        explain: explainFault,
    };
}

/** A browser that comes back cannot change its Last-Event-ID, and gives up on an error: an odd one gets a reset. */
function placeOf(lastEventId: string | undefined, after: string | undefined): LiveCursor | undefined {
    if (lastEventId === undefined) return after === undefined ? undefined : decodeLiveCursor(after, "after");
    try {
        return decodeLiveCursor(lastEventId, "last-event-id");
    } catch {
        return unknownPlace;
    }
}

/** No database has it, so the hub answers with a reset. */
const unknownPlace: LiveCursor = {
    system: "0",
    seen: { text: "1:1:", xmin: 1n, xmax: 1n, running: new Set() },
};
