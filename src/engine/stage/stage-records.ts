/**
 * From scanned records to the bytes of a COPY into ingest.staging. Pure. Ways with one result:
 *
 * Verbatim: a strict record's own bytes, behind its load, chunk and record number (which also keeps a `\.` line from being
 * the end of data). A record that cannot be split becomes a row of its problem, between its untouched neighbours.
 * Typed: the same, where COPY reads the values of plain records as their types; what is not plain goes as text.
 * Parsed: csv-parse takes every value out, and COPY's text format carries them. It is five times slower, and takes what
 * verbatim cannot carry.
 */
import { parse } from "csv-parse/sync";
import type { loadWays } from "../../database/schema.ts";
import { type Dialect, defaultDialect, isLoose } from "../../streams/dialect.ts";
import { sliceCount } from "../../streams/types/column-type.ts";
import { toStandardQuotes } from "../read/dialect/standard-quotes.ts";
import { type FileShape, isColumn } from "../read/file-shape.ts";
import { createPlainCheck, NOT_PLAIN, type PlainCheck } from "../read/is-plain.ts";
import { readableText } from "../read/readable-text.ts";
import { recordKinds, type ScannedRecords, STRICT, STRICT_QUOTED } from "../read/scanned-records.ts";
import { type CopyBytes, makeRoom } from "./copy-bytes.ts";
import { createMapping, type RecordMapping } from "./map-record.ts";
import { pathFieldsOf, sliceOfPath } from "./path-fields.ts";

/** The ledger calls a load verbatim that makes values typed. */
export type Way = Exclude<(typeof loadWays)[number], "replay"> | "typed";

/** Which staged rows these are, and where their first byte stands in the file. */
export interface StagingPlace {
    loadId: number;
    chunkId: number;
    path: string;
    /** The first record's. */
    firstRecordNo: number;
    firstLineNo: number;
    firstByte: number;
    /** A record's slice is its number modulo 16, and not that of its key. */
    isSlicedByNumber: boolean;
}

/** Counts of staged records, so that a merge need not count them. */
export interface StagedTally {
    /** Those that went as typed values. */
    typedRecords: number;
    /** By slice. */
    sliceRecords: number[];
}

export function emptyTally(): StagedTally {
    return { typedRecords: 0, sliceRecords: new Array<number>(sliceCount).fill(0) };
}

const keyColumns = ["load_id", "chunk_id", "record_no", "slice_no", "plain_second", "problem"];

/** The COPY statement for files of this shape into `table`, which has the columns of ingest.staging. */
export function copyStatement(shape: FileShape, way: Way, table: string): string {
    if (way === "parsed") {
        const columns = [...keyColumns, ...shape.stream.columns.map(({ ident }) => ident), shape.stream.extras].join(
            ", ",
        );
        return `copy ${table} (${columns}) from stdin`;
    }
    // The columns that are left out stand behind the ones that the merge makes extras of: it does not see them.
    let keptNo = 0;
    let ignoredNo = shape.extraColumns?.length ?? 0;
    const columns = shape.targets.map((target) => {
        if (target === null) return `extra_${++keptNo}`;
        return target === "ignored" ? `extra_${++ignoredNo}` : target.ident;
    });
    const { pathColumns = [] } = shape;
    const ofPath = pathColumns.map(({ column }) => column);
    const typed = way === "typed" ? typedTargets(shape)! : [];
    const typedOfPath = way === "typed" ? ofPath.map(({ name }) => shape.stream.typed![name]!) : [];
    const given = [...typedOfPath, ...ofPath.map(({ ident }) => ident)];
    return `copy ${table} (${[...keyColumns, ...given, ...typed, ...columns].join(", ")}) from stdin (${copyOptions(shape.dialect)})`;
}

/** The columns of staging for the typed values of such files, field by field; null where some value is not of a column, or is changed. */
export function typedTargets({ stream, targets, ...shape }: FileShape): string[] | null {
    if (stream.typed === null || shape.needsParsing || shape.unnamedFields !== undefined) return null;
    const places = targets.map((target) => (isColumn(target) ? stream.typed![target.name]! : null));
    return places.includes(null) ? null : (places as string[]);
}

export function copyOptions({ delimiter, quote, escape: escapeMark }: Dialect): string {
    const { delimiter: comma, quote: doubleQuote } = defaultDialect;
    if (delimiter === comma && quote === doubleQuote && escapeMark === doubleQuote) return "format csv";
    const literal = (character: string) => `E'\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}'`;
    return `format csv, delimiter ${literal(delimiter)}, quote ${literal(quote!)}, escape ${literal(escapeMark!)}`;
}

/** Appends the COPY bytes of all `records` of `bytes` to `out`, by the given way, and adds them to the tally. */
export function stageRecords(
    bytes: Buffer,
    records: ScannedRecords,
    shape: FileShape,
    place: StagingPlace,
    way: Way,
    out: CopyBytes,
    tally: StagedTally = emptyTally(),
): void {
    if (way === "parsed") stageParsed(bytes, records, shape, place, out, tally);
    else stageVerbatim(bytes, records, shape, place, way === "typed", out, tally);
}

function stageVerbatim(
    bytes: Buffer,
    records: ScannedRecords,
    shape: FileShape,
    place: StagingPlace,
    hasTyped: boolean,
    out: CopyBytes,
    tally: StagedTally,
): void {
    const { sliceRecords } = tally;
    const { count, starts, ends, kinds, slices } = records;
    const delimiter = shape.dialect.delimiter.charCodeAt(0);
    const prefix = Buffer.from([place.loadId, place.chunkId, ""].join(shape.dialect.delimiter));
    const escapeMark = shape.dialect.escape;
    const isRewritten = isLoose(shape.dialect);
    const plainSecondOf = plainCheckOf(shape);
    // A record has its typed fields, or those of its text: the others are empty.
    const emptyFields = hasTyped ? shape.targets.length : 0;
    const mayBeTyped = hasTyped && !records.isPadded;
    const ofPath = pathFieldsOf(shape);
    const textOfPath = hasTyped ? Buffer.concat([ofPath.empty, ofPath.values]) : ofPath.values;
    const typedOfPath = hasTyped ? Buffer.concat([ofPath.values, ofPath.empty]) : ofPath.values;
    const emptyInAll = emptyFields + ofPath.count * (hasTyped ? 2 : 1);
    const sliceInAll = sliceOfPath(shape);
    // A record number, a slice, a second, the empty problem, their delimiters and the line feed take 36 bytes at the most.
    const mostFrom = (index: number) =>
        (count - index) * (prefix.length + textOfPath.length + emptyFields + 36) + records.consumedBytes;
    let buffer = makeRoom(out, mostFrom(0));
    let at = out.length;
    for (let index = 0; index < count; index += 1) {
        // By hand: a call of copy() for so few bytes costs more than they do.
        for (let from = 0; from < prefix.length; from += 1) buffer[at++] = prefix[from]!;
        const recordNo = place.firstRecordNo + index;
        at = writeDigits(buffer, at, recordNo);
        buffer[at++] = delimiter;
        const slice = place.isSlicedByNumber ? recordNo % sliceCount : (sliceInAll ?? slices[index]!);
        sliceRecords[slice]! += 1;
        at = writeDigits(buffer, at, slice);
        buffer[at++] = delimiter;
        const kind = kinds[index]!;
        const second = kind === STRICT ? plainSecondOf(bytes, starts[index]!, ends[index]!) : NOT_PLAIN;
        if (second !== NOT_PLAIN) at = writeDigits(buffer, at, second);
        buffer[at++] = delimiter;
        const isTyped = mayBeTyped && second !== NOT_PLAIN;
        if (isTyped) tally.typedRecords += 1;
        if (kind > STRICT_QUOTED) {
            const row = problemRow(bytes, records, index, shape, place, emptyInAll);
            out.length = at;
            // At most three bytes of UTF-8 for each unit.
            buffer = makeRoom(out, row.length * 3 + mostFrom(index));
            at += buffer.write(row, at);
        } else if (kind === STRICT_QUOTED && isRewritten) {
            const row = toStandardQuotes(bytes.subarray(starts[index], ends[index]), shape.dialect, escapeMark);
            out.length = at;
            buffer = makeRoom(out, row.length + mostFrom(index));
            buffer[at++] = delimiter;
            for (let from = 0; from < textOfPath.length; from += 1) buffer[at++] = textOfPath[from]!;
            for (let field = 0; field < emptyFields; field += 1) buffer[at++] = delimiter;
            buffer.set(row, at);
            at += row.length;
        } else {
            buffer[at++] = delimiter;
            const given = isTyped ? typedOfPath : textOfPath;
            for (let from = 0; from < given.length; from += 1) buffer[at++] = given[from]!;
            if (!isTyped) for (let field = 0; field < emptyFields; field += 1) buffer[at++] = delimiter;
            at += bytes.copy(buffer, at, starts[index], ends[index]);
            if (isTyped) for (let field = 0; field < emptyFields; field += 1) buffer[at++] = delimiter;
        }
        buffer[at++] = 0x0a;
    }
    out.length = at;
}

const ZERO = 0x30;

const plainChecks = new WeakMap<FileShape, PlainCheck>();

export function plainCheckOf(shape: FileShape): PlainCheck {
    const check = plainChecks.get(shape) ?? createPlainCheck(shape);
    plainChecks.set(shape, check);
    return check;
}

function writeDigits(out: Buffer, at: number, value: number): number {
    let end = at + 1;
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) end += 1;
    let rest = value;
    for (let position = end - 1; position >= at; position -= 1) {
        out[position] = ZERO + (rest % 10);
        rest = Math.floor(rest / 10);
    }
    return end;
}

/** The problem as a quoted CSV field, an empty field for every column of the file, and so many more. */
function problemRow(
    bytes: Buffer,
    records: ScannedRecords,
    index: number,
    shape: FileShape,
    place: StagingPlace,
    moreFields: number,
): string {
    const { delimiter, quote, escape: escapeMark } = shape.dialect;
    const json = problemJson(bytes, records, index, place);
    const escaped = escapeMark === quote ? json : json.replaceAll(escapeMark!, () => escapeMark! + escapeMark!);
    const problem = escaped.replaceAll(quote!, () => escapeMark! + quote!);
    return quote + problem + quote + delimiter.repeat(shape.targets.length + moreFields);
}

function problemJson(
    bytes: Buffer,
    records: ScannedRecords,
    index: number,
    place: StagingPlace,
    reason: string | undefined = recordKinds[records.kinds[index]!],
): string {
    const start = records.starts[index]!;
    return JSON.stringify({
        reason,
        line: place.firstLineNo + records.lines[index]!,
        byte: place.firstByte + start,
        raw: readableText(bytes.subarray(start, records.ends[index])),
    });
}

function stageParsed(
    bytes: Buffer,
    records: ScannedRecords,
    shape: FileShape,
    place: StagingPlace,
    out: CopyBytes,
    { sliceRecords }: StagedTally,
): void {
    const rows = splitStrictRecords(bytes, records, shape.dialect);
    const mapping = mappingOf(shape);
    const sliceInAll = sliceOfPath(shape);
    const lines: string[] = [];
    let rowNo = 0;
    for (let index = 0; index < records.count; index += 1) {
        const recordNo = place.firstRecordNo + index;
        const key = `${place.loadId}\t${place.chunkId}\t${recordNo}\t`;
        const numbered = place.isSlicedByNumber ? recordNo % sliceCount : null;
        if (records.kinds[index]! <= STRICT_QUOTED) {
            const values = rows[rowNo]!;
            const mapped = mapping?.(values, { path: place.path, recordNo });
            const slice = numbered ?? mapped?.slice ?? records.slices[index]!;
            sliceRecords[slice]! += 1;
            rowNo += 1;
            if (mapped?.differsFromPath) {
                lines.push(`${key}${slice}${problemFields(bytes, records, index, shape, place, differing)}`);
                continue;
            }
            lines.push(
                `${key}${slice}\t\\N\t\\N\t${parsedFields(mapped?.values ?? values, mapped?.known ?? null, shape)}\n`,
            );
        } else {
            const slice = numbered ?? sliceInAll ?? records.slices[index]!;
            sliceRecords[slice]! += 1;
            lines.push(`${key}${slice}${problemFields(bytes, records, index, shape, place)}`);
        }
    }
    const text = Buffer.from(lines.join(""));
    text.copy(makeRoom(out, text.length), out.length);
    out.length += text.length;
}

/** The record has another value than the folder. */
const differing = "partition_differs";

function problemFields(
    bytes: Buffer,
    records: ScannedRecords,
    index: number,
    shape: FileShape,
    place: StagingPlace,
    reason?: string,
): string {
    const problem = escapeText(problemJson(bytes, records, index, place, reason));
    return `\t\\N\t${problem}${"\t\\N".repeat(shape.stream.columns.length + 1)}\n`;
}

const mappings = new WeakMap<FileShape, RecordMapping>();

function mappingOf(shape: FileShape): RecordMapping | null {
    if (!shape.isMapped && shape.pathColumns === undefined) return null;
    const mapping = mappings.get(shape) ?? createMapping(shape);
    mappings.set(shape, mapping);
    return mapping;
}

/** csv-parse on the strict records alone: it must find exactly these, or the scanner and it disagree on CSV. */
function splitStrictRecords(bytes: Buffer, records: ScannedRecords, dialect: Dialect): (string | null)[][] {
    const pieces: Uint8Array[] = [];
    const lineFeed = Buffer.from("\n");
    for (let index = 0; index < records.count; index += 1) {
        if (records.kinds[index]! > STRICT_QUOTED) continue;
        const record = bytes.subarray(records.starts[index], records.ends[index]);
        pieces.push(toStandardQuotes(record, dialect), lineFeed);
    }
    const csv = Buffer.concat(pieces);
    const options = {
        record_delimiter: "\n",
        relax_column_count: true,
        delimiter: dialect.delimiter,
        quote: dialect.quote ?? false,
        escape: dialect.quote ?? '"',
    } as const;
    // As COPY reads them verbatim: nothing is null, "" is an empty text. A reject shows which it was. Only a
    // doubled quote can be an empty text, and a function called for every value costs as much as the parsing.
    const mayHoldEmptyText = dialect.quote !== null && csv.includes(dialect.quote + dialect.quote);
    const rows: (string | null)[][] = mayHoldEmptyText
        ? parse(csv, { ...options, cast: (value, { quoting }) => (value === "" && !quoting ? null : value) })
        : withNulls(parse(csv, options));
    if (rows.length !== pieces.length / 2) {
        throw new Error(`csv-parse found ${rows.length} records where the scanner found ${pieces.length / 2}`);
    }
    return rows;
}

function withNulls(rows: (string | null)[][]): (string | null)[][] {
    for (const row of rows) {
        for (let index = 0; index < row.length; index += 1) if (row[index] === "") row[index] = null;
    }
    return rows;
}

/** `mapped`: the values of the stream's columns when the configuration changes them. */
function parsedFields(values: (string | null)[], mapped: (string | null)[] | null, shape: FileShape): string {
    const known = shape.stream.columns.map((column, index) => {
        const value = (mapped ? mapped[index] : values[shape.targets.indexOf(column)]) ?? null;
        return value === null ? "\\N" : escapeText(value);
    });
    if (!shape.extraColumns) return [...known, "\\N"].join("\t");
    let extraNo = -1;
    const extras = shape.targets.flatMap((target, position) => {
        if (target !== null) return [];
        extraNo += 1;
        const value = values[position] ?? "";
        return value === "" ? [] : [[shape.extraColumns![extraNo]!, value]];
    });
    return [...known, escapeText(JSON.stringify(Object.fromEntries(extras)))].join("\t");
}

const textEscapes: Record<string, string> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/** A value in COPY's text format. Empty stays empty, not null: the merge makes it null, as it does with verbatim records. */
function escapeText(value: string): string {
    return value.replace(/[\\\t\n\r]/g, (character) => textEscapes[character]!);
}
