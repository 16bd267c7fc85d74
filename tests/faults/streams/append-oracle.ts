/**
 * The mode append. The table says of no record whether it is in, so the model asks the ledger's chunks for more than of other modes:
 * that no byte was read twice but those of a line that went on, that a file is read again only where its bytes have changed and its
 * stream lets it, and that of two files with one content one was read.
 */
import { holdsChunk, judgeEnd, readBefore } from "../model/hold-chunks.ts";
import type { PathHistory } from "../model/make-schedule.ts";
import type { LedgerChunkRow, LedgerFileRow } from "../model/read-ledger.ts";
import { createAppends } from "./appends.ts";
import { type Attempt, count, holdReject } from "./expectation.ts";
import type { CreateOracle } from "./mode-oracle.ts";

type Histories = ReadonlyMap<string, PathHistory>;

export const createAppendOracle: CreateOracle = (expected, { ledger }) => {
    const { stream, violations, counts } = expected;
    if (stream.mode.name !== "append") throw new Error(`${stream.name} does not append.`);
    const { rewritten, copies, once } = stream.mode;
    const appends = createAppends(stream);
    const chunksOf = ({ fileId }: LedgerFileRow) => ledger.chunks.filter((chunk) => chunk.fileId === fileId);

    function settle(attempt: Attempt): void {
        const { reading, reject, chunkId } = attempt;
        const outcome = appends.meet(reading);
        const isRefused = outcome === "rejected" && reading.eventId !== null;
        const judged = isRefused ? { ...reading, eventId: null, reasons: [`${once!.index}_taken`] } : reading;
        holdReject(expected, { ...attempt, reading: judged }, outcome === "rejected" ? outcome : null);
        const isTail = reading.reasons?.[0] === "tail_continued";
        if (isTail && reject && reject.rawText !== reading.rawText)
            violations.push(`${chunkId}:${reading.recordNo} keeps ${reject.rawText}, the line is ${reading.rawText}`);
        count(counts.merge, chunkId, outcome);
    }

    /** A record that was whole when it was taken is taken for good: reading goes on behind it, whether or not its line end was there. */
    function findReadTwice(file: LedgerFileRow, { contents }: PathHistory): string[] {
        const chunks = chunksOf(file);
        return chunks.flatMap((chunk, index) => {
            const { endByte, lastRecordNo } = readBefore(chunks[index - 1]);
            if (chunk.firstByte >= endByte || chunk.firstRecordNo > lastRecordNo) return [];
            const record = contents.findLast((content) => holdsChunk(content, chunk))?.records[chunk.firstRecordNo - 1];
            const isSo = chunk.firstRecordNo === lastRecordNo && record !== undefined && record.end > endByte;
            return isSo ? [] : [`chunk ${chunk.chunkId} of ${file.path} reads again what was whole`];
        });
    }

    /** As many versions as its bytes have changed, or it has become shorter, at most; of a stream that refuses such a file one. */
    function findVersions(path: string, { contents, sizes }: PathHistory): string[] {
        const changes = contents.length - 1 + sizes.filter((size, index) => size < (sizes[index - 1] ?? 0)).length;
        const most = 1 + (rewritten === "again" ? changes : 0);
        const versions = ledger.files.filter((file) => file.path === path && chunksOf(file).length > 0);
        return versions.length > most ? [`${path} was read in ${versions.length} versions, of ${most} at most`] : [];
    }

    /** Ids of chunks are given when a load begins, after it was asked whether its files are copies. */
    function findReadCopies(history: Histories): string[] {
        if (copies === "again") return [];
        const whole = ledger.files.flatMap((file) => {
            const chunks = chunksOf(file);
            const { contents = [], sizes = [] } = history.get(file.path) ?? {};
            const content = contents.find((one) => isWholeOf(one, chunks));
            // What came in pieces was perhaps read before it was equal to anything.
            if (sizes.some((size) => size < (content?.bytes.length ?? 0))) return [];
            return content && chunks.every(({ state }) => state !== "failed") ? [{ file, chunks, content }] : [];
        });
        return whole.flatMap(({ file, chunks, content }) => {
            const earlier = whole.find(
                (other) =>
                    other.file.path !== file.path &&
                    other.content.bytes.equals(content.bytes) &&
                    other.chunks.at(-1)!.chunkId < chunks[0]!.chunkId,
            );
            const bytes = chunks.map(({ firstByte, endByte }) => `${firstByte} to ${endByte}`).join(", ");
            return earlier
                ? [`${file.path} was read (${bytes}), and ${earlier.file.path} had been, with the same content`]
                : [];
        });
    }

    function judgeFile(path: string, life: PathHistory, history: Histories): string[] {
        const versions = ledger.files.filter((file) => file.path === path);
        const found = [...versions.flatMap((file) => findReadTwice(file, life)), ...findVersions(path, life)];
        const file = versions.at(-1);
        const { contents, finalBytes, isGone } = life;
        const content = contents.at(-1)!;
        const isGood = finalBytes > 0 && content.problem === null;
        if (isGone || !isGood || file === undefined || file.state === "pending")
            return [...found, ...judgeEnd(path, life, ledger, { has: () => true })];
        const isThere = (chunk: LedgerChunkRow) => chunk.endByte <= finalBytes && holdsChunk(content, chunk);
        const isUnchanged = chunksOf(file).every(isThere);
        switch (file.state) {
            case "failed":
                if (rewritten === "refuse" && file.problem === "rewritten_append" && !isUnchanged) return found;
                break;
            case "skipped": {
                const original = ledger.files.find(({ fileId }) => fileId === file.copyOf);
                const chunks = original ? chunksOf(original) : [];
                // Of a header alone no chunk tells: the original may have grown since then.
                const had = history.get(original?.path ?? "")?.contents ?? [];
                const isCopy =
                    content.records.length === 0
                        ? had.some(({ bytes }) =>
                              bytes.subarray(0, finalBytes).equals(content.bytes.subarray(0, finalBytes)),
                          )
                        : chunks.every(isThere) && chunks.at(-1)?.endByte === finalBytes;
                if (copies === "skip" && original?.path !== path && isCopy) return found;
                break;
            }
            default:
                if (isUnchanged) return [...found, ...judgeEnd(path, life, ledger, { has: () => true })];
        }
        return [...found, `${path} is ${file.state} ${file.problem ?? ""}, and that is not so`];
    }

    return {
        rows: appends.rows,
        follow(batch) {
            if (batch.kind === "replay") violations.push(`batch ${batch.batchId} is a replay that nothing asked for`);
            for (const attempt of batch.attempts) settle(attempt);
        },
        end(history) {
            violations.push(...findReadCopies(history));
            for (const [path, life] of history) violations.push(...judgeFile(path, life, history));
        },
    };
};

function isWholeOf(content: Parameters<typeof holdsChunk>[0], chunks: LedgerChunkRow[]): boolean {
    return chunks.at(-1)?.endByte === content.bytes.length && chunks.every((chunk) => holdsChunk(content, chunk));
}
