/** Records that may go straight into the table, in memory. */
import type { IngestConfig } from "../../config/config.ts";
import type { FileShape } from "../read/file-shape.ts";
import { isColumn } from "../read/file-shape.ts";
import { NOT_PLAIN } from "../read/is-plain.ts";
import { type RecordPiece, recordsOf } from "../read/read-records.ts";
import type { Scanner } from "../read/scan-records.ts";
import { type ScannedRecords, STRICT } from "../read/scanned-records.ts";
import { type CopyBytes, makeRoom } from "./copy-bytes.ts";
import { pathFieldsOf, sliceOfPath } from "./path-fields.ts";
import { type LoadPart, rangeOf, type StagedOutcome } from "./stage-parts.ts";
import { copyOptions, emptyTally, plainCheckOf } from "./stage-records.ts";

const LF = 0x0a;

/**
 * The COPY statement for files of this shape into their table; null where some value would not be stored as a merge stores it: it
 * is changed on the way, not kept, or a default stands in for it.
 */
export function directStatement({ stream, targets, dialect, ...shape }: FileShape): string | null {
    const { direct } = stream;
    // Of one column a line may be `\.`, which ends a COPY, or empty.
    if (direct === null || shape.needsParsing || shape.unnamedFields !== undefined || targets.length < 2) return null;
    const all = [...(shape.pathColumns ?? []).map(({ column }) => column), ...targets];
    const columns = all.map((target) => (isColumn(target) ? direct.columns[target.name] : null));
    if (columns.some((column) => column == null)) return null;
    return `copy ${direct.table} (${columns.join(", ")}) from stdin (${copyOptions(dialect)})`;
}

/**
 * Writes the records of a part to `out`, as COPY reads them. Returns what was read, or null when they are not all plain, or their
 * keys do not rise: a merge inserts in the order of the key, and an index over keys in no order costs more than the merge.
 */
export async function readPlain(
    config: Pick<IngestConfig, "maxRecordBytes">,
    part: LoadPart,
    out: CopyBytes,
    scanner: Scanner,
): Promise<StagedOutcome | null> {
    out.length = 0;
    const isPlain = plainCheckOf(part.shape);
    const tally = emptyTally();
    const sliceInAll = sliceOfPath(part.shape);
    const ofPath = pathFieldsOf(part.shape).values;
    const pieces = recordsOf(part.file, rangeOf(config, part), scanner);
    let next = await pieces.next();
    while (!next.done) {
        const { bytes, records } = next.value;
        if (records.isPadded) return null;
        for (let index = 0; index < records.count; index += 1) {
            if (records.kinds[index] !== STRICT) return null;
            if (isPlain(bytes, records.starts[index]!, records.ends[index]!) === NOT_PLAIN) return null;
            tally.sliceRecords[sliceInAll ?? records.slices[index]!]! += 1;
        }
        if (!keysRise(next.value, part.shape)) return null;
        addRows(bytes, records, ofPath, out);
        next = await pieces.next();
    }
    return next.value.otherHeader === null ? { ...next.value, ...tally } : null;
}

const sampleEvery = 64;
/** A few stragglers cost little. */
const leastRising = 0.9;

/**
 * Whether the first columns of the keys rise, in a sample of the records. By length and bytes: the order of whole numbers, and
 * near enough that of times and ids that are made from them.
 */
function keysRise({ bytes, records }: RecordPiece, { stream, targets, dialect, pathColumns = [] }: FileShape): boolean {
    const inFile = stream.keys.find((key) => !pathColumns.some(({ column }) => column === key));
    // All records have one key: the table refuses them.
    if (inFile === undefined) return true;
    const keyIndex = targets.indexOf(inFile);
    const delimiter = dialect.delimiter.charCodeAt(0);
    let last: Buffer | null = null;
    let pairs = 0;
    let rising = 0;
    for (let index = 0; index < records.count; index += sampleEvery) {
        const end = records.ends[index]!;
        let start = records.starts[index]!;
        for (let field = 0; field < keyIndex; field += 1) start = bytes.indexOf(delimiter, start) + 1;
        const behind = bytes.indexOf(delimiter, start);
        const key = bytes.subarray(start, behind === -1 || behind > end ? end : behind);
        if (last !== null) {
            pairs += 1;
            if ((key.length - last.length || Buffer.compare(key, last)) >= 0) rising += 1;
        }
        last = key;
    }
    return rising >= pairs * leastRising;
}

/** Records that stand one behind the other are copied at once, unless fields go in front of each. */
function addRows(bytes: Buffer, { count, starts, ends }: ScannedRecords, ofPath: Buffer, out: CopyBytes): void {
    let from = 0;
    for (let index = 0; index < count; index += 1) {
        const end = ends[index]!;
        const isBeside = index + 1 < count && starts[index + 1] === end + 1 && bytes[end] === LF;
        if (isBeside && ofPath.length === 0) continue;
        const start = starts[from]!;
        const buffer = makeRoom(out, ofPath.length + end - start + 1);
        ofPath.copy(buffer, out.length);
        out.length += ofPath.length;
        bytes.copy(buffer, out.length, start, end);
        out.length += end - start;
        buffer[out.length++] = LF;
        from = index + 1;
    }
}
