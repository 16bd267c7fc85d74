/**
 * An address of the API, polled while the page is visible: every `everyMs` after something new, else every `idleMs`, and
 * at once when the connection is back. Components that use the same address share one copy.
 */
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Problem } from "../shapes.ts";
import { link, newestBatchId } from "./connection.ts";
import { fetchJson } from "./fetch-json.ts";

interface Known<Body> {
    data: Body | null;
    problem: Problem | null;
    /** When `data` arrived. */
    knownAt: number | null;
}

interface Resource {
    known: Signal<Known<unknown>>;
    users: number;
    refresh(): Promise<void>;
    stop(): void;
}

export interface Pace {
    everyMs?: number;
    idleMs?: number;
    /** Changes when there is something new. */
    follows?: ReadonlySignal<unknown>;
    /** When the address changes: show the data of the one before until the new one has answered. */
    keepsOld?: boolean;
}

const resources = new Map<string, Resource>();
const nothing: Known<never> = { data: null, problem: null, knownAt: null };

/** A null `path` asks for nothing. */
export function useResource<Body>(path: string | null, pace: Pace = {}): Known<Body> {
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
    const known = (resource?.known.value ?? nothing) as Known<Body>;
    before.current = known.data ?? before.current;
    return pace.keepsOld ? { ...known, data: before.current } : known;
}

/** Call this after the page itself has changed something. */
export function refreshAll(): void {
    for (const resource of resources.values()) void resource.refresh();
}

function open(path: string, { everyMs = 2000, idleMs = 15_000, follows = newestBatchId }: Pace): Resource {
    const shared = resources.get(path);
    if (shared) return shared;
    const known = signal<Known<unknown>>(nothing);
    let askedAt = Number.NEGATIVE_INFINITY;
    let versionThen: unknown = null;
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
            known.value = { data: answer.body, problem: null, knownAt: Date.now() };
        } else if (link.value === "live" && answer.status > 0) {
            known.value = { ...known.value, problem: answer.problem };
        }
    }

    const timer = setInterval(() => {
        if (link.value !== "live") {
            askedAt = Number.NEGATIVE_INFINITY;
            // The header of the page says it already.
            if (known.value.problem) known.value = { ...known.value, problem: null };
            return;
        }
        const pause = versionThen === follows.value && !known.value.problem ? idleMs : everyMs;
        if (document.visibilityState === "visible" && Date.now() - askedAt >= pause) void refresh();
    }, 250);
    const resource: Resource = { known, users: 0, refresh, stop: () => clearInterval(timer) };
    resources.set(path, resource);
    return resource;
}
