/**
 * One reader of the database for every open stream. It runs while somebody watches, asks the same few questions a
 * second whatever the number of viewers, and serves who comes back from memory.
 */
import { createBatchMemory } from "./batch-memory.ts";
import { createFileWatch, type StreamFile } from "./file-changes.ts";
import type { NewBatches } from "./read-new-batches.ts";
import { sees } from "./snapshots.ts";
import type { StreamCursor } from "./stream-cursor.ts";
import { batchesEvent, encodeEvent, heartbeatBytes, resetEvent } from "./stream-events.ts";

export interface StreamSource {
    readHead(): Promise<StreamCursor>;
    /** Undefined when the cursor is not of this database. */
    readNewBatches(cursor: StreamCursor): Promise<NewBatches | undefined>;
    readStatus(): Promise<unknown>;
    readFiles(): Promise<StreamFile[]>;
    /** What to tell viewers of an error. */
    explain(error: unknown): { code: string; detail: string };
}

export interface StreamHubOptions {
    source: StreamSource;
    pollMs: number;
    heartbeatMs?: number;
    maxRemembered?: number;
}

export interface Viewer {
    /** Must not throw. What is not `essential` may be left out when the viewer does not keep up. */
    send(bytes: Uint8Array, essential: boolean): void;
    /** Resolves when the viewer can take more, or has left. */
    drained(): Promise<void>;
}

interface Step {
    place: StreamCursor;
    isNamed: boolean;
}

export interface StreamHub {
    /**
     * Sends what comes after `cursor` (without one: after now), and from then on everything as it is committed. Nothing
     * is left out between the two; a batch may come twice. While the database is away it says so, and goes on after.
     * Resolves when the viewer is up to date or has left. Never rejects.
     */
    join(viewer: Viewer, cursor?: StreamCursor): Promise<void>;
    leave(viewer: Viewer): void;
    viewers(): number;
}

export function createStreamHub({
    source,
    pollMs,
    heartbeatMs = 5000,
    maxRemembered = 2000,
}: StreamHubOptions): StreamHub {
    const viewers = new Set<Viewer>();
    /** Those viewers that have everything up to `head`. */
    const upToDate = new Set<Viewer>();
    const memory = createBatchMemory(maxRemembered);
    let head: StreamCursor | undefined;
    let beginning: Promise<StreamCursor> | undefined;
    let latest: Uint8Array | undefined;
    let fileWatch = createFileWatch();
    let isRunning = false;

    async function run(): Promise<void> {
        isRunning = true;
        fileWatch = createFileWatch();
        const heartbeat = setInterval(() => sendAll(viewers, heartbeatBytes, false), heartbeatMs);
        while (viewers.size > 0) {
            await poll();
            await Bun.sleep(pollMs);
        }
        clearInterval(heartbeat);
        isRunning = false;
        head = undefined;
        latest = undefined;
    }

    async function poll(): Promise<void> {
        try {
            await pollBatches(await ensureHead());
            const changed = fileWatch.changed(await source.readFiles());
            if (changed.length > 0) sendAll(viewers, encodeEvent({ event: "files", data: { files: changed } }), false);
            latest = encodeEvent({ event: "status", data: await source.readStatus() });
        } catch (error) {
            latest = encodeEvent({ event: "unavailable", data: source.explain(error) });
        }
        sendAll(viewers, latest, false);
    }

    async function pollBatches(from: StreamCursor): Promise<void> {
        const found = await source.readNewBatches(from);
        if (!found) {
            head = undefined;
            return sendAll(upToDate, encodeEvent(resetEvent(await ensureHead())), true);
        }
        head = found.cursor;
        memory.add(found);
        if (found.batches.length > 0) sendAll(upToDate, encodeEvent(batchesEvent(found.batches, head)), true);
        if (found.hasMore) await pollBatches(head);
    }

    /** Where the hub is. All who ask before it has begun wait for the same beginning. */
    async function ensureHead(): Promise<StreamCursor> {
        if (head) return head;
        beginning ??= source
            .readHead()
            .then((cursor) => {
                memory.begin(cursor);
                head = cursor;
                return cursor;
            })
            .finally(() => {
                beginning = undefined;
            });
        return beginning;
    }

    /**
     * One step towards being up to date: what is remembered, or one read. The new place, or undefined at the end.
     * A place that a client named is only believed where `head` has been already: else the database has to judge it.
     */
    async function catchUp(viewer: Viewer, { place, isNamed }: Step): Promise<Step | undefined> {
        await ensureHead();
        const isKnown = head && (!isNamed || sees(head.seen, place.seen));
        const missing = isKnown ? memory.recall(place) : undefined;
        if (missing && head) {
            if (missing.length > 0) viewer.send(encodeEvent(batchesEvent(missing, head)), true);
            // In the same breath as the look into memory: what the next poll finds goes to this viewer as well.
            if (viewers.has(viewer)) upToDate.add(viewer);
            return undefined;
        }
        await viewer.drained();
        const found = await source.readNewBatches(place);
        if (!found) {
            const current = await ensureHead();
            viewer.send(encodeEvent(resetEvent(current)), true);
            return { place: current, isNamed: false };
        }
        if (found.batches.length > 0) viewer.send(encodeEvent(batchesEvent(found.batches, found.cursor)), true);
        return { place: found.cursor, isNamed: false };
    }

    async function follow(viewer: Viewer, cursor: StreamCursor | undefined): Promise<void> {
        let step: Step | undefined = cursor && { place: cursor, isNamed: true };
        while (viewers.has(viewer)) {
            try {
                step = await catchUp(viewer, step ?? { place: await ensureHead(), isNamed: false });
                if (!step) return;
            } catch (error) {
                viewer.send(encodeEvent({ event: "unavailable", data: source.explain(error) }), false);
                await Bun.sleep(pollMs);
            }
        }
    }

    return {
        join(viewer, cursor) {
            viewers.add(viewer);
            if (!isRunning) run();
            else if (latest) viewer.send(latest, false);
            return follow(viewer, cursor);
        },
        leave(viewer) {
            viewers.delete(viewer);
            upToDate.delete(viewer);
        },
        viewers: () => viewers.size,
    };
}

function sendAll(viewers: ReadonlySet<Viewer>, bytes: Uint8Array, essential: boolean): void {
    // A copy: a viewer that is dropped leaves the set while it is walked.
    for (const viewer of [...viewers]) viewer.send(bytes, essential);
}
