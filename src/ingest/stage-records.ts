/**
 * From scanned records to the bytes of a COPY into ingest.staging. Pure. Two ways, one result:
 *
 * Raw: a strict record's own bytes, behind its load, chunk and record number (which also keeps a `\.` line from being
 * the end of data). A record that cannot be split becomes a row of its problem, between its untouched neighbours.
 * Tolerant: csv-parse takes every value out, and COPY's text format carries them. Slower by five times; for what raw
 * cannot carry.
 */
import { isUtf8 } from "node:buffer";
import { parse } from "csv-parse/sync";
import { eventColumns } from "../contract.ts";
import type { FileShape } from "./read-header.ts";
import { recordKinds, type ScannedRecords, STRICT_QUOTED } from "./scan-records.ts";

export type Way = "raw" | "tolerant";

/** Which staged rows these are, and where their first byte stands in the file. */
export interface StagingPlace {
    loadId: number;
    chunkId: number;
    /** Of the first of the records. */
    firstRecordNo: number;
    firstLineNo: number;
    firstByte: number;
}

/** A reject keeps at most so much of a record that cannot be split. */
const maxRawTextBytes = 16 * 1024;

const keyColumns = ["load_id", "chunk_id", "record_no", "slice_no", "problem"];

/** The COPY statement for files of this shape. Files of one statement can share a load. */
export function copyStatement(shape: FileShape, way: Way): string {
    if (way === "tolerant") {
        const columns = [...keyColumns, ...eventColumns, "attributes"].join(", ");
        return `copy ingest.staging (${columns}) from stdin`;
    }
    let extraNo = 0;
    const columns = shape.targets.map((target) => {
        if (target !== null) return target;
        extraNo += 1;
        return `extra_${extraNo}`;
    });
    return `copy ingest.staging (${[...keyColumns, ...columns].join(", ")}) from stdin (format csv)`;
}

/** The COPY bytes of all `records` of `bytes`, by the given way. */
export function stageRecords(
    bytes: Buffer,
    records: ScannedRecords,
    shape: FileShape,
    place: StagingPlace,
    way: Way,
): Buffer {
    return way === "raw" ? stageRaw(bytes, records, shape, place) : stageTolerant(bytes, records, shape, place);
}

function stageRaw(bytes: Buffer, records: ScannedRecords, shape: FileShape, place: StagingPlace): Buffer {
    const { count, starts, ends, kinds, slices } = records;
    const prefix = Buffer.from(`${place.loadId},${place.chunkId},`);
    const problems = new Map<number, Buffer>();
    // A record number, a slice, the empty problem, their commas and the line feed take 23 bytes at the most.
    let capacity = count * (prefix.length + 23) + records.consumedBytes;
    for (let index = 0; index < count; index += 1) {
        if (kinds[index]! <= STRICT_QUOTED) continue;
        const problem = problemRow(bytes, records, index, shape, place);
        problems.set(index, problem);
        capacity += problem.length;
    }
    const out = Buffer.allocUnsafe(capacity);
    let at = 0;
    for (let index = 0; index < count; index += 1) {
        at += prefix.copy(out, at);
        at = writeDigits(out, at, place.firstRecordNo + index);
        out[at++] = 0x2c;
        at = writeDigits(out, at, slices[index]!);
        out[at++] = 0x2c;
        const problem = problems.get(index);
        if (problem) {
            at += problem.copy(out, at);
        } else {
            out[at++] = 0x2c;
            at += bytes.copy(out, at, starts[index], ends[index]);
        }
        out[at++] = 0x0a;
    }
    return out.subarray(0, at);
}

function writeDigits(out: Buffer, at: number, value: number): number {
    let end = at + 1;
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) end += 1;
    let rest = value;
    for (let position = end - 1; position >= at; position -= 1) {
        out[position] = 0x30 + (rest % 10);
        rest = Math.floor(rest / 10);
    }
    return end;
}

/** The problem as a quoted CSV field, and an empty field for every column of the file. */
function problemRow(
    bytes: Buffer,
    records: ScannedRecords,
    index: number,
    shape: FileShape,
    place: StagingPlace,
): Buffer {
    const problem = problemJson(bytes, records, index, place).replaceAll('"', '""');
    return Buffer.from(`"${problem}"${",".repeat(shape.targets.length)}`);
}

function problemJson(bytes: Buffer, records: ScannedRecords, index: number, place: StagingPlace): string {
    const start = records.starts[index]!;
    return JSON.stringify({
        reason: recordKinds[records.kinds[index]!],
        line: place.firstLineNo + records.lines[index]!,
        byte: place.firstByte + start,
        raw: readableText(bytes.subarray(start, records.ends[index])),
    });
}

/** The text of any bytes: what is no UTF-8, and NUL, as \xNN; cut with … at 16 KiB. */
export function readableText(record: Buffer): string {
    const bounded = record.length > maxRawTextBytes ? record.subarray(0, cutBefore(record, maxRawTextBytes)) : record;
    const ellipsis = record.length > maxRawTextBytes ? "…" : "";
    if (isUtf8(bounded)) return bounded.toString("utf8").replaceAll("\0", "\\x00") + ellipsis;
    let text = "";
    let at = 0;
    while (at < bounded.length) {
        const width = [1, 2, 3, 4].find((candidate) => isUtf8(bounded.subarray(at, at + candidate)));
        const character = width ? bounded.toString("utf8", at, at + width) : "";
        text += character && character !== "\0" ? character : `\\x${bounded[at]!.toString(16).padStart(2, "0")}`;
        at += width ?? 1;
    }
    return text + ellipsis;
}

/** The last place up to `at` that is not within a character. */
function cutBefore(record: Buffer, at: number): number {
    let end = at;
    while (end > at - 3 && (record[end]! & 0xc0) === 0x80) end -= 1;
    return end;
}

function stageTolerant(bytes: Buffer, records: ScannedRecords, shape: FileShape, place: StagingPlace): Buffer {
    const rows = splitStrictRecords(bytes, records);
    const lines: string[] = [];
    let rowNo = 0;
    for (let index = 0; index < records.count; index += 1) {
        const key = `${place.loadId}\t${place.chunkId}\t${place.firstRecordNo + index}\t${records.slices[index]}\t`;
        if (records.kinds[index]! <= STRICT_QUOTED) {
            lines.push(`${key}\\N\t${tolerantFields(rows[rowNo]!, shape)}\n`);
            rowNo += 1;
        } else {
            const problem = escapeText(problemJson(bytes, records, index, place));
            lines.push(`${key}${problem}${"\t\\N".repeat(eventColumns.length + 1)}\n`);
        }
    }
    return Buffer.from(lines.join(""));
}

/** csv-parse on the strict records alone: it must find exactly these, or the scanner and it disagree on CSV. */
function splitStrictRecords(bytes: Buffer, records: ScannedRecords): (string | null)[][] {
    const pieces: Buffer[] = [];
    const lineFeed = Buffer.from("\n");
    for (let index = 0; index < records.count; index += 1) {
        if (records.kinds[index]! > STRICT_QUOTED) continue;
        pieces.push(bytes.subarray(records.starts[index], records.ends[index]), lineFeed);
    }
    const rows: (string | null)[][] = parse(Buffer.concat(pieces), {
        record_delimiter: "\n",
        relax_column_count: true,
        // As COPY reads them on the raw way: nothing is null, "" is an empty text. A reject shows which it was.
        cast: (value, { quoting }) => (value === "" && !quoting ? null : value),
    });
    if (rows.length !== pieces.length / 2) {
        throw new Error(`csv-parse found ${rows.length} records where the scanner found ${pieces.length / 2}`);
    }
    return rows;
}

function tolerantFields(values: (string | null)[], shape: FileShape): string {
    const known = eventColumns.map((column) => {
        const value = values[shape.targets.indexOf(column)] ?? null;
        return value === null ? "\\N" : escapeText(value);
    });
    if (!shape.extraColumns) return [...known, "\\N"].join("\t");
    const attributes = shape.targets.flatMap((target, position) => {
        const value = trimAsciiSpace(values[position] ?? "");
        return target === null && value !== "" ? [[shape.header[position]!, value]] : [];
    });
    return [...known, escapeText(JSON.stringify(Object.fromEntries(attributes)))].join("\t");
}

/** The white space that ingest.trimmed takes off, and no other. */
function trimAsciiSpace(value: string): string {
    return value.replace(/^[ \t\n\r\f\v]+/, "").replace(/[ \t\n\r\f\v]+$/, "");
}

const textEscapes: Record<string, string> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/** A value in COPY's text format. Empty stays empty, not null: the merge makes it null as it does on the raw way. */
function escapeText(value: string): string {
    return value.replace(/[\\\t\n\r]/g, (character) => textEscapes[character]!);
}
