/** One viewer's response: the hub's events as bytes, bounded, and ended when the viewer does not read. */
import type { LiveCursor } from "./live-cursor.ts";
import { openingBytes } from "./live-events.ts";
import type { LiveHub, LivePart, Viewer } from "./live-hub.ts";

/** Twice the largest event. The bytes of an event are shared by all viewers. */
const maxQueuedBytes = 1024 * 1024;
const maxStallMs = 15_000;

export function openLiveStream(
    hub: LiveHub,
    { cursor, wants, now }: { cursor: LiveCursor | undefined; wants: ReadonlySet<LivePart>; now: () => Date },
): ReadableStream<Uint8Array> {
    let viewer: Viewer | undefined;
    let wake = () => {};
    const leave = () => {
        if (viewer) hub.leave(viewer);
        wake();
    };
    return new ReadableStream<Uint8Array>(
        {
            start(controller) {
                const hasRoom = () => (controller.desiredSize ?? 0) > 0;
                let fullSince: number | undefined;
                viewer = {
                    wants,
                    send(bytes, essential) {
                        if (hasRoom()) {
                            fullSince = undefined;
                            controller.enqueue(bytes);
                            return;
                        }
                        fullSince ??= now().getTime();
                        if (!essential && now().getTime() - fullSince < maxStallMs) return;
                        // It comes back with its Last-Event-ID, and then lacks nothing.
                        leave();
                        controller.error(new Error("the viewer does not read"));
                    },
                    drained: () =>
                        hasRoom()
                            ? Promise.resolve()
                            : new Promise<void>((resolve) => {
                                  wake = resolve;
                              }),
                };
                controller.enqueue(openingBytes);
                hub.join(viewer, cursor);
            },
            pull: () => wake(),
            cancel: leave,
        },
        new ByteLengthQueuingStrategy({ highWaterMark: maxQueuedBytes }),
    );
}
