/**
 * The records of all files of a run, one after the other: a pure function of the options, except that event
 * timestamps follow the seconds that the caller passes in.
 */
import { makeValuesAwkward, toAwkwardLine } from "./awkward-records.ts";
import { toDirtyLine } from "./dirty-records.ts";
import { type EventRecord, headerLine, toLine, toValues } from "./event-record.ts";
import type { GeneratorOptions } from "./options.ts";
import type { Random } from "./random.ts";
import { createSessions } from "./sessions.ts";

type RecordStreamOptions = Pick<GeneratorOptions, "dirtyRatio" | "duplicateRatio" | "lateRatio"> & { random: Random };

/** Gives the next record as a CSV line in bytes, one character per byte (latin1), with its line end. */
export type NextRecord = (seconds: number) => string;

/** Duplicates repeat one of so many latest records: enough to reach back many small files, and bounded. */
const rememberedRecords = 4_096;
/** The share of duplicates that differ in one value. */
const conflictShare = 0.25;
/** In dirty input, how many of the valid records are hard to read. */
const awkwardShare = 0.1;

export function createRecordStream(options: RecordStreamOptions): NextRecord {
    const { random, dirtyRatio, duplicateRatio, lateRatio } = options;
    const nextEvent = createSessions({ random, lateRatio });
    // From other visits, so that valid records make whole visits.
    const nextSpoiled = createSessions({ random, lateRatio: 0 });
    const remembered = createRing(duplicateRatio > 0 ? rememberedRecords : 0);
    const isDirtyRun = dirtyRatio > 0;

    const toValidLine = (record: EventRecord) =>
        isDirtyRun && random.chance(awkwardShare) ? toAwkwardLine(random, record) : toLine(toValues(record));

    return (seconds) => {
        const draw = random.fraction();
        if (draw < dirtyRatio) return toDirtyLine(random, toValues(nextSpoiled(seconds)));

        const original = draw < dirtyRatio + duplicateRatio ? remembered.draw(random) : null;
        if (original) return toValidLine(random.chance(conflictShare) ? contradict(random, original) : original);

        const event = nextEvent(seconds);
        const record = isDirtyRun && random.chance(awkwardShare) ? makeValuesAwkward(random, event) : event;
        remembered.add(record);
        return toValidLine(record);
    };
}

/** The latest `size` records. */
function createRing(size: number) {
    const records: EventRecord[] = [];
    let added = 0;
    return {
        add(record: EventRecord): void {
            if (size > 0) records[added++ % size] = record;
        },
        /** Any of them, or null while there are none. */
        draw: (random: Random): EventRecord | null => (records.length > 0 ? random.pick(records) : null),
    };
}

/** One other value each; still valid. */
const contradictions: ((record: EventRecord) => Partial<EventRecord>)[] = [
    ({ eventType }) => ({ eventType: eventType === "view" ? "add_to_cart" : "view" }),
    ({ productId }) => ({ productId: `${productId}b` }),
    ({ userId }) => ({ userId: `${userId}b` }),
    ({ eventSeconds }) => ({ eventSeconds: Math.max(0, eventSeconds - 1) }),
    ({ quantity }) => ({ quantity: String(Number(quantity) + 1) }),
    ({ price }) => ({ price: (Number(price) + 0.01).toFixed(2) }),
];

function contradict(random: Random, record: EventRecord): EventRecord {
    return { ...record, ...random.pick(contradictions)(record) };
}

export interface FileTextOptions {
    nextRecord: NextRecord;
    records: number;
    /** The moment of the file: its records lie in the span before it, the last one at it. */
    fileSeconds: number;
    spanSeconds: number;
}

const pieceBytes = 256 * 1024;

/** The bytes of one file, header first, in pieces of about 256 KiB. */
export function* generateFile({ nextRecord, records, fileSeconds, spanSeconds }: FileTextOptions): Generator<Buffer> {
    let text = headerLine;
    for (let index = 1; index <= records; index++) {
        const ageSeconds = Math.floor((spanSeconds * (records - index)) / records);
        text += nextRecord(Math.max(0, fileSeconds - ageSeconds));
        if (text.length >= pieceBytes) {
            yield Buffer.from(text, "latin1");
            text = "";
        }
    }
    if (text.length > 0) yield Buffer.from(text, "latin1");
}
