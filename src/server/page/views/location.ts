/** The address of the page: its path is the view, its query string the stream, the time range, filters and search. */
import { computed, signal } from "@preact/signals";
import { findView, type View } from "./find-view.ts";

export const address = signal(new URL(location.href));

export const view = computed<View>(() => findView(address.value.pathname) ?? { name: "overview", id: null });

export function queryOf(name: string): string | null {
    return address.value.searchParams.get(name);
}

/** Those that go along from view to view. */
const lasting = ["stream", "range", "from", "to"];

/** The path with what lasts of the present query, and with `query`. A stream's own view needs no `stream`. */
export function hrefOf(path: string, query: Record<string, string | null> = {}): string {
    const next = new URLSearchParams();
    for (const name of lasting) {
        const value = queryOf(name) ?? (name === "stream" && view.value.name === "stream" ? view.value.id : null);
        if (value !== null) next.set(name, value);
    }
    return withQuery(path, change(next, query));
}

/** This view with another query; null takes a parameter away. */
export function hrefWith(query: Record<string, string | null>): string {
    return withQuery(address.value.pathname, change(new URLSearchParams(address.value.searchParams), query));
}

export function go(href: string): void {
    const isOtherView = new URL(href, location.href).pathname !== location.pathname;
    history.pushState(null, "", href);
    address.value = new URL(location.href);
    if (!isOtherView) return;
    window.scrollTo(0, 0);
    // Where a page that was loaded anew would put it; the title is read out.
    document.getElementById("main")?.focus({ preventScroll: true });
}

/** Links to other views are followed without a load; with a modifier the browser does as ever. */
export function followAddress(): void {
    window.addEventListener("popstate", () => {
        address.value = new URL(location.href);
    });
    document.addEventListener("click", (event) => {
        const link = event.target instanceof Element ? event.target.closest("a") : null;
        if (!link || event.defaultPrevented || event.button !== 0) return;
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        const url = new URL(link.href);
        const isOfPage = url.origin === location.origin && url.hash === "" && findView(url.pathname) !== null;
        if (!isOfPage) return;
        event.preventDefault();
        go(link.href);
    });
}

function change(query: URLSearchParams, changes: Record<string, string | null>): URLSearchParams {
    for (const [name, value] of Object.entries(changes)) {
        if (value === null) query.delete(name);
        else query.set(name, value);
    }
    return query;
}

function withQuery(path: string, query: URLSearchParams): string {
    const text = query.toString();
    return text === "" ? path : `${path}?${text}`;
}
