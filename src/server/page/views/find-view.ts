/** The views of the page and their addresses. Pure: the server asks it which paths are the page's, the page which view a path is. */

const lists = ["streams", "files", "batches", "rejects", "checks", "trace", "lab"] as const;
export type ViewName = "overview" | "stream" | "file" | "batch" | "reject" | (typeof lists)[number];

export interface View {
    name: ViewName;
    /** Of the stream, or the number of the file, batch or reject. */
    id: string | null;
}

/** As routes of the server; which numbers and names are a view's, `findView` says. */
export const viewPaths = ["/", ...lists.flatMap((list) => [`/${list}`, `/${list}/:id`])];

const details: Record<string, ViewName> = { files: "file", batches: "batch", rejects: "reject" };

/** Null for a path that is no view's. */
export function findView(path: string): View | null {
    if (path === "/") return { name: "overview", id: null };
    const [, list, id] = /^\/([a-z]+)(?:\/([^/]+))?$/.exec(path) ?? [];
    const name = lists.find((candidate) => candidate === list);
    if (name === undefined) return null;
    if (id === undefined) return { name, id: null };
    if (name === "streams") return { name: "stream", id: decode(id) };
    const detail = details[name];
    return detail !== undefined && /^[1-9]\d{0,15}$/.test(id) ? { name: detail, id } : null;
}

const titles: Record<ViewName, string> = {
    overview: "Overview",
    streams: "Streams",
    stream: "Stream",
    files: "Files",
    file: "File",
    batches: "Batches",
    batch: "Batch",
    rejects: "Rejects",
    reject: "Reject",
    checks: "Checks",
    trace: "Trace",
    lab: "Crash lab",
};

/** `Batch 12`, `orders`, `Files`. */
export function titleOf({ name, id }: View): string {
    if (id === null) return titles[name];
    return name === "stream" ? id : `${titles[name]} ${id}`;
}

/** A name that was encoded by nobody is taken as it stands. */
function decode(text: string): string {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}
