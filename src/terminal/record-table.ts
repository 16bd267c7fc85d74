/** Where the records went: the lines that every command ends with. They add up. Pure. */
import { commandHere } from "../environment.ts";
import { formatNumber, formatShare } from "./format.ts";
import { type RecordCounts, shownOutcomes } from "./record-counts.ts";
import { formatTable } from "./table.ts";

export interface RecordTableOptions {
    /** The name in the first line. */
    title?: string;
    /** Whether there is something to look at by the commands that the last column names. */
    hasPointers?: boolean;
    /** Further lines below: a name, and what is to be said. */
    more?: readonly (readonly [name: string, text: string])[];
}

export function formatRecordTable(
    counts: RecordCounts,
    { title = "records read", hasPointers = false, more = [] }: RecordTableOptions = {},
): string[] {
    const { read, removed } = counts;
    const point = (outcome: string, count: number) =>
        hasPointers && count > 0 && ["conflict", "rejected"].includes(outcome)
            ? `→ ${commandHere("rejects")} --kind ${outcome}`
            : "";
    const rows = [
        [title, read, "", ""],
        ...shownOutcomes(counts).map((outcome, index) => {
            const count = counts[outcome];
            return [`${index === 0 ? "=" : "+"} ${outcome}`, count, formatShare(count, read), point(outcome, count)];
        }),
        ...(removed > 0 ? [["rows removed", removed, "", ""]] : []),
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
