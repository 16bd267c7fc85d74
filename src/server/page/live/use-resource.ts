/**
 * An address of the API, polled while the page is visible: every `everyMs` after something new, else every `idleMs`, and
 * at once when the connection is back. Components that use the same address share one copy.
 */
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Problem } from "../shapes.ts";
import { link, newestBatchId } from "./connection.ts";
import { fetchJson } from "./fetch-json.ts";

interface Resource {
    data: Signal<unknown>;
    problem: Signal<Problem | null>;
    /** When `data` arrived. */
    knownAt: Signal<number | null>;
    users: number;
    refresh(): Promise<void>;
    stop(): void;
}

export interface Pace {
    everyMs?: number;
    idleMs?: number;
    /** Changes when there is something new. */
    follows?: ReadonlySignal<number>;
    /** When the address changes: show the data of the one before until the new one has answered. */
    keepsOld?: boolean;
}

const resources = new Map<string, Resource>();

/** A null `path` asks for nothing. */
export function useResource<Body>(path: string | null, pace: Pace = {}) {
    const resource = useMemo(() => (path === null ? null : open(path, pace)), [path]);
    useEffect(() => {
        if (!resource || path === null) return;
        resource.users += 1;
        return () => {
            resource.users -= 1;
            if (resource.users > 0) return;
            resource.stop();
            if (resources.get(path) === resource) resources.delete(path);
        };
    }, [resource]);
    const before = useRef<Body | null>(null);
    const data = (resource?.data.value ?? null) as Body | null;
    if (data !== null) before.current = data;
    return {
        data: data ?? (pace.keepsOld ? before.current : null),
        problem: resource?.problem.value ?? null,
        knownAt: resource?.knownAt.value ?? null,
    };
}

/** Call this after the page itself has changed something. */
export function refreshAll(): void {
    for (const resource of resources.values()) void resource.refresh();
}

function open(path: string, { everyMs = 2000, idleMs = 15_000, follows = newestBatchId }: Pace): Resource {
    const known = resources.get(path);
    if (known) return known;
    let askedAt = Number.NEGATIVE_INFINITY;
    let versionThen = -1;
    let isAsking = false;

    async function refresh(): Promise<void> {
        if (isAsking) return;
        isAsking = true;
        askedAt = Date.now();
        const version = follows.value;
        const answer = await fetchJson<unknown>(path);
        isAsking = false;
        if ("body" in answer) {
            versionThen = version;
            resource.data.value = answer.body;
            resource.knownAt.value = Date.now();
            resource.problem.value = null;
        } else if (link.value === "live" && answer.status > 0) {
            resource.problem.value = answer.problem;
        }
    }

    const timer = setInterval(() => {
        if (link.value !== "live") {
            askedAt = Number.NEGATIVE_INFINITY;
            // The header of the page says it already.
            resource.problem.value = null;
            return;
        }
        const pause = versionThen === follows.value && !resource.problem.value ? idleMs : everyMs;
        if (document.visibilityState === "visible" && Date.now() - askedAt >= pause) void refresh();
    }, 250);
    const resource: Resource = {
        data: signal(null),
        problem: signal(null),
        knownAt: signal(null),
        users: 0,
        refresh,
        stop: () => clearInterval(timer),
    };
    resources.set(path, resource);
    return resource;
}
