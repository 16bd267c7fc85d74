/**
 * Holds what a run has left in the database to the model, row by row: promises 1, 2, 3 and 10.
 *
 * From the ledger it takes nothing but which byte ranges of which files were merged, and in what order. What they hold, and
 * so which record of an id wins, which of its rivals is a duplicate and which a conflict, the model knows.
 */
import { compareCounts, findPartial, judgeEnd, none, readMergedChunks } from "./hold-chunks.ts";
import type { Schedule } from "./make-schedule.ts";
import type { LedgerRows, Outcomes } from "./read-ledger.ts";
import { type Reading, readRange } from "./read-ranges.ts";

/** Every way in which rows and model differ; empty when they agree. */
export function holdToModel({ history, maxRecordBytes }: Schedule, ledger: LedgerRows): string[] {
    const { readings, violations } = readMergedChunks(history, ledger, (content, { firstByte, endByte }) =>
        readRange(content, firstByte, endByte, maxRecordBytes),
    );
    const expected = mergeInOrder(readings, ledger, violations);
    compareEvents(expected.events, ledger, violations);
    compareRejects(expected, ledger, violations);
    compareCounts(expected.counts, expected.partial, ledger.merges, violations);
    for (const [path, life] of history) violations.push(...judgeEnd(path, life, ledger, expected.events));
    return violations;
}

interface Place {
    chunkId: number;
    recordNo: number;
}

interface Expected {
    events: Map<string, Place & { content: string }>;
    rejects: Map<string, Place & { kind: "conflict" | "rejected"; reading: Reading }>;
    counts: Map<number, Outcomes>;
    /** Chunks of a version that was replaced before all of its slices were merged: their rejects may be some or all. */
    partial: Set<number>;
}

/** As the ledger orders it: batches by their ids, which follow the slice locks; in a batch by chunk, then by record. */
function mergeInOrder(readings: Map<number, Reading[]>, ledger: LedgerRows, violations: string[]): Expected {
    const expected: Expected = { events: new Map(), rejects: new Map(), counts: new Map(), partial: new Set() };
    const slicesDone = new Map<number, number>();
    for (const { chunkId, slices, batchId } of ledger.merges) {
        const done = slicesDone.get(chunkId) ?? 0;
        if (done & slices) violations.push(`batch ${batchId} merged slices of chunk ${chunkId} a second time`);
        slicesDone.set(chunkId, done | slices);
        const isFirst = done === 0;
        for (const reading of readings.get(chunkId) ?? []) {
            // A rejected record's slice does not matter: it touches no event. It counts with the chunk's first batch.
            const isInBatch = reading.eventId === null ? isFirst : (1 << sliceOf(reading.eventId)) & slices;
            if (isInBatch) settle(expected, { chunkId, recordNo: reading.recordNo }, reading);
        }
    }
    expected.partial = findPartial(slicesDone, ledger, violations);
    return expected;
}

function sliceOf(eventId: string): number {
    return Number.parseInt(eventId.at(-1)!, 16);
}

function settle({ events, rejects, counts }: Expected, place: Place, reading: Reading): void {
    const ofChunk = counts.get(place.chunkId) ?? none();
    counts.set(place.chunkId, ofChunk);
    ofChunk.read += 1;
    const key = `${place.chunkId}:${place.recordNo}`;
    if (reading.eventId === null) {
        ofChunk.rejected += 1;
        rejects.set(key, { ...place, kind: "rejected", reading });
        return;
    }
    const first = events.get(reading.eventId);
    if (first === undefined) {
        ofChunk.inserted += 1;
        events.set(reading.eventId, { ...place, content: reading.content! });
    } else if (first.content === reading.content) {
        ofChunk.duplicate += 1;
    } else {
        ofChunk.conflict += 1;
        rejects.set(key, { ...place, kind: "conflict", reading: { ...reading, reasons: ["event_id_conflict"] } });
    }
}

function compareEvents(expected: Expected["events"], { events }: LedgerRows, violations: string[]): void {
    const stored = new Map(events.map((event) => [event.eventId, event]));
    for (const [eventId, { content, chunkId, recordNo }] of expected) {
        const event = stored.get(eventId);
        const wanted = `${content} of ${chunkId}:${recordNo}`;
        const found = event ? `${event.content} of ${event.chunkId}:${event.recordNo}` : "nothing";
        if (wanted !== found) violations.push(`events has ${found}, the model ${wanted}`);
    }
    for (const { eventId, chunkId } of events) {
        if (!expected.has(eventId)) violations.push(`events has ${eventId} of chunk ${chunkId}, the model nothing`);
    }
}

function compareRejects({ rejects: expected, partial }: Expected, { rejects }: LedgerRows, violations: string[]): void {
    const seen = new Set<string>();
    for (const reject of rejects) {
        const key = `${reject.chunkId}:${reject.recordNo}`;
        const wanted = expected.get(key);
        if (seen.has(key)) violations.push(`rejects has ${key} twice`);
        seen.add(key);
        if (!wanted) {
            violations.push(`rejects has ${key} as ${reject.kind}, the model does not`);
            continue;
        }
        const { kind, reading } = wanted;
        const isSame =
            reject.kind === kind &&
            (reading.reasons === null || Bun.deepEquals(reject.reasons, reading.reasons)) &&
            (reading.record === null || Bun.deepEquals(reject.record, reading.record)) &&
            (reading.rawText === null || reject.rawText === reading.rawText);
        if (!isSame) {
            violations.push(`rejects has ${JSON.stringify(reject)}, the model ${JSON.stringify({ kind, ...reading })}`);
        }
    }
    for (const [key, { kind, chunkId }] of expected) {
        if (!seen.has(key) && !partial.has(chunkId)) violations.push(`rejects lacks ${key}, a ${kind}`);
    }
}
