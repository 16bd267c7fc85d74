/** The records in a byte range of a content, and the expected verdict of each. */
import { createHash } from "node:crypto";
import { countFiles, listEvents } from "../../support/count-records.ts";
import type { Content } from "../../support/random-files.ts";
import type { RawRecord } from "../../support/random-records.ts";

export interface Reading {
    recordNo: number;
    /** Null: rejected. */
    eventId: string | null;
    content: string | null;
    /** The key of the row that it needs in another table. */
    parent: string | null;
    /** Null where the model does not say: a record that was cut. */
    reasons: string[] | null;
    record: RawRecord | null;
    rawText: string | null;
}

export function hashOfRange({ bytes }: Content, firstByte: number, endByte: number): string | null {
    if (endByte > bytes.length) return null;
    return createHash("sha256").update(bytes.subarray(firstByte, endByte)).digest("hex");
}

/** The number of the first record that begins at or behind `byte`, from 1. */
export function recordNoAt({ records }: Content, byte: number): number {
    const index = records.findIndex(({ start }) => start >= byte);
    return (index === -1 ? records.length : index) + 1;
}

/** Whether a range may begin here: at no record's inside. */
export function isBoundary({ records, headerBytes }: Content, byte: number): boolean {
    if (byte < headerBytes) return byte === 0;
    return !records.some(({ start, end }) => start < byte && byte < end);
}

/** Reads what is left of a record that is cut: all of `bytes`, by the header. */
export type CutReader = (header: Buffer, bytes: Buffer, maxRecordBytes: number) => Omit<Reading, "recordNo">[];

/** The records that begin in the range. The last one may be cut by its end: then somebody else reads what is left of it. */
export function readRange(
    content: Content,
    firstByte: number,
    endByte: number,
    maxRecordBytes: number,
    readCut: CutReader = readCutEvents,
): Reading[] {
    const readings: Reading[] = [];
    let recordNo = recordNoAt(content, firstByte);
    for (const { start, end, fate } of content.records.slice(recordNo - 1)) {
        if (start >= endByte) break;
        if (end > endByte) {
            const header = content.bytes.subarray(0, content.headerBytes);
            const cut = readCut(header, content.bytes.subarray(start, endByte), maxRecordBytes);
            readings.push(...cut.map((reading, index) => ({ recordNo: recordNo + index, ...reading })));
            break;
        }
        readings.push({
            recordNo,
            eventId: fate.kind === "valid" ? fate.eventId : null,
            content: fate.kind === "valid" ? fate.content : null,
            parent: fate.parent ?? null,
            reasons: fate.kind === "valid" ? [] : fate.reasons,
            record: fate.record,
            rawText: fate.kind === "valid" ? null : fate.rawText,
        });
        recordNo += 1;
    }
    return readings;
}

/** Part of a record is whatever the rules say of its bytes: here the independent reader is asked. */
function readCutEvents(header: Buffer, bytes: Buffer, maxRecordBytes: number): ReturnType<CutReader> {
    const counted = countFiles([{ name: "cut", bytes: Buffer.concat([header, bytes]) }], { maxRecordBytes });
    const events = new Map([...listEvents(counted)].map((event) => [event.recordNo, event]));
    return Array.from({ length: counted.total.read }, (_, index) => {
        const event = events.get(index + 1);
        return {
            eventId: event?.eventId ?? null,
            content: event ? counted.events.get(event.eventId)!.content : null,
            parent: null,
            reasons: event ? [] : null,
            record: null,
            rawText: null,
        };
    });
}
