/** What goes over the stream, as https://html.spec.whatwg.org/multipage/server-sent-events.html frames it. Pure. */

import type { Batch } from "../batches/read-batches.ts";
import type { StreamFile } from "./file-changes.ts";
import type { NewBatch } from "./read-new-batches.ts";
import { encodeStreamCursor, type StreamCursor } from "./stream-cursor.ts";

/** Only `batches` and `reset` bear an id: it says which batches a viewer has, and nothing else moves it. */
export type StreamEvent =
    | { event: "batches"; id: string; data: { batches: Batch[] } }
    | { event: "reset"; id: string; data: { reason: string } }
    | { event: "files"; data: { files: StreamFile[] } }
    | { event: "status"; data: unknown }
    | { event: "unavailable"; data: { code: string; detail: string } };

const encoder = new TextEncoder();

/** JSON holds no line end, so one data line is enough. */
export function encodeEvent(event: StreamEvent): Uint8Array {
    const id = "id" in event ? `id: ${event.id}\n` : "";
    return encoder.encode(`event: ${event.event}\n${id}data: ${JSON.stringify(event.data)}\n\n`);
}

/** How long an EventSource waits before it connects again. */
export const openingBytes = encoder.encode("retry: 2000\n\n");

/** A comment, to be ignored: Bun and proxies end what is silent for long. */
export const heartbeatBytes = encoder.encode(":\n\n");

export function batchesEvent(batches: NewBatch[], cursor: StreamCursor): StreamEvent {
    return { event: "batches", id: encodeStreamCursor(cursor), data: { batches: batches.map(({ batch }) => batch) } };
}

export function resetEvent(cursor: StreamCursor): StreamEvent {
    return {
        event: "reset",
        id: encodeStreamCursor(cursor),
        data: { reason: "The tables were reset, or the place to go on from is not known here: load the lists again." },
    };
}
