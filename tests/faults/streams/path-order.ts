/**
 * What the files of an undisturbed run come to, from their bytes alone: in the order of paths, as one sequence of records. No ledger,
 * no batches and no workers: whatever these are, the table is this one, and so are the sums that must not depend on them.
 */
import type { Content } from "../../support/random-files.ts";
import { none } from "../model/hold-chunks.ts";
import type { PathHistory } from "../model/make-schedule.ts";
import type { Outcomes } from "../model/read-ledger.ts";
import { type Reading, readRange } from "../model/read-ranges.ts";
import { settle } from "./insert-oracle.ts";
import type { ModelMode, ModelStream } from "./model-stream.ts";
import type { StreamState } from "./read-streams.ts";
import { applySnapshot } from "./snapshots.ts";
import { createUpserts } from "./upserts.ts";

interface Foreseen {
    rows: ReadonlyMap<string, string>;
    sums: Record<string, number>;
}

type Foresee = (stream: ModelStream, files: Reading[][]) => Foreseen;

const foreseeInserts: Foresee = (_, files) => {
    const rows = new Map<string, string>();
    const sums = none();
    for (const reading of files.flat()) sums[reading.eventId === null ? "rejected" : settle(rows, reading)] += 1;
    return { rows, sums: { ...sums, read: files.flat().length } };
};

/** How many are inserted, updated, superseded or deleted depends on batches; how many rows that leaves, and all else, does not. */
const foreseeUpserts: Foresee = (stream, files) => {
    const upserts = createUpserts(stream);
    const sums = { read: 0, duplicate: 0, conflict: 0, rejected: 0, changes: 0 };
    for (const { eventId, content } of files.flat()) {
        sums.read += 1;
        const place = { chunkId: 0, recordNo: sums.read };
        const met = eventId === null ? "rejected" : upserts.meet(eventId, content!, place, false);
        sums[met === "change" || met === "superseded" ? "changes" : met] += 1;
    }
    return { rows: upserts.rows, sums: { ...sums, rows: upserts.rows.size, removed: 0 } };
};

/** Of whole tables the last one that is within its limits; of slices one after the other. */
const foreseeSnapshots: Foresee = (stream, files) => {
    const replacesAll = stream.mode.name === "snapshot" && stream.mode.by.length === 0;
    const sums = none();
    let rows: ReadonlyMap<string, string> = new Map();
    for (const readings of replacesAll ? files.toReversed() : files) {
        const applied = applySnapshot(stream, rows, readings);
        if (readings.length === 0 || applied.problem !== null) continue;
        rows = applied.rows;
        sums.read += readings.length;
        sums.removed += applied.removed.length;
        for (const outcome of applied.outcomes) sums[outcome] += 1;
        if (replacesAll) break;
    }
    return { rows, sums: { ...sums } };
};

const foresee: Record<ModelMode["name"], Foresee> = {
    insert: foreseeInserts,
    upsert: foreseeUpserts,
    snapshot: foreseeSnapshots,
};

/** Which lines find their order depends on the batches of two streams: a stream with a foreign key is not foreseen. */
export function holdToPathOrder(
    stream: ModelStream,
    history: ReadonlyMap<string, PathHistory>,
    maxRecordBytes: number,
    state: StreamState,
): string[] {
    if (stream.parent !== null) return [];
    const contents = [...history]
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([, life]) => life.contents.at(-1)!)
        .filter(({ problem }) => problem === null);
    const files = withoutCopies(stream, contents).map((content) =>
        readRange(content, 0, content.bytes.length, maxRecordBytes),
    );
    const { rows, sums } = foresee[stream.mode.name](stream, files);
    const found = sumsOf(state, sums);
    const violations = Bun.deepEquals(found, sums)
        ? []
        : [`undisturbed it counts ${JSON.stringify(found)}, the order of paths ${JSON.stringify(sums)}`];
    const isSame =
        rows.size === state.rows.size && [...rows].every(([key, content]) => state.rows.get(key) === content);
    return isSame ? violations : [...violations, "undisturbed its table is not that of the order of paths"];
}

function withoutCopies({ mode }: ModelStream, contents: Content[]): Content[] {
    const known = new Set<string>();
    const isOrdered = mode.name === "snapshot" || (mode.name === "upsert" && mode.version === null);
    return contents.filter(({ bytes }) => {
        const print = String(Bun.hash(bytes));
        // Where the later record is the newer, what comes again is news; a snapshot that comes again is one like another.
        const isCopy = known.has(print) && !isOrdered;
        known.add(print);
        return !isCopy;
    });
}

/** Those of them that the model foresees. */
function sumsOf({ ledger }: StreamState, foreseen: Record<string, number>): Record<string, number> {
    const total = none();
    for (const merge of ledger.merges)
        for (const key of Object.keys(total) as (keyof Outcomes)[]) total[key] += merge[key];
    const { inserted, updated, superseded, deleted } = total;
    const sums: Record<string, number> = {
        ...total,
        rows: inserted - deleted,
        changes: inserted + updated + superseded + deleted,
    };
    return Object.fromEntries(Object.keys(foreseen).map((key) => [key, sums[key]!]));
}
