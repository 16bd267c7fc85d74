/** Reads the text of a search for a record: a key, or `file:record`. Pure. */
import type { StreamView } from "../stream-view.ts";

export type TraceKey = StreamView["key"] | "any" | null;

/** `any`: what is no `file:record` is a key. Null: there is no key to search by. */
export function parseTraceQuery(text: string, key: TraceKey): { path: string } | { fault: string } {
    const query = text.trim();
    if (key !== null && key !== "any" && key.form.test(query))
        return { path: `/v1/trace?${key.name}=${query.toLowerCase()}` };
    // The last colon: a file's name may hold others.
    const [, file, record] = /^(.+):(\d{1,15})$/s.exec(query) ?? [];
    if (file !== undefined && Number(record) > 0) {
        return { path: `/v1/trace?file=${encodeURIComponent(file.trim())}&record=${Number(record)}` };
    }
    if (key === "any" && query !== "") return { path: `/v1/trace?key=${encodeURIComponent(query)}` };
    const example = key === null || key === "any" ? "Give" : `Give ${key.example}, or`;
    return { fault: `${example} a file and a record: events.csv:12.` };
}
