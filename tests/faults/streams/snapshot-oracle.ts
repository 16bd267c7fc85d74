/**
 * The mode snapshot. From the ledger it takes which files were applied, in what order: that depends on when each was there.
 * That each was one content of its file, whole, that it was within its limits, and what it made of the table, the model knows;
 * and that every other file was left out for a reason that holds.
 */
import { holdsChunk, judgeEnd } from "../model/hold-chunks.ts";
import type { PathHistory } from "../model/make-schedule.ts";
import type { LedgerFileRow } from "../model/read-ledger.ts";
import { type Reading, readRange } from "../model/read-ranges.ts";
import { count, countsOf, holdReject } from "./expectation.ts";
import { cutReaderOf } from "./make-files.ts";
import type { Batch, CreateOracle } from "./mode-oracle.ts";
import { applySnapshot } from "./snapshots.ts";

const allSlices = 0xffff;

export const createSnapshotOracle: CreateOracle = (
    expected,
    { ledger, snapshots, foundAt, copiedAt },
    _,
    maxRecordBytes,
) => {
    const { stream, violations, counts } = expected;
    if (stream.mode.name !== "snapshot") throw new Error(`${stream.name} is no snapshot.`);
    const replacesAll = stream.mode.by.length === 0;
    const readCut = cutReaderOf(stream);
    /** The table after each batch, beginning with the empty one. */
    const tables: ReadonlyMap<string, string>[] = [new Map()];
    const applied: { file: LedgerFileRow; finishedAt: Date; batchId: number }[] = [];
    const chunksOf = ({ merges }: Batch) => {
        const ids = new Set(merges.map(({ chunkId }) => chunkId));
        return ledger.chunks.filter(({ chunkId }) => ids.has(chunkId));
    };

    function follow(batch: Batch): void {
        const { batchId, kind, merges, attempts } = batch;
        const chunks = chunksOf(batch);
        const file = ledger.files.find(({ fileId }) => fileId === chunks[0]!.fileId)!;
        const isWhole =
            kind === "merge" &&
            merges.every(({ slices }) => slices === allSlices) &&
            chunks.length === ledger.chunks.filter(({ fileId }) => fileId === file.fileId).length;
        if (!isWhole) violations.push(`batch ${batchId} is not the whole of ${file.path}`);

        const readings = attempts.map(({ reading }) => reading);
        const outcome = applySnapshot(stream, tables.at(-1)!, readings);
        for (const [index, attempt] of attempts.entries()) {
            holdReject(expected, attempt, outcome.outcomes[index]!);
            count(counts.merge, attempt.chunkId, outcome.outcomes[index]!);
        }
        countsOf(counts.merge, Math.max(...merges.map(({ chunkId }) => chunkId))).removed = outcome.removed.length;
        if (outcome.problem !== null) violations.push(`${file.path} is applied, the model: ${outcome.problem}`);
        const { rowsAfter, finishedAt } = snapshots.find((snapshot) => snapshot.batchId === batchId)!;
        if (rowsAfter !== outcome.rowsAfter)
            violations.push(`batch ${batchId} left ${rowsAfter} rows, the model ${outcome.rowsAfter}`);
        tables.push(outcome.rows);
        applied.push({ file, finishedAt, batchId });
    }

    /** Its chunks are of one content, up to a size that it had when nobody wrote to it. */
    function holdContent({ file }: (typeof applied)[number], history: ReadonlyMap<string, PathHistory>): void {
        const { contents, sizes } = history.get(file.path)!;
        const chunks = ledger.chunks.filter(({ fileId }) => fileId === file.fileId);
        const end = Math.max(...chunks.map(({ endByte }) => endByte));
        const isOne = contents.some((content) => chunks.every((chunk) => holdsChunk(content, chunk)));
        if (!isOne) violations.push(`${file.path} is applied, and no content of it was ever that`);
        if (!sizes.includes(end)) violations.push(`${file.path} is applied with ${end} bytes, it had ${sizes}`);
    }

    function judgeFile(path: string, life: PathHistory): string[] {
        const file = ledger.files.findLast((version) => version.path === path);
        const content = life.contents.at(-1)!;
        const isGood = life.finalBytes > 0 && content.problem === null;
        if (life.isGone || !isGood || !file || !["skipped", "failed"].includes(file.state))
            return judgeEnd(path, life, ledger, { has: () => true });
        const readings = readRange(content, 0, life.finalBytes, maxRecordBytes, readCut);
        const isSo = file.state === "skipped" ? isSkippedRightly(file, life) : isFailedRightly(file, readings);
        return isSo ? [] : [`${path} is ${file.state} for ${file.problem}, and that is not so`];
    }

    function isSkippedRightly(file: LedgerFileRow, { contents, finalBytes }: PathHistory): boolean {
        if (file.problem === "copy") {
            const chunks = ledger.chunks.filter(({ fileId }) => fileId === file.copyOf);
            return (
                applied.some((other) => other.file.fileId === file.copyOf) &&
                chunks.every((chunk) => holdsChunk(contents.at(-1)!, chunk)) &&
                Math.max(...chunks.map(({ endByte }) => endByte)) === finalBytes
            );
        }
        // By one that was applied after it was there, or that was found after it and had been applied by then; or by a copy of the applied.
        const copies = ledger.files.filter(({ fileId, problem }) => problem === "copy" && copiedAt.has(fileId));
        const chosen = [...applied, ...copies.map((copy) => ({ file: copy, finishedAt: copiedAt.get(copy.fileId)! }))];
        const isLater = (other: (typeof chosen)[number]) =>
            other.finishedAt >= foundAt.get(file.fileId)! || other.file.fileId > file.fileId;
        return (
            replacesAll &&
            file.problem === "superseded" &&
            chosen.some((other) => other.file.path >= file.path && isLater(other))
        );
    }

    function isFailedRightly({ problem }: LedgerFileRow, readings: Reading[]): boolean {
        if (readings.length === 0) return problem === "snapshot_empty";
        return tables.some((table) => applySnapshot(stream, table, readings).problem === problem);
    }

    return {
        get rows() {
            return tables.at(-1)!;
        },
        follow,
        end(history) {
            for (const one of applied) holdContent(one, history);
            for (const [path, life] of history) violations.push(...judgeFile(path, life));
        },
    };
};
