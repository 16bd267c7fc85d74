/**
 * Holds the streams beside events to the model: every row of their tables, every reject, and the counts of every chunk.
 *
 * Whether the row that a foreign key names was there when it was first looked for is the one thing that the model leaves to
 * the run, since batches of two streams come in any order. It takes from the ledger that a record was unknown in some batch,
 * and which replay tried it again. What had to become of it then, and that none is left unknown whose parent is in the
 * table, the model knows.
 */
import type { Counts } from "../../support/count-records.ts";
import { compareCounts, findPartial, judgeEnd, none, readMergedChunks } from "../model/hold-chunks.ts";
import type { PathHistory, Schedule } from "../model/make-schedule.ts";
import type { ChunkMergeRow, RejectRow, StreamLedger } from "../model/read-ledger.ts";
import { type Reading, readRange } from "../model/read-ranges.ts";
import { cutReaderOf } from "./make-files.ts";
import type { StreamState } from "./read-streams.ts";
import { type ModelStream, modelStreams, sliceOfKey } from "./streams.ts";

/** Every way in which the streams and the model differ; empty when they agree. */
export function holdToStreams({ history, maxRecordBytes }: Schedule, states: StreamState[]): string[] {
    return modelStreams.flatMap((stream) => {
        const state = states.find(({ name }) => name === stream.name);
        if (!state) return [`the stream ${stream.name} is not in the ledger`];
        const own = new Map([...history].filter(([path]) => path.startsWith(stream.prefix)));
        return holdStream(stream, own, maxRecordBytes, state).map((violation) => `${stream.name}: ${violation}`);
    });
}

function holdStream(
    stream: ModelStream,
    history: Map<string, PathHistory>,
    maxRecordBytes: number,
    { ledger, rows, parents }: StreamState,
): string[] {
    const readCut = cutReaderOf(stream);
    const { readings, violations } = readMergedChunks(history, ledger, (content, { firstByte, endByte }) =>
        readRange(content, firstByte, endByte, maxRecordBytes, readCut),
    );
    const expected = createExpected(stream, ledger.rejects, violations);
    const partial = findPartial(mergeInOrder(expected, readings, ledger), ledger, violations);
    compareRows(expected.rows, rows, violations);
    for (const kind of ["merge", "replay"] as const) {
        const merges = ledger.merges.filter((merge) => merge.kind === kind);
        compareCounts(expected.counts[kind], partial, merges, violations);
    }
    const standing = new Set<string>();
    for (const reject of ledger.rejects) {
        const isWanted = expected.wanted.has(reject) || partial.has(reject.chunkId);
        if (!isWanted) violations.push(`rejects has ${describe(reject)}, the model does not`);
        const reading = readingOf(readings, reject);
        if (reject.resolvedBy !== null || stream.parent === null || !reject.reasons.includes(stream.parent.reason))
            continue;
        if (reading?.eventId) standing.add(reading.eventId);
        if (parents.has(reading?.parent ?? ""))
            violations.push(`${describe(reject)} stands, and ${reading!.parent} is in the table`);
    }
    const isIn = { has: (key: string) => expected.rows.has(key) || standing.has(key) };
    for (const [path, life] of history) violations.push(...judgeEnd(path, life, ledger, isIn));
    return violations;
}

type Expected = ReturnType<typeof createExpected>;

function createExpected(stream: ModelStream, rejects: RejectRow[], violations: string[]) {
    return {
        stream,
        violations,
        /** The table's rows: key → content. */
        rows: new Map<string, string>(),
        /** By chunk. */
        counts: { merge: new Map<number, Counts>(), replay: new Map<number, Counts>() },
        /** The rejects of each record, in the order of their batches. */
        rejects: Map.groupBy(rejects, ({ chunkId, recordNo }) => `${chunkId}:${recordNo}`),
        /** Those of them that the model asked for. */
        wanted: new Set<RejectRow>(),
    };
}

/** In the order of the batches' ids, which follow the slice locks. Returns which slices of each chunk are merged. */
function mergeInOrder(expected: Expected, readings: Map<number, Reading[]>, ledger: StreamLedger): Map<number, number> {
    const slicesDone = new Map<number, number>();
    const replays = Map.groupBy(ledger.rejects, ({ resolvedBy }) => resolvedBy);
    const replayed = new Set<number>();
    for (const merge of ledger.merges) {
        const { chunkId, slices, batchId, kind } = merge;
        if (kind === "replay") {
            if (!replayed.has(batchId)) replayBatch(expected, batchId, replays.get(batchId) ?? [], readings);
            replayed.add(batchId);
            continue;
        }
        const done = slicesDone.get(chunkId) ?? 0;
        if (done & slices) expected.violations.push(`batch ${batchId} merged slices of chunk ${chunkId} a second time`);
        slicesDone.set(chunkId, done | slices);
        mergeChunk(expected, merge, done === 0, readings.get(chunkId) ?? []);
    }
    return slicesDone;
}

function mergeChunk(expected: Expected, merge: ChunkMergeRow, isFirst: boolean, readings: Reading[]): void {
    const { chunkId, batchId, slices } = merge;
    for (const reading of readings) {
        // The slice of a rejected record does not matter: it touches no row. It counts with the chunk's first batch.
        const isInBatch =
            reading.eventId === null ? isFirst : (1 << sliceOfKey(expected.stream, reading.eventId)) & slices;
        if (!isInBatch) continue;
        const [first] = expected.rejects.get(`${chunkId}:${reading.recordNo}`) ?? [];
        // That of a rejected record may be of a later batch.
        const reject = reading.eventId === null || first?.batchId === batchId ? first : undefined;
        count(
            expected.counts.merge,
            chunkId,
            judgeAttempt(expected, reading, reject, `${chunkId}:${reading.recordNo}`),
        );
    }
}

/** What was replayed is tried as if it came now. */
function replayBatch(
    expected: Expected,
    batchId: number,
    resolved: RejectRow[],
    readings: Map<number, Reading[]>,
): void {
    for (const reject of resolved) {
        const reading = readingOf(readings, reject);
        const again = expected.rejects
            .get(`${reject.chunkId}:${reject.recordNo}`)!
            .find((other) => other.batchId === batchId);
        const outcome = reading ? judgeAttempt(expected, reading, again, describe(reject)) : "nothing";
        if (outcome !== reject.resolution)
            expected.violations.push(`${describe(reject)} is resolved as ${reject.resolution}, the model: ${outcome}`);
        if (outcome !== "nothing") count(expected.counts.replay, reject.chunkId, outcome);
        if (Bun.deepEquals(again?.reasons, reject.reasons))
            expected.violations.push(`${describe(reject)} was replayed for nothing`);
    }
}

/** What one attempt at a record had to end as, with `reject` if that is what was written. */
function judgeAttempt(expected: Expected, reading: Reading, reject: RejectRow | undefined, what: string) {
    const { stream, rows, wanted, violations } = expected;
    if (reject) wanted.add(reject);
    const isRejected = reading.eventId === null || (reject?.kind === "rejected" && isUnknown(stream, reject));
    const outcome = isRejected ? "rejected" : settle(rows, reading);
    const reasons = outcome === "rejected" || outcome === "conflict" ? allowedReasons(stream, reading, outcome) : [];
    const isSaid = reject ? reasons.some((allowed) => sameSet(allowed, reject.reasons)) : reasons.length === 0;
    const isKept = !reject || reading.record === null || keepsValues(reject, reading.record);
    if (!(isSaid || (reject && reading.reasons === null)) || !isKept || (reject && reject.kind !== outcome)) {
        const found = reject ? JSON.stringify(reject) : "no reject";
        violations.push(`record ${what} has ${found}, the model ${outcome} ${JSON.stringify(reading)}`);
    }
    return outcome;
}

function settle(rows: Map<string, string>, { eventId, content }: Reading) {
    const stored = rows.get(eventId!);
    if (stored === undefined) {
        rows.set(eventId!, content!);
        return "inserted";
    }
    return stored === content ? "duplicate" : "conflict";
}

/** Beside a broken CHECK the parent may be missing, too. */
function allowedReasons({ keys, parent }: ModelStream, reading: Reading, outcome: "rejected" | "conflict"): string[][] {
    if (outcome === "conflict") return [[`${keys.join("_")}_conflict`]];
    const unknown = reading.parent === null ? [] : [parent!.reason];
    if (reading.eventId !== null) return [unknown];
    return [reading.reasons ?? [], [...(reading.reasons ?? []), ...unknown]];
}

function isUnknown({ parent }: ModelStream, { reasons }: RejectRow): boolean {
    return reasons.length === 1 && reasons[0] === parent?.reason;
}

function sameSet(a: string[], b: string[]): boolean {
    return Bun.deepEquals(a.toSorted(), b.toSorted());
}

function keepsValues({ record }: RejectRow, values: Record<string, string | null>): boolean {
    const bare = (value: string | null | undefined) => value?.trim() ?? "";
    return Object.entries(values).every(([column, value]) => bare(record?.[column]) === bare(value));
}

function readingOf(readings: Map<number, Reading[]>, { chunkId, recordNo }: RejectRow): Reading | undefined {
    return readings.get(chunkId)?.find((reading) => reading.recordNo === recordNo);
}

function describe({ chunkId, recordNo, batchId, kind, reasons }: RejectRow): string {
    return `${chunkId}:${recordNo} of batch ${batchId}, ${kind} for ${reasons}`;
}

function count(counts: Map<number, Counts>, chunkId: number, outcome: Exclude<keyof Counts, "read">): void {
    const ofChunk = counts.get(chunkId) ?? none();
    counts.set(chunkId, ofChunk);
    ofChunk.read += 1;
    ofChunk[outcome] += 1;
}

function compareRows(expected: Map<string, string>, rows: Map<string, string>, violations: string[]): void {
    for (const [key, content] of expected) {
        const found = rows.get(key);
        if (found !== content) violations.push(`the table has ${found ?? `no ${key}`}, the model ${content}`);
    }
    for (const key of rows.keys()) {
        if (!expected.has(key)) violations.push(`the table has ${key}, the model does not`);
    }
}
