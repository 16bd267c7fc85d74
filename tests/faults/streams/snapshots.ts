/** What a snapshot makes of a table: an interpreter that knows the rows before and the records of one file. */
import type { Reading } from "../model/read-ranges.ts";
import { type ModelStream, typedOf } from "./model-stream.ts";

type SnapshotOutcome = "inserted" | "updated" | "duplicate" | "conflict" | "rejected";

export interface Applied {
    /** Of each record, in their order. */
    outcomes: SnapshotOutcome[];
    removed: string[];
    /** The table afterwards. */
    rows: Map<string, string>;
    /** How many rows it, or the file's slices of it, have then. */
    rowsAfter: number;
    /** Why the file has to fail instead; null when it has not. */
    problem: "too_many_rejects" | "snapshot_empty" | "snapshot_removes_too_much" | null;
}

export function applySnapshot(stream: ModelStream, before: ReadonlyMap<string, string>, readings: Reading[]): Applied {
    if (stream.mode.name !== "snapshot") throw new Error(`${stream.name} is no snapshot.`);
    const { by, mayReject, mayRemove } = stream.mode;
    const sliceOf = (content: string) => {
        const typed = typedOf(stream, content);
        return JSON.stringify(by.map((column) => typed[column]));
    };
    const firsts = new Map<string, string>();
    const outcomes = readings.map(({ eventId: key, content }): SnapshotOutcome => {
        if (key === null) return "rejected";
        const first = firsts.get(key);
        if (first !== undefined) return first === content ? "duplicate" : "conflict";
        firsts.set(key, content!);
        if (!before.has(key)) return "inserted";
        return before.get(key) === content ? "duplicate" : "updated";
    });
    const slices = new Set([...firsts.values()].map(sliceOf));
    const removed = [...before].flatMap(([key, content]) =>
        !firsts.has(key) && slices.has(sliceOf(content)) ? [key] : [],
    );
    const rows = new Map([...before, ...firsts]);
    for (const key of removed) rows.delete(key);
    const rowsBefore = removed.length + [...firsts.keys()].filter((key) => before.has(key)).length;
    const refused = outcomes.filter((outcome) => outcome === "rejected" || outcome === "conflict").length;
    const problem = !mayReject(refused, readings.length)
        ? "too_many_rejects"
        : firsts.size === 0
          ? "snapshot_empty"
          : mayRemove(removed.length, rowsBefore)
            ? null
            : "snapshot_removes_too_much";
    return { outcomes, removed, rows, rowsAfter: firsts.size, problem };
}
