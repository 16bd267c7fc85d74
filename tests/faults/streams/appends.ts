/** What appending comes to: an interpreter that takes one record after the other, and knows no batches. */

import type { Content } from "../../support/random-files.ts";
import type { ReadBefore } from "../model/hold-chunks.ts";
import type { LedgerChunkRow } from "../model/read-ledger.ts";
import type { Reading } from "../model/read-ranges.ts";
import { countRow, type ModelStream, typedOf } from "./model-stream.ts";

export function createAppends(stream: ModelStream) {
    if (stream.mode.name !== "append") throw new Error(`${stream.name} does not append.`);
    const { once } = stream.mode;
    const rows = new Map<string, string>();
    const taken = new Set<string>();

    return {
        rows: rows as ReadonlyMap<string, string>,
        meet({ eventId, content }: Reading): "inserted" | "rejected" {
            if (eventId === null) return "rejected";
            const value = once === null ? null : typedOf(stream, content!)[once.column]!;
            if (value !== null && taken.has(value)) return "rejected";
            if (value !== null) taken.add(value);
            countRow(rows, content!);
            return "inserted";
        },
    };
}

/** What a chunk reads of a line that was taken before its end was there is kept apart, whole. */
export function withoutTaken(
    { bytes, records }: Content,
    { firstByte, endByte }: LedgerChunkRow,
    before: ReadBefore,
    readings: Reading[],
): Reading[] {
    if (firstByte >= before.endByte) return readings;
    return readings.map((reading) => {
        const { recordNo } = reading;
        if (recordNo > before.lastRecordNo) return reading;
        const { start, end } = records[recordNo - 1]!;
        const rawText = bytes.subarray(start, Math.min(end, endByte)).toString("utf8");
        const none = { eventId: null, content: null, parent: null, record: null };
        return { ...none, recordNo, reasons: ["tail_continued"], rawText };
    });
}
