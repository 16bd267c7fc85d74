/**
 * One reader of the database for all open live streams. It runs while there are viewers, and asks the same few questions
 * a second, however many they are. A viewer that comes back catches up by reads of its own, until it is where the hub is.
 */
import type { LiveCursor } from "./live-cursor.ts";
import { batchesEvent, encodeEvent, heartbeatBytes, type LiveEvent, resetEvent } from "./live-events.ts";
import type { NewBatches } from "./read-new-batches.ts";
import type { WatchedFile } from "./read-watched-files.ts";
import { sees } from "./snapshots.ts";

export interface LiveSource {
    readHead(): Promise<LiveCursor>;
    /** Undefined when the cursor is not of this database. */
    readNewBatches(cursor: LiveCursor): Promise<NewBatches | undefined>;
    readStatus(): Promise<unknown>;
    readFiles(): Promise<WatchedFile[]>;
    /** The words for viewers. */
    explain(error: unknown): { code: string; detail: string };
}

/** What a viewer may ask for. Whether the database answers is told to all. */
export const liveParts = ["batches", "status", "files"] as const;
export type LivePart = (typeof liveParts)[number];

export interface Viewer {
    wants: ReadonlySet<LivePart>;
    /** Must not throw. What is not `essential` may be left out when the viewer does not keep up. */
    send(bytes: Uint8Array, essential: boolean): void;
    /** Resolves when the viewer can take more, or has left. */
    drained(): Promise<void>;
}

export interface LiveHub {
    /**
     * Sends what comes after `cursor` (without one: after now), and from then on everything as it is committed. Nothing
     * is left out between the two; a batch may come twice. while the database is unreachable it says so, and goes on after.
     * Resolves when the viewer is up to date or has left. Never rejects.
     */
    join(viewer: Viewer, cursor?: LiveCursor): Promise<void>;
    leave(viewer: Viewer): void;
    viewers(): number;
}

interface Hub {
    source: LiveSource;
    pollMs: number;
    viewers: Set<Viewer>;
    /** Those viewers that have everything up to `head`. */
    upToDate: Set<Viewer>;
    head?: LiveCursor | undefined;
    /** Set while the head is being read: one read for all who ask for it. */
    beginning?: Promise<LiveCursor> | undefined;
    /** The last status, for viewers that join between two polls. */
    latest?: Uint8Array | undefined;
    isAway: boolean;
    isRunning: boolean;
}

export function createLiveHub(source: LiveSource, pollMs: number): LiveHub {
    const hub: Hub = { source, pollMs, viewers: new Set(), upToDate: new Set(), isAway: false, isRunning: false };
    return {
        join(viewer, cursor) {
            hub.viewers.add(viewer);
            if (!hub.isRunning) run(hub);
            else if (hub.latest && wantsLatest(hub, viewer)) viewer.send(hub.latest, false);
            return viewer.wants.has("batches") ? follow(hub, viewer, cursor) : Promise.resolve();
        },
        leave(viewer) {
            hub.viewers.delete(viewer);
            hub.upToDate.delete(viewer);
        },
        viewers: () => hub.viewers.size,
    };
}

async function run(hub: Hub): Promise<void> {
    hub.isRunning = true;
    const heartbeat = setInterval(() => sendAll(hub.viewers, heartbeatBytes, false), 5000);
    let files: Map<number, string> | undefined;
    while (hub.viewers.size > 0) {
        try {
            await pollBatches(hub, await findHead(hub));
            files = await pollFiles(hub, files);
            hub.latest = encodeEvent({ event: "status", data: await hub.source.readStatus() });
            hub.isAway = false;
        } catch (error) {
            hub.latest = encodeEvent(unavailable(hub, error));
            hub.isAway = true;
        }
        sendAll(
            [...hub.viewers].filter((viewer) => wantsLatest(hub, viewer)),
            hub.latest,
            false,
        );
        await Bun.sleep(hub.pollMs);
    }
    clearInterval(heartbeat);
    hub.isRunning = false;
    hub.head = undefined;
    hub.latest = undefined;
}

function wantsLatest({ isAway }: Hub, { wants }: Viewer): boolean {
    return isAway || wants.has("status");
}

async function pollBatches(hub: Hub, from: LiveCursor): Promise<void> {
    const found = await hub.source.readNewBatches(from);
    if (!found) {
        hub.head = undefined;
        return sendAll(hub.upToDate, encodeEvent(resetEvent(await findHead(hub))), true);
    }
    hub.head = found.cursor;
    if (found.batches.length > 0) sendAll(hub.upToDate, encodeEvent(batchesEvent(found)), true);
    if (found.hasMore) await pollBatches(hub, hub.head);
}

/** Tells the files that are new or other than at the last look, and none at the first. Returns this look. */
async function pollFiles(hub: Hub, before: ReadonlyMap<number, string> | undefined): Promise<Map<number, string>> {
    const found = await hub.source.readFiles();
    const files = found.filter((file) => before && before.get(file.fileId) !== JSON.stringify(file));
    const viewers = [...hub.viewers].filter(({ wants }) => wants.has("files"));
    if (files.length > 0) sendAll(viewers, encodeEvent({ event: "files", data: { files } }), false);
    return new Map(found.map((file) => [file.fileId, JSON.stringify(file)]));
}

async function findHead(hub: Hub): Promise<LiveCursor> {
    if (hub.head) return hub.head;
    hub.beginning ??= hub.source
        .readHead()
        .then((cursor) => {
            hub.head = cursor;
            return cursor;
        })
        .finally(() => {
            hub.beginning = undefined;
        });
    return hub.beginning;
}

async function follow(hub: Hub, viewer: Viewer, cursor: LiveCursor | undefined): Promise<void> {
    let place = cursor;
    // Only the database can tell whether a place that a client named is one.
    let isNamed = cursor !== undefined;
    while (hub.viewers.has(viewer)) {
        try {
            place ??= await findHead(hub);
            // In the same breath as the look: what the next poll finds goes to this viewer as well.
            if (!isNamed && isAtHead(hub, place)) {
                if (hub.viewers.has(viewer)) hub.upToDate.add(viewer);
                return;
            }
            await viewer.drained();
            place = await catchUp(hub, viewer, place);
            isNamed = false;
        } catch (error) {
            viewer.send(encodeEvent(unavailable(hub, error)), false);
            await Bun.sleep(hub.pollMs);
        }
    }
}

function isAtHead({ head }: Hub, { system, seen, catchingUp }: LiveCursor): boolean {
    return !catchingUp && head?.system === system && sees(seen, head.seen);
}

/** Sends one read's worth of what is missing. The viewer's new place. */
async function catchUp(hub: Hub, viewer: Viewer, place: LiveCursor): Promise<LiveCursor> {
    const found = await hub.source.readNewBatches(place);
    if (!found) {
        const head = await findHead(hub);
        viewer.send(encodeEvent(resetEvent(head)), true);
        return head;
    }
    if (found.batches.length > 0) viewer.send(encodeEvent(batchesEvent(found)), true);
    return found.cursor;
}

function unavailable({ source }: Hub, error: unknown): LiveEvent {
    return { event: "unavailable", data: source.explain(error) };
}

function sendAll(viewers: Iterable<Viewer>, bytes: Uint8Array, essential: boolean): void {
    // A copy: a viewer that is dropped leaves the set while it is walked.
    for (const viewer of [...viewers]) viewer.send(bytes, essential);
}
