/** `GET /v1/stream`: batches, files and status as server-sent events. */
import { createRoute, z } from "@hono/zod-openapi";
import { Problem, problemResponses } from "../problem.ts";
import type { Api, Context } from "../route-types.ts";
import { decodeLiveCursor, encodeLiveCursor, type LiveCursor } from "./live-cursor.ts";
import { heartbeatBytes } from "./live-events.ts";
import { createLiveHub, type LiveHub, type LivePart, type LiveSource, liveParts } from "./live-hub.ts";
import { openLiveStream } from "./open-live-stream.ts";
import { readLiveHead, readNewBatches } from "./read-new-batches.ts";
import { readWatchedFiles } from "./read-watched-files.ts";

export interface LiveOptions {
    pollMs?: number;
    maxViewers?: number;
}

const cursorSchema = z.string().min(1).max(30_000);

const partsSchema = z
    .string()
    .max(100)
    .optional()
    .transform((text, context) => {
        const named = text === undefined ? [...liveParts] : text.split(",");
        const parts = liveParts.filter((part) => named.includes(part));
        if (parts.length === named.length && parts.length > 0) return new Set<LivePart>(parts);
        context.addIssue({
            code: "custom",
            message: `must be some of ${liveParts.join(", ")}, each once, between commas`,
        });
        return z.NEVER;
    })
    .openapi({
        type: "string",
        description: "Some of batches, status and files, between commas; all if it is left out.",
        example: "status",
    });

const followStream = createRoute({
    method: "get",
    path: "/v1/stream",
    summary: "Live batches and status (server-sent events)",
    description: [
        "`batches`: committed batches, in the order in which they became visible, as in /v1/batches. Each arrives at least",
        "once; identify it by batchId. The id of the event is the cursor: an EventSource sends it as Last-Event-ID. For",
        "the first request, pass `streamCursor` of /v1/batches as `after`. `status`: as /v1/status, every second. `files`:",
        "new or changed files (of the open ones and the newest hundred), as a hint what to reload; some may be missing.",
        "`unavailable`: the database is unreachable; earlier data is now old. `reset`: the tables were reset, or the cursor",
        "is unknown. Load the lists again.",
    ].join(" "),
    request: {
        query: z.strictObject({
            after: cursorSchema
                .optional()
                .openapi({ description: "streamCursor of /v1/batches, or the id of an event." }),
            only: partsSchema,
        }),
        headers: z.object({
            "last-event-id": z
                .string()
                .max(30_000)
                .optional()
                .openapi({ description: "Takes precedence over `after`." }),
        }),
    },
    responses: {
        200: { description: "An endless event stream", content: { "text/event-stream": { schema: z.string() } } },
        ...problemResponses(400, 503),
    },
});

export function addLiveRoutes(app: Api, context: Context, { pollMs = 1000, maxViewers = 500 }: LiveOptions): LiveHub {
    const hub = createLiveHub(createSource(context), pollMs);

    app.openapi(followStream, (c) => {
        if (hub.viewers() >= maxViewers) throw new Problem("too_many_streams", "Close a page, or poll /v1/status.");
        const lastEventId = c.req.valid("header")["last-event-id"];
        const cursor = placeOf(lastEventId === "" ? undefined : lastEventId, c.req.valid("query").after);
        // Bun ends what is silent for ten seconds; this is alive by its heartbeats.
        c.env?.server?.timeout(c.req.raw, 0);
        // Nobody would read, or end, the stream of a HEAD request.
        const body =
            c.req.method === "HEAD"
                ? heartbeatBytes
                : openLiveStream(hub, { cursor, wants: c.req.valid("query").only, now: context.now });
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
