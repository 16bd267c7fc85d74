/** What the model knows of one mode. Each is told all batches of a stream, in their order, and then holds what is left to what it knows. */
import type { PathHistory } from "../model/make-schedule.ts";
import type { ChunkMergeRow } from "../model/read-ledger.ts";
import type { Reading } from "../model/read-ranges.ts";
import type { Attempt, Expectation } from "./expectation.ts";
import type { StreamState } from "./read-streams.ts";

export interface Batch {
    batchId: number;
    kind: "merge" | "replay";
    merges: ChunkMergeRow[];
    /** Of a merge: the records of its chunks that lie in its slices, in the order of (chunk, record). */
    attempts: Attempt[];
}

export interface ModeOracle {
    /** What the table holds, by key. */
    rows: ReadonlyMap<string, string>;
    follow(batch: Batch): void;
    /** After the last batch. `history`: of the stream's files. */
    end(history: ReadonlyMap<string, PathHistory>): void;
}

export type CreateOracle = (
    expected: Expectation,
    state: StreamState,
    readings: ReadonlyMap<number, Reading[]>,
    maxRecordBytes: number,
) => ModeOracle;
