/**
 * An address of the API that is asked again and again while somebody looks: every `everyMs` if something was committed
 * since, every `idleMs` if not, at once after the connection came back. All who use one address share one copy.
 */
import { type Signal, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
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
    return {
        data: (resource?.data.value ?? null) as Body | null,
        problem: resource?.problem.value ?? null,
        knownAt: resource?.knownAt.value ?? null,
        refresh: () => resource?.refresh(),
    };
}

/** What was changed on the page's own behalf is not waited for. */
export function refreshAll(): void {
    for (const resource of resources.values()) void resource.refresh();
}

function open(path: string, { everyMs = 2000, idleMs = 15_000 }: Pace): Resource {
    const known = resources.get(path);
    if (known) return known;
    let askedAt = Number.NEGATIVE_INFINITY;
    let batchIdThen = -1;
    let isAsking = false;

    async function refresh(): Promise<void> {
        if (isAsking) return;
        isAsking = true;
        askedAt = Date.now();
        const batchId = newestBatchId.value;
        const answer = await fetchJson<unknown>(path);
        isAsking = false;
        if ("body" in answer) {
            batchIdThen = batchId;
            resource.data.value = answer.body;
            resource.knownAt.value = Date.now();
            resource.problem.value = null;
        } else if (link.value === "live") {
            resource.problem.value = answer.problem;
        }
    }

    const timer = setInterval(() => {
        if (link.value !== "live") {
            askedAt = Number.NEGATIVE_INFINITY;
            return;
        }
        const pause = batchIdThen === newestBatchId.value && !resource.problem.value ? idleMs : everyMs;
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
