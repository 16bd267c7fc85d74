/** The events of the live stream, framed as https://html.spec.whatwg.org/multipage/server-sent-events.html says. Pure. */
import type { Batch } from "../batches/read-batches.ts";
import { encodeLiveCursor, type LiveCursor } from "./live-cursor.ts";
import type { NewBatches } from "./read-new-batches.ts";
import type { WatchedFile } from "./read-watched-files.ts";

/** Only `batches` and `reset` bear an id: it says which batches a viewer has, and nothing else moves it. */
export type LiveEvent =
    | { event: "batches"; id: string; data: { batches: Batch[] } }
    | { event: "reset"; id: string; data: { reason: string } }
    | { event: "files"; data: { files: WatchedFile[] } }
    | { event: "status"; data: unknown }
    | { event: "unavailable"; data: { code: string; detail: string } };

const encoder = new TextEncoder();

/** JSON holds no line end, so one data line is enough. */
export function encodeEvent(event: LiveEvent): Uint8Array {
    const id = "id" in event ? `id: ${event.id}\n` : "";
    return encoder.encode(`event: ${event.event}\n${id}data: ${JSON.stringify(event.data)}\n\n`);
}

/** How long an EventSource waits before it connects again. */
export const openingBytes = encoder.encode("retry: 2000\n\n");

/** A comment, to be ignored: Bun and proxies end what is silent for long. */
export const heartbeatBytes = encoder.encode(":\n\n");

export function batchesEvent({ batches, cursor }: NewBatches): LiveEvent {
    return { event: "batches", id: encodeLiveCursor(cursor), data: { batches } };
}

export function resetEvent(cursor: LiveCursor): LiveEvent {
    const reason = "The tables were reset, or the cursor is unknown. Load the lists again.";
    return { event: "reset", id: encodeLiveCursor(cursor), data: { reason } };
}
