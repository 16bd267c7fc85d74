/**
 * The mode insert: the first record of a key wins.
 *
 * Whether the row that a foreign key names was there when it was first looked for is the one thing that the model leaves to
 * the run, since batches of two streams come in any order. It takes from the ledger that a record was unknown in some batch,
 * and which replay tried it again. What had to become of it then, and that none is left unknown whose parent is in the
 * table, the model knows.
 */
import { judgeEnd } from "../model/hold-chunks.ts";
import type { RejectRow } from "../model/read-ledger.ts";
import type { Reading } from "../model/read-ranges.ts";
import { type Attempt, count, describe, type Expectation, holdReject, type Outcome } from "./expectation.ts";
import type { CreateOracle } from "./mode-oracle.ts";
import type { ModelStream } from "./model-stream.ts";

export const createInsertOracle: CreateOracle = (expected, { ledger, parents }, readings) => {
    const { stream, violations, counts } = expected;
    const rows = new Map<string, string>();
    const replays = Map.groupBy(ledger.rejects, ({ resolvedBy }) => resolvedBy);
    const readingOf = ({ chunkId, recordNo }: RejectRow) =>
        readings.get(chunkId)?.find((reading) => reading.recordNo === recordNo);

    /** What was replayed is tried as if it came now. */
    function replay(reject: RejectRow, batchId: number): void {
        const { chunkId, recordNo, resolution, reasons } = reject;
        const reading = readingOf(reject);
        const again = expected.rejects.get(`${chunkId}:${recordNo}`)!.find((other) => other.batchId === batchId);
        const outcome = reading ? judge(expected, rows, { chunkId, batchId, reading, reject: again }) : "nothing";
        if (outcome !== resolution)
            violations.push(`${describe(reject)} is resolved as ${resolution}, the model: ${outcome}`);
        if (outcome !== "nothing") count(counts.replay, chunkId, outcome);
        if (Bun.deepEquals(again?.reasons, reasons)) violations.push(`${describe(reject)} was replayed for nothing`);
    }

    return {
        rows,
        follow({ kind, batchId, attempts }) {
            if (kind === "replay") for (const reject of replays.get(batchId) ?? []) replay(reject, batchId);
            for (const attempt of attempts) count(counts.merge, attempt.chunkId, judge(expected, rows, attempt));
        },
        end(history) {
            const standing = new Set<string>();
            for (const reject of ledger.rejects) {
                const isUnknown = stream.parent !== null && reject.reasons.includes(stream.parent.reason);
                if (reject.resolvedBy !== null || !isUnknown) continue;
                const reading = readingOf(reject);
                if (reading?.eventId) standing.add(reading.eventId);
                if (parents.has(reading?.parent ?? ""))
                    violations.push(`${describe(reject)} stands, and ${reading!.parent} is in the table`);
            }
            const isIn = { has: (key: string) => rows.has(key) || standing.has(key) };
            for (const [path, life] of history) violations.push(...judgeEnd(path, life, ledger, isIn));
        },
    };
};

/** What one attempt at a record had to end as. */
function judge(expected: Expectation, rows: Map<string, string>, attempt: Attempt): Outcome {
    const { reading, reject } = attempt;
    const isRejected = reading.eventId === null || (reject?.kind === "rejected" && isUnknown(expected.stream, reject));
    const outcome = isRejected ? "rejected" : settle(rows, reading);
    holdReject(expected, attempt, outcome);
    return outcome;
}

function isUnknown({ parent }: ModelStream, { reasons }: RejectRow): boolean {
    return reasons.length === 1 && reasons[0] === parent?.reason;
}

export function settle(
    rows: Map<string, string>,
    { eventId, content }: Reading,
): "inserted" | "duplicate" | "conflict" {
    const stored = rows.get(eventId!);
    if (stored === undefined) {
        rows.set(eventId!, content!);
        return "inserted";
    }
    return stored === content ? "duplicate" : "conflict";
}
