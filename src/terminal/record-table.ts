/** Where the records went: the five lines that every command ends with. They add up. Pure. */
import { program } from "../environment.ts";
import { formatNumber, formatShare } from "./format.ts";
import { formatTable } from "./table.ts";

export interface RecordCounts {
    read: number;
    inserted: number;
    duplicate: number;
    conflict: number;
    rejected: number;
}

export function addRecordCounts(counts: Iterable<RecordCounts>): RecordCounts {
    const total = { read: 0, inserted: 0, duplicate: 0, conflict: 0, rejected: 0 };
    for (const each of counts) {
        for (const name of Object.keys(total) as (keyof RecordCounts)[]) total[name] += each[name];
    }
    return total;
}

export interface RecordTableOptions {
    /** The name in the first line. */
    title?: string;
    /** Whether there is something to look at by the commands that the last column names. */
    hasPointers?: boolean;
    /** Further lines below: a name, and what is to be said. */
    more?: readonly (readonly [name: string, text: string])[];
}

export function formatRecordTable(
    { read, inserted, duplicate, conflict, rejected }: RecordCounts,
    { title = "records read", hasPointers = false, more = [] }: RecordTableOptions = {},
): string[] {
    const point = (count: number, command: string) => (hasPointers && count > 0 ? `→ ${command}` : "");
    const rows = [
        [title, read, "", ""],
        ["= inserted", inserted, formatShare(inserted, read), ""],
        ["+ duplicate", duplicate, formatShare(duplicate, read), ""],
        ["+ conflict", conflict, formatShare(conflict, read), point(conflict, `${program} rejects --kind conflict`)],
        ["+ rejected", rejected, formatShare(rejected, read), point(rejected, `${program} rejects --kind rejected`)],
    ];
    const width = Math.max(title.length, ...more.map(([name]) => name.length));
    const table = formatTable(
        rows.map(([name, ...cells]) => [String(name).padEnd(width), ...cells]),
        { rightAligned: [2] },
    );
    return [...table, ...more.map(([name, text]) => `${name.padEnd(width)}  ${text}`)];
}

/** `3 in 4.5 s, 274,348/s`: batches, the time they took, and records a second. */
export function formatWork(batches: number, seconds: number, read: number): string {
    const rate = seconds > 0 && read > 0 ? `, ${formatNumber(Math.round(read / seconds))}/s` : "";
    return `${formatNumber(batches)} in ${seconds.toFixed(1)} s${rate}`;
}
