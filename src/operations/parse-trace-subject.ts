/** Reads what a person writes to name a record: a key, or a place in a file. Pure. */
import type { Stream } from "../streams/stream.ts";
import type { TraceSubject } from "./read-trace.ts";

/** How records of a stream are named. */
export interface KeyWords {
    /** The columns of its key. */
    columns: readonly string[];
    /** Of a key of one column: what a value always looks like; null: like anything. */
    form: RegExp | null;
}

/** Of a stream that is built in: its key tells itself. */
export const keyWordsOf = ({ keys, key }: Stream): KeyWords => ({
    columns: keys.map(({ name }) => name),
    form: keys.length === 1 ? (key?.type.typed?.form ?? null) : null,
});

/**
 * `order_id=7,line=2` in any order, `file:record` where the last colon counts, or the bare value of a key of one column. A value
 * with a colon and a number behind it is written with its column's name. Null when it is none of these.
 */
export function parseTraceSubject(text: string, { columns, form }: KeyWords): TraceSubject | null {
    if (form?.test(text)) return { key: { [columns[0]!]: text.toLowerCase() } };
    const key = parseNamedKey(text, columns);
    if (key !== null) return form === null || form.test(key[columns[0]!]!) ? { key } : null;
    const place = parsePlace(text);
    if (place !== null) return place;
    return form === null && columns.length === 1 && text.trim() !== "" ? { key: { [columns[0]!]: text } } : null;
}

/** `order_id=7,line=2`: each column once, whatever its letters' case. */
export function parseNamedKey(text: string, columns: readonly string[]): Record<string, string> | null {
    const names = columns.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const heads = [...text.matchAll(new RegExp(`(?:^|,)\\s*(${names.join("|")})=`, "gi"))];
    if (heads.length !== columns.length || heads[0]?.index !== 0) return null;
    const values = new Map(
        heads.map((head, index) => {
            const end = heads[index + 1]?.index;
            return [head[1]!.toLowerCase(), text.slice(head.index + head[0].length, end)];
        }),
    );
    if (values.size !== columns.length) return null;
    return Object.fromEntries(columns.map((name) => [name, values.get(name.toLowerCase())!]));
}

export function parsePlace(text: string): { file: string; record: number } | null {
    const match = /^(.+):([1-9]\d{0,14})$/s.exec(text);
    return match ? { file: match[1]!, record: Number(match[2]) } : null;
}
