/**
 * Holds what a run has left in the database to the model, row by row: promises 1, 2, 3 and 10.
 *
 * From the ledger it takes nothing but which byte ranges of which files were merged, and in what order. What they hold, and
 * so which record of an id wins, which of its rivals is a duplicate and which a conflict, the model knows.
 */
import type { Counts } from "../../support/count-records.ts";
import type { Content } from "../../support/random-files.ts";
import type { PathHistory, Schedule } from "./make-schedule.ts";
import type { LedgerChunkRow, LedgerFileRow, LedgerRows } from "./read-ledger.ts";
import { hashOfRange, isBoundary, type Reading, readRange, recordNoAt } from "./read-ranges.ts";

const allSlices = 0xffff;
const none = (): Counts => ({ read: 0, inserted: 0, duplicate: 0, conflict: 0, rejected: 0 });

/** Every way in which rows and model differ; empty when they agree. */
export function holdToModel({ history, maxRecordBytes }: Schedule, ledger: LedgerRows): string[] {
    const violations: string[] = [];
    const readings = new Map<number, Reading[]>();
    const merged = new Set(ledger.merges.map(({ chunkId }) => chunkId));
    for (const file of ledger.files) {
        const path = history.get(file.path);
        if (!path) {
            violations.push(`${file.path} is in the ledger and never was in the folder`);
            continue;
        }
        const chunks = ledger.chunks.filter(({ fileId }) => fileId === file.fileId);
        violations.push(...findGaps(file, chunks));
        for (const chunk of chunks) {
            const content = contentOf(path, chunk);
            if (content === null) {
                violations.push(`${describe(file, chunk)} is of bytes that were never in the file`);
                continue;
            }
            const read = readRange(content, chunk.firstByte, chunk.endByte, maxRecordBytes);
            if (read.length !== chunk.records) {
                violations.push(`${describe(file, chunk)} has ${chunk.records} records, the model ${read.length}`);
            }
            if (merged.has(chunk.chunkId)) readings.set(chunk.chunkId, read);
        }
    }
    const expected = mergeInOrder(readings, ledger, violations);
    compareEvents(expected.events, ledger, violations);
    compareRejects(expected, ledger, violations);
    compareCounts(expected, ledger, violations);
    for (const [path, life] of history) violations.push(...judgeEnd(path, life, ledger, expected.events));
    return violations;
}

function describe({ path, version }: LedgerFileRow, { chunkId, firstByte, endByte }: LedgerChunkRow): string {
    return `chunk ${chunkId} (${path} version ${version}, bytes ${firstByte} to ${endByte})`;
}

/** The content that has these very bytes at this place; of several the latest. */
function contentOf({ contents }: PathHistory, chunk: LedgerChunkRow): Content | null {
    const fits = (content: Content) =>
        content.problem === null &&
        hashOfRange(content, chunk.firstByte, chunk.endByte) === chunk.contentHash &&
        isBoundary(content, chunk.firstByte) &&
        recordNoAt(content, chunk.firstByte) === chunk.firstRecordNo;
    return contents.findLast(fits) ?? null;
}

/** Each chunk begins where the one before ended, or goes back to a record that was taken before it was whole. */
function findGaps(file: LedgerFileRow, chunks: LedgerChunkRow[]): string[] {
    let end = 0;
    const gaps: string[] = [];
    for (const chunk of chunks) {
        if (chunk.firstByte > end) gaps.push(`${describe(file, chunk)} begins behind ${end}: bytes are left out`);
        end = chunk.endByte;
    }
    if (end !== file.loadedBytes)
        gaps.push(`${file.path}: its chunks end at ${end}, loaded_bytes is ${file.loadedBytes}`);
    return gaps;
}

interface Place {
    chunkId: number;
    recordNo: number;
}

interface Expected {
    events: Map<string, Place & { content: string }>;
    rejects: Map<string, Place & { kind: "conflict" | "rejected"; reading: Reading }>;
    counts: Map<number, Counts>;
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
    for (const { chunkId, state } of ledger.chunks) {
        const done = slicesDone.get(chunkId) ?? 0;
        if (done !== 0 && done !== allSlices) expected.partial.add(chunkId);
        if ((state === "merged") !== (done === allSlices)) {
            violations.push(`chunk ${chunkId} is ${state}, and its merged slices are ${done.toString(16)}`);
        }
    }
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

function compareCounts({ counts: expected, partial }: Expected, { merges }: LedgerRows, violations: string[]): void {
    const actual = new Map<number, Counts>();
    for (const { chunkId, batchId: _batch, slices: _slices, ...counts } of merges) {
        const sum = actual.get(chunkId) ?? none();
        for (const key of Object.keys(sum) as (keyof Counts)[]) sum[key] += counts[key];
        actual.set(chunkId, sum);
    }
    for (const [chunkId, counts] of actual) {
        const wanted = expected.get(chunkId) ?? none();
        if (!partial.has(chunkId) && !Bun.deepEquals(counts, wanted)) {
            violations.push(`chunk ${chunkId} counts ${JSON.stringify(counts)}, the model ${JSON.stringify(wanted)}`);
        }
    }
}

/** All that the folder holds in the end is in: every valid id is an event, every bad file says why. */
function judgeEnd(
    path: string,
    { contents, finalBytes, isGone }: PathHistory,
    ledger: LedgerRows,
    events: Expected["events"],
): string[] {
    const versions = ledger.files.filter((file) => file.path === path);
    const file = versions.at(-1);
    // Its content is looked for under the new name. Under this one it may be in, too, or never have been seen.
    if (isGone && (!file || file.state === "failed")) return [];
    if (!file) return [`${path} was in the folder and is not in the ledger`];
    const violations = versions
        .slice(0, -1)
        .filter(({ state }) => state !== "replaced")
        .map(({ version, state }) => `${path} version ${version} is ${state}, and not the last one`);
    if (isGone) return violations;
    const content = contents.at(-1)!;
    const problem = finalBytes === 0 ? "empty_file" : content.problem;
    if (problem !== null) {
        const isSo = file.state === "failed" && file.problem === problem;
        return isSo ? violations : [...violations, `${path} is ${file.state} ${file.problem}, not failed ${problem}`];
    }
    if (file.state === "skipped") {
        const original = ledger.files.find(({ fileId }) => fileId === file.copyOf);
        if (!original || !["merged", "replaced", "pending"].includes(original.state)) {
            violations.push(`${path} is a copy of what is not merged`);
        }
    } else if (file.state !== "merged" || file.loadedBytes !== finalBytes) {
        violations.push(`${path} is ${file.state} ${file.problem ?? ""} at byte ${file.loadedBytes} of ${finalBytes}`);
    }
    for (const { fate, end } of content.records) {
        if (fate.kind === "valid" && end <= finalBytes && !events.has(fate.eventId)) {
            violations.push(`${path}: ${fate.eventId} is in the file and not in events`);
        }
    }
    return violations;
}
