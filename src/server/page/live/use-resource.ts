/**
 * An address of the API that is asked again and again while somebody looks: every `everyMs` if there is something new
 * since, every `idleMs` if not, at once after the connection came back. All who use one address share one copy.
 */
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Problem } from "../shapes.ts";
import { link, newestBatchId } from "./connection.ts";
import { fetchJson } from "./fetch-json.ts";

interface Resource {
    data: Signal<unknown>;
    problem: Signal<Problem | null>;
    /** When `data` came. */
    knownAt: Signal<number | null>;
    users: number;
    refresh(): Promise<void>;
    stop(): void;
}

export interface Pace {
    everyMs?: number;
    idleMs?: number;
    /** What tells that there is something new; the newest batch when it is left out. */
    follows?: ReadonlySignal<number>;
    /** For a window that moves on: its address changes, and what was known of the one before stays until the new is there. */
    keepsOld?: boolean;
}

const resources = new Map<string, Resource>();

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
        refresh: () => resource?.refresh(),
    };
}

/** What was changed on the page's own behalf is not waited for. */
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
            // The whole page says so already.
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
