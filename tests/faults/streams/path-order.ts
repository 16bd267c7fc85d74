/**
 * What the files of an undisturbed run come to, from their bytes alone: in the order of paths, as one sequence of records. No ledger,
 * no batches and no workers: whatever these are, the table is this one, and so are the sums that must not depend on them.
 */
import { none } from "../model/hold-chunks.ts";
import type { PathHistory } from "../model/make-schedule.ts";
import type { Outcomes } from "../model/read-ledger.ts";
import { type Reading, readRange } from "../model/read-ranges.ts";
import { createAppends } from "./appends.ts";
import { settle } from "./insert-oracle.ts";
import type { ModelMode, ModelStream } from "./model-stream.ts";
import type { StreamState } from "./read-streams.ts";
import { applySnapshot } from "./snapshots.ts";
import { createUpserts } from "./upserts.ts";

interface Foreseen {
    rows: ReadonlyMap<string, string>;
    sums: Record<string, number>;
}

interface WholeFile {
    /** Equal for files of the same bytes. */
    print: string;
    readings: Reading[];
}

type Foresee = (stream: ModelStream, files: WholeFile[]) => Foreseen;

const readingsOf = (files: WholeFile[]) => files.flatMap(({ readings }) => readings);

const foreseeInserts: Foresee = (_, files) => {
    const rows = new Map<string, string>();
    const sums = none();
    const all = readingsOf(files);
    for (const reading of all) sums[reading.eventId === null ? "rejected" : settle(rows, reading)] += 1;
    return { rows, sums: { ...sums, read: all.length } };
};

/** How many are inserted, updated, superseded or deleted depends on batches; how many rows that leaves, and all else, does not. */
const foreseeUpserts: Foresee = (stream, files) => {
    const upserts = createUpserts(stream);
    const sums = { read: 0, duplicate: 0, conflict: 0, rejected: 0, changes: 0 };
    for (const { eventId, content } of readingsOf(files)) {
        sums.read += 1;
        const place = { chunkId: 0, recordNo: sums.read };
        const met = eventId === null ? "rejected" : upserts.meet(eventId, content!, place, false);
        sums[met === "change" || met === "superseded" ? "changes" : met] += 1;
    }
    return { rows: upserts.rows, sums: { ...sums, rows: upserts.rows.size, removed: 0 } };
};

/**
 * Of whole tables the last one that is within its limits; of slices one after the other, but for one that repeats the one applied
 * before it.
 */
const foreseeSnapshots: Foresee = (stream, files) => {
    const replacesAll = stream.mode.name === "snapshot" && stream.mode.by.length === 0;
    const sums = none();
    let rows: ReadonlyMap<string, string> = new Map();
    let latest: string | null = null;
    for (const { print, readings } of replacesAll ? files.toReversed() : files) {
        const applied = applySnapshot(stream, rows, readings);
        if (readings.length === 0 || applied.problem !== null || print === latest) continue;
        latest = print;
        rows = applied.rows;
        sums.read += readings.length;
        sums.removed += applied.removed.length;
        for (const outcome of applied.outcomes) sums[outcome] += 1;
        if (replacesAll) break;
    }
    return { rows, sums: { ...sums } };
};

const foreseeAppends: Foresee = (stream, files) => {
    const appends = createAppends(stream);
    const sums = none();
    const all = readingsOf(files);
    for (const reading of all) sums[appends.meet(reading)] += 1;
    return { rows: appends.rows, sums: { ...sums, read: all.length } };
};

const foresee: Record<ModelMode["name"], Foresee> = {
    insert: foreseeInserts,
    upsert: foreseeUpserts,
    snapshot: foreseeSnapshots,
    append: foreseeAppends,
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
    const files = contents.map((content) => ({
        print: String(Bun.hash(content.bytes)),
        readings: readRange(content, 0, content.bytes.length, maxRecordBytes),
    }));
    const { rows, sums } = foresee[stream.mode.name](stream, withoutCopies(stream, files));
    const found = sumsOf(state, sums);
    const violations = Bun.deepEquals(found, sums)
        ? []
        : [`undisturbed it counts ${JSON.stringify(found)}, the order of paths ${JSON.stringify(sums)}`];
    const isSame =
        rows.size === state.rows.size && [...rows].every(([key, content]) => state.rows.get(key) === content);
    return isSame ? violations : [...violations, "undisturbed its table is not that of the order of paths"];
}

function withoutCopies({ mode }: ModelStream, files: WholeFile[]): WholeFile[] {
    const isOrdered = mode.name === "upsert" && mode.version === null;
    const isAgain = mode.name === "append" && mode.copies === "again";
    // Where the later record is the newer, what comes again is news; and a snapshot is compared with the latest alone.
    if (isOrdered || isAgain || mode.name === "snapshot") return files;
    return files.filter(({ print }, index) => files.findIndex((file) => file.print === print) === index);
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
