/** What a run has to leave of one stream, as it is worked out batch by batch, whatever the stream's mode. */
import { none } from "../model/hold-chunks.ts";
import type { Outcomes, RejectRow } from "../model/read-ledger.ts";
import type { Reading } from "../model/read-ranges.ts";
import type { ModelStream } from "./model-stream.ts";

export type Outcome = Exclude<keyof Outcomes, "read" | "removed">;
type Counted = Map<number, Outcomes>;

export interface Expectation {
    stream: ModelStream;
    violations: string[];
    /** By chunk. */
    counts: { merge: Counted; replay: Counted };
    /** The rejects of each record, in the order of their batches. */
    rejects: Map<string, RejectRow[]>;
    /** Those of them that the model asked for. */
    wanted: Set<RejectRow>;
}

/** One try at a record, with the reject that came of it, if one did. */
export interface Attempt {
    chunkId: number;
    batchId: number;
    reading: Reading;
    reject: RejectRow | undefined;
}

export function createExpectation(stream: ModelStream, rejects: RejectRow[], violations: string[]): Expectation {
    return {
        stream,
        violations,
        counts: { merge: new Map(), replay: new Map() },
        rejects: Map.groupBy(rejects, ({ chunkId, recordNo }) => `${chunkId}:${recordNo}`),
        wanted: new Set(),
    };
}

/** That the reject, or that there is none, is what follows from the outcome. */
export function holdReject(
    { stream, wanted, violations }: Expectation,
    attempt: Attempt,
    outcome: Outcome | null,
): void {
    const { chunkId, reading, reject } = attempt;
    if (reject) wanted.add(reject);
    const isKept = outcome === "rejected" || outcome === "conflict";
    const reasons = isKept ? allowedReasons(stream, reading, outcome) : [];
    const isSaid = reject ? reasons.some((allowed) => sameSet(allowed, reject.reasons)) : reasons.length === 0;
    const hasValues = !reject || reading.record === null || keepsValues(reject.record, reading.record);
    if (!(isSaid || (reject && reading.reasons === null)) || !hasValues || (reject && reject.kind !== outcome)) {
        const found = reject ? JSON.stringify(reject) : "no reject";
        const place = `${chunkId}:${reading.recordNo}`;
        violations.push(`record ${place} has ${found}, the model ${outcome ?? "none"} ${JSON.stringify(reading)}`);
    }
}

/** Beside a broken CHECK the parent may be missing, too. */
function allowedReasons({ keys, parent }: ModelStream, reading: Reading, outcome: "rejected" | "conflict"): string[][] {
    if (outcome === "conflict") return [[`${keys.join("_")}_conflict`]];
    const unknown = reading.parent === null ? [] : [parent!.reason];
    if (reading.eventId !== null) return [unknown];
    return [reading.reasons ?? [], [...(reading.reasons ?? []), ...unknown]];
}

function sameSet(a: string[], b: string[]): boolean {
    return Bun.deepEquals(a.toSorted(), b.toSorted());
}

/** Whether a kept record has these raw values. */
export function keepsValues(record: RejectRow["record"], values: Record<string, string | null>): boolean {
    const bare = (value: string | null | undefined) => value?.trim() ?? "";
    return Object.entries(values).every(([column, value]) => bare(record?.[column]) === bare(value));
}

export function count(counts: Counted, chunkId: number, outcome: Outcome): void {
    const ofChunk = countsOf(counts, chunkId);
    ofChunk.read += 1;
    ofChunk[outcome] += 1;
}

export function countsOf(counts: Counted, chunkId: number): Outcomes {
    const ofChunk = counts.get(chunkId) ?? none();
    counts.set(chunkId, ofChunk);
    return ofChunk;
}

export function describe({ chunkId, recordNo, batchId, kind, reasons }: RejectRow): string {
    return `${chunkId}:${recordNo} of batch ${batchId}, ${kind} for ${reasons}`;
}
