/** Which stream the page shows: the one of `/streams/orders` or `?stream=orders`, else all together. */
import { computed, effect, signal } from "@preact/signals";
import type { Status, StreamStatus } from "../../../operations/status/status-schema.ts";
import { hrefOf, queryOf, view } from "../views/location.ts";
import { status } from "./connection.ts";
import { fetchJson } from "./fetch-json.ts";

/** The name of the stream that is there without being declared. */
export const builtIn = signal("");

const asked = computed(() => (view.value.name === "stream" ? view.value.id : queryOf("stream")));

/** Without the built-in one while nothing was ever made of it and others are there. */
export const streams = computed<StreamStatus[]>(() => {
    const all = status.value?.streams ?? [];
    const used = all.filter(({ name, state, workers }) => name !== builtIn.value || state !== "empty" || workers > 0);
    return used.length === 0 ? all : used;
});

export const hasSeveral = computed(() => streams.value.length > 1);

/** Null: all together. A page of one stream has it as its scope, unless it is the built-in one and alone. */
export const scope = computed<string | null>(() => {
    const [only] = streams.value;
    if (streams.value.length === 1) return status.value?.streams.length === 1 ? null : only!.name;
    return streams.value.some(({ name }) => name === asked.value) ? asked.value : null;
});

/** Whether what the built-in stream alone has is shown. */
export const showsBuiltIn = computed(
    () => scope.value === builtIn.value || (scope.value === null && !hasSeveral.value),
);

const ofStream = signal<{ name: string; status: Status } | null>(null);

/** Of the stream that is shown; null until it is known. */
export const shownStatus = computed<Status | null>(() => {
    if (scope.value === null) return status.value;
    return ofStream.value?.name === scope.value ? ofStream.value.status : null;
});

/** The address of a stream's own view. */
export function streamHref(name: string): string {
    return hrefOf(`/streams/${encodeURIComponent(name)}`, { stream: null });
}

/** An address of the API, of that stream alone. */
export function inScope(path: string): string {
    if (scope.value === null) return path;
    return `${path}${path.includes("?") ? "&" : "?"}stream=${encodeURIComponent(scope.value)}`;
}

export function followScope(): void {
    let isAsking = false;
    effect(() => {
        const name = scope.value;
        // Read again with each status that the live stream brings.
        if (name === null || status.value === null || isAsking) return;
        isAsking = true;
        void fetchJson<Status>(inScope("/v1/status")).then((answer) => {
            isAsking = false;
            if ("body" in answer) ofStream.value = { name, status: answer.body };
        });
    });
}
