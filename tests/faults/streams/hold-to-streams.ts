/** Holds the streams beside events to the model: every row of their tables, every reject, and the counts of every chunk. */
import { compareCounts, findPartial, readMergedChunks } from "../model/hold-chunks.ts";
import type { PathHistory, Schedule } from "../model/make-schedule.ts";
import type { ChunkMergeRow, StreamLedger } from "../model/read-ledger.ts";
import { type Reading, readRange } from "../model/read-ranges.ts";
import { createAppendOracle } from "./append-oracle.ts";
import { withoutTaken } from "./appends.ts";
import { type Attempt, createExpectation, describe, type Expectation } from "./expectation.ts";
import { createInsertOracle } from "./insert-oracle.ts";
import { cutReaderOf } from "./make-files.ts";
import type { Batch, CreateOracle } from "./mode-oracle.ts";
import { type ModelMode, type ModelStream, sliceOf } from "./model-stream.ts";
import { holdToPathOrder } from "./path-order.ts";
import type { StreamState } from "./read-streams.ts";
import { createSnapshotOracle } from "./snapshot-oracle.ts";
import { createUpsertOracle } from "./upsert-oracle.ts";

const oracles: Record<ModelMode["name"], CreateOracle> = {
    insert: createInsertOracle,
    upsert: createUpsertOracle,
    snapshot: createSnapshotOracle,
    append: createAppendOracle,
};

/** Every way in which the streams and the model differ; empty when they agree. */
export function holdToStreams(
    { kind, history, maxRecordBytes }: Schedule,
    streams: readonly ModelStream[],
    states: StreamState[],
): string[] {
    return streams.flatMap((stream) => {
        const state = states.find(({ name }) => name === stream.name);
        if (!state) return [`the stream ${stream.name} is not in the ledger`];
        const own = new Map([...history].filter(([path]) => path.startsWith(stream.prefix)));
        const violations = holdStream(stream, own, maxRecordBytes, state);
        if (kind === "undisturbed") violations.push(...holdToPathOrder(stream, own, maxRecordBytes, state));
        return violations.map((violation) => `${stream.name}: ${violation}`);
    });
}

function holdStream(
    stream: ModelStream,
    history: Map<string, PathHistory>,
    maxRecordBytes: number,
    state: StreamState,
): string[] {
    const { ledger, rows } = state;
    const readCut = cutReaderOf(stream);
    const { readings, violations } = readMergedChunks(history, ledger, (content, chunk, before) => {
        const read = readRange(content, chunk.firstByte, chunk.endByte, maxRecordBytes, readCut);
        return stream.mode.name === "append" ? withoutTaken(content, chunk, before, read) : read;
    });
    const expected = createExpectation(stream, ledger.rejects, violations);
    const oracle = oracles[stream.mode.name](expected, state, readings, maxRecordBytes);
    const { batches, slicesDone } = readBatches(expected, readings, ledger);
    for (const batch of batches) oracle.follow(batch);

    const partial = findPartial(slicesDone, ledger, violations);
    compareRows(oracle.rows, rows, violations);
    for (const kind of ["merge", "replay"] as const) {
        const merges = ledger.merges.filter((merge) => merge.kind === kind);
        compareCounts(expected.counts[kind], partial, merges, violations);
    }
    for (const reject of ledger.rejects) {
        const isWanted = expected.wanted.has(reject) || partial.has(reject.chunkId);
        if (!isWanted) violations.push(`rejects has ${describe(reject)}, the model does not`);
    }
    oracle.end(history);
    return violations;
}

/** In the order of the batches' ids, which follow the slice locks. And which slices of each chunk are merged. */
function readBatches(
    expected: Expectation,
    readings: Map<number, Reading[]>,
    ledger: StreamLedger,
): { batches: Batch[]; slicesDone: Map<number, number> } {
    const slicesDone = new Map<number, number>();
    const batches = [...Map.groupBy(ledger.merges, ({ batchId }) => batchId)].map(([batchId, merges]): Batch => {
        const { kind } = merges[0]!;
        if (kind === "replay") return { batchId, kind, merges, attempts: [] };
        const attempts = merges.flatMap((merge) => {
            const { chunkId, slices } = merge;
            const done = slicesDone.get(chunkId) ?? 0;
            if (done & slices)
                expected.violations.push(`batch ${batchId} merged slices of chunk ${chunkId} a second time`);
            slicesDone.set(chunkId, done | slices);
            return attemptsOf(expected, merge, done === 0, readings.get(chunkId) ?? []);
        });
        return { batchId, kind, merges, attempts };
    });
    return { batches, slicesDone };
}

function attemptsOf(expected: Expectation, merge: ChunkMergeRow, isFirst: boolean, readings: Reading[]): Attempt[] {
    const { chunkId, batchId, slices } = merge;
    return readings.flatMap((reading) => {
        // The slice of a rejected record does not matter: it touches no row. It counts with the chunk's first batch.
        const isInBatch = reading.eventId === null ? isFirst : (1 << sliceOf(expected.stream, reading)) & slices;
        if (!isInBatch) return [];
        const [first] = expected.rejects.get(`${chunkId}:${reading.recordNo}`) ?? [];
        // That of a rejected record may be of a later batch.
        const reject = reading.eventId === null || first?.batchId === batchId ? first : undefined;
        return [{ chunkId, batchId, reading, reject }];
    });
}

function compareRows(
    expected: ReadonlyMap<string, string>,
    rows: ReadonlyMap<string, string>,
    violations: string[],
): void {
    for (const [key, content] of expected) {
        const found = rows.get(key);
        if (found !== content) violations.push(`the table has ${found ?? `no ${key}`}, the model ${content}`);
    }
    for (const key of rows.keys()) {
        if (!expected.has(key)) violations.push(`the table has ${key}, the model does not`);
    }
}
