/** What holds for the chunks and files of any stream, whatever their records are. */
import type { Content } from "../../support/random-files.ts";
import type { PathHistory } from "./make-schedule.ts";
import type { ChunkMergeRow, LedgerChunkRow, LedgerFileRow, Outcomes, StreamLedger } from "./read-ledger.ts";
import { hashOfRange, isBoundary, type Reading, recordNoAt } from "./read-ranges.ts";

const allSlices = 0xffff;

export const none = (): Outcomes => ({
    ...{ read: 0, inserted: 0, updated: 0, duplicate: 0, superseded: 0 },
    ...{ deleted: 0, conflict: 0, rejected: 0, removed: 0 },
});

/** What the chunks of a file that come before one have read of it. */
export interface ReadBefore {
    endByte: number;
    lastRecordNo: number;
}

/** What each chunk that is merged, in part or whole, holds by the model; and where the chunks are not those of the files. */
export function readMergedChunks(
    history: ReadonlyMap<string, PathHistory>,
    ledger: Pick<StreamLedger, "files" | "chunks" | "merges">,
    readChunk: (content: Content, chunk: LedgerChunkRow, before: ReadBefore) => Reading[],
): { readings: Map<number, Reading[]>; violations: string[] } {
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
        for (const [index, chunk] of chunks.entries()) {
            const content = contentOf(path, chunk);
            if (content === null) {
                violations.push(`${describe(file, chunk)} is of bytes that were never in the file`);
                continue;
            }
            const read = readChunk(content, chunk, readBefore(chunks[index - 1]));
            if (read.length !== chunk.records) {
                violations.push(`${describe(file, chunk)} has ${chunk.records} records, the model ${read.length}`);
            }
            if (merged.has(chunk.chunkId)) readings.set(chunk.chunkId, read);
        }
    }
    return { readings, violations };
}

export function readBefore(previous: LedgerChunkRow | undefined): ReadBefore {
    if (previous === undefined) return { endByte: 0, lastRecordNo: 0 };
    return { endByte: previous.endByte, lastRecordNo: previous.firstRecordNo + previous.records - 1 };
}

function describe({ path, version }: LedgerFileRow, { chunkId, firstByte, endByte }: LedgerChunkRow): string {
    return `chunk ${chunkId} (${path} version ${version}, bytes ${firstByte} to ${endByte})`;
}

/** The content that has these very bytes at this place; of several the latest. */
function contentOf({ contents }: PathHistory, chunk: LedgerChunkRow): Content | null {
    return contents.findLast((content) => holdsChunk(content, chunk)) ?? null;
}

export function holdsChunk(content: Content, chunk: LedgerChunkRow): boolean {
    return (
        content.problem === null &&
        hashOfRange(content, chunk.firstByte, chunk.endByte) === chunk.contentHash &&
        isBoundary(content, chunk.firstByte) &&
        recordNoAt(content, chunk.firstByte) === chunk.firstRecordNo
    );
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

/** Chunks of a version that was replaced before all of its slices were merged: their rejects may be some or all. */
export function findPartial(
    slicesDone: ReadonlyMap<number, number>,
    ledger: Pick<StreamLedger, "chunks">,
    violations: string[],
): Set<number> {
    const partial = new Set<number>();
    for (const { chunkId, state } of ledger.chunks) {
        const done = slicesDone.get(chunkId) ?? 0;
        if (done !== 0 && done !== allSlices) partial.add(chunkId);
        if ((state === "merged") !== (done === allSlices)) {
            violations.push(`chunk ${chunkId} is ${state}, and its merged slices are ${done.toString(16)}`);
        }
    }
    return partial;
}

export function compareCounts(
    expected: ReadonlyMap<number, Outcomes>,
    partial: ReadonlySet<number>,
    merges: readonly ChunkMergeRow[],
    violations: string[],
): void {
    const actual = new Map<number, Outcomes>();
    for (const merge of merges) {
        const sum = actual.get(merge.chunkId) ?? none();
        for (const key of Object.keys(sum) as (keyof Outcomes)[]) sum[key] += merge[key];
        actual.set(merge.chunkId, sum);
    }
    for (const [chunkId, counts] of actual) {
        const wanted = expected.get(chunkId) ?? none();
        if (!partial.has(chunkId) && !Bun.deepEquals(counts, wanted)) {
            violations.push(`chunk ${chunkId} counts ${JSON.stringify(counts)}, the model ${JSON.stringify(wanted)}`);
        }
    }
}

/** All that the folder holds in the end is in: every valid id is an event, every bad file says why. */
export function judgeEnd(
    path: string,
    { contents, finalBytes, isGone }: PathHistory,
    ledger: Pick<StreamLedger, "files">,
    isIn: { has(eventId: string): boolean },
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
        if (fate.kind === "valid" && end <= finalBytes && !isIn.has(fate.eventId)) {
            violations.push(`${path}: ${fate.eventId} is in the file and not in the table`);
        }
    }
    return violations;
}
