/** Where a search leads: to a reject, batch or file by its number, to the trace of a record, or to files by their name. Pure. */
import { parseTraceQuery, type TraceKey } from "../trace/parse-query.ts";

export interface Destination {
    path: string;
    query?: Record<string, string>;
}

const views: Record<string, string> = {
    reject: "rejects",
    conflict: "rejects",
    batch: "batches",
    replay: "batches",
    file: "files",
};

/** Null for no text. A bare number is a reject's; that view leads on to a key of the same digits. */
export function findDestination(text: string, key: TraceKey): Destination | null {
    const query = text.trim();
    if (query === "") return null;
    const [, kind = "reject", digits] =
        /^(reject|conflict|batch|replay|file)?\s*#?\s*([1-9]\d{0,14})$/i.exec(query) ?? [];
    if (digits !== undefined) return { path: `/${views[kind.toLowerCase()]}/${digits}` };
    const looksLikeFile = /[/\\]|\.(?:csv|tsv|txt|gz|zst|bz2|xz)$/i.test(query);
    const isAnyKey = (key === "any" || key === null) && !looksLikeFile;
    const isRecord = isAnyKey || (key !== "any" && "path" in parseTraceQuery(query, key));
    return isRecord || isPlace(query)
        ? { path: "/trace", query: { q: query } }
        : { path: "/files", query: { contains: query } };
}

/** `events.csv:12` */
function isPlace(query: string): boolean {
    return /^.+:[1-9]\d{0,14}$/s.test(query);
}
