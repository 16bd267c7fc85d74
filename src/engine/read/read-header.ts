/** From a file's first bytes to its shape: its dialect, its header, and where its records begin. Pure. */

import { type Dialect, delimiterName, type Encoding } from "../../streams/dialect.ts";
import type { DeclaredDialect, SourceConfig } from "../../streams/source-config.ts";
import type { Stream } from "../../streams/stream.ts";
import {
    ambiguousDelimiter,
    declaredDialect,
    delimiterVariants,
    endsLinesWithReturn,
    fitsFieldCount,
} from "./dialect/detect-dialect.ts";
import { guessWideEncoding } from "./dialect/guess-encoding.ts";
import { type FileShape, type HeaderFault, shapeOf } from "./file-shape.ts";
import { findHeader, findSeparator, type Separator, skipLines, skipPreamble, unfinishedHeader } from "./find-header.ts";
import { suggestSetting } from "./suggest-setting.ts";
import { findTrailingDelimiter, haveUnnamedValues } from "./unnamed-columns.ts";

export interface HeaderOptions {
    source?: SourceConfig | null;
    /** The dialect by which the file was read before: then nothing is detected again. */
    dialect?: Dialect | null;
    /** The encoding of the file itself; its bytes come as UTF-8. */
    encoding?: Encoding;
    /** An unfinished header is waited for up to this many bytes, or 64 KiB if that is more. Default: 1 MiB. */
    maxRecordBytes?: number;
}

/** A shape, or a fault and how near it came to one: of readings by several delimiters the nearest is reported. */
type Reading = FileShape | (HeaderFault & { missing?: number; columns?: number });

/** Common to every reading of a file. */
interface Start {
    stream: Stream;
    bytes: Uint8Array;
    /** Behind the byte order mark. */
    from: number;
    atEnd: boolean;
    source: SourceConfig | null;
    separator: Separator | null;
    /** It has been read before, by the dialect that is known. */
    isBegun: boolean;
    maxHeaderBytes: number;
}

/** Objects, one a line or in an array, or an array of arrays. */
const jsonForm = /^(?:\xef\xbb\xbf)?\s*(?:\[\s*)?(?:\{\s*(?:\}|"[^"]*"\s*:)|\[\s*["\d[])/;
const bom = [0xef, 0xbb, 0xbf];
const defaultMaxRecordBytes = 1024 * 1024;
const leastHeaderBytes = 64 * 1024;

/**
 * The shape of a file that begins with `bytes`; a fault names the setting that would help, where one is likely to. `atEnd` says that
 * nothing follows: then a header without a line end counts, and an empty file is a fault of its own. `header_unfinished` asks for more bytes.
 */
export function readHeader(
    stream: Stream,
    bytes: Uint8Array,
    atEnd: boolean,
    options: HeaderOptions = {},
): FileShape | HeaderFault {
    const { source = null, dialect = null, encoding = "utf-8" } = options;
    const isDeclared = dialect !== null || encoding !== "utf-8" || source?.encoding !== undefined;
    const wide = isDeclared ? null : guessWideEncoding(bytes);
    if (wide) {
        const detail = `It looks like ${wide} without a byte order mark: if it is, write encoding: "${wide}" in sluice.config.ts.`;
        return { problem: Array.isArray(source?.header) ? "dialect_ambiguous" : "header_unreadable", detail };
    }
    const shape = detect(stream, bytes, atEnd, options);
    if (!("problem" in shape) || dialect !== null) return shape;
    if (jsonForm.test(Buffer.from(bytes.subarray(0, 1024)).toString("latin1")) && !Array.isArray(source?.header)) {
        return { problem: "header_unreadable", detail: "It looks like JSON, not CSV. Deliver its content as CSV." };
    }
    const read = (other: Uint8Array, changed: SourceConfig) =>
        detect(stream, other, atEnd, { ...options, source: changed });
    return { ...shape, detail: shape.detail + suggestSetting(stream, bytes, shape, source, read) };
}

function detect(
    stream: Stream,
    bytes: Uint8Array,
    atEnd: boolean,
    { source = null, dialect: knownDialect = null, encoding = "utf-8", maxRecordBytes }: HeaderOptions,
): FileShape | HeaderFault {
    const from = bom.every((byte, index) => bytes[index] === byte) ? bom.length : 0;
    const separator = findSeparator(bytes, from, source);
    const maxHeaderBytes = Math.max(leastHeaderBytes, maxRecordBytes ?? defaultMaxRecordBytes);
    const start = { stream, bytes, from, atEnd, source, separator, isBegun: knownDialect !== null, maxHeaderBytes };
    if (knownDialect) return nearestFault([readWith(start, knownDialect)]);
    if (source?.delimiter !== undefined && separator !== null && separator.delimiter !== source.delimiter) {
        const [said, declared] = [separator.delimiter, source.delimiter].map(delimiterName);
        return ambiguousSeparator(said!, `sluice.config.ts says ${declared}`, source);
    }
    const declared = separator === null ? (source ?? {}) : { ...source, delimiter: separator.delimiter };
    const basis = withLineEnd(start, declared, declaredDialect(declared, encoding));
    if ("problem" in basis) return basis;
    const variants = delimiterVariants(basis, declared, bytes);
    const readings = variants.map((dialect) => readWith(start, dialect));
    const shape = chooseReading(start, variants, readings);
    if (separator === null || isSplitting(shape, bytes, source)) return shape;
    // Read it without that line, to see whether that line is wrong.
    const without = { match: "*", ...source, skipLines: (source?.skipLines ?? 0) + 1 };
    const other = detect(stream, bytes, atEnd, { source: without, encoding, maxRecordBytes });
    if ("problem" in other) return shape;
    const [said, found] = [separator.delimiter, other.dialect.delimiter].map(delimiterName);
    return ambiguousSeparator(said!, `what follows is written with ${found}`, source);
}

/** Whether it splits into its columns. Without a header, the first records show it. */
function isSplitting(shape: FileShape | HeaderFault, bytes: Uint8Array, source: SourceConfig | null): boolean {
    if ("problem" in shape) return false;
    const { headerBytes, dialect, header } = shape;
    return !Array.isArray(source?.header) || fitsFieldCount(bytes, headerBytes, dialect, header.length);
}

function ambiguousSeparator(said: string, rival: string, source: SourceConfig | null): HeaderFault {
    const detail =
        `The delimiter is ambiguous: its line sep= says ${said}, and ${rival}. If the line is wrong, ` +
        `write skipLines: ${(source?.skipLines ?? 0) + 1} in sluice.config.ts, which leaves it out.`;
    return { problem: "dialect_ambiguous", detail };
}

function chooseReading({ bytes, source }: Start, variants: Dialect[], readings: Reading[]): FileShape | HeaderFault {
    if (variants.length === 1) return nearestFault(readings);
    const declared = Array.isArray(source?.header) ? source.header : null;
    const fitting = [...variants.keys()].filter((index) => {
        const reading = readings[index]!;
        if ("problem" in reading) return isOfRightColumns(reading);
        return !declared || fitsFieldCount(bytes, reading.headerBytes, variants[index]!, reading.header.length);
    });
    // A reading in which the delimiter does not occur is no rival of one in which it does.
    const splitting = fitting.filter((index) => columnsOf(readings[index]!) > 1);
    const rivals = splitting.length > 0 ? splitting : fitting.slice(0, 1);
    const rivalReadings = rivals.map((index) => readings[index]!);
    if (rivals.length === 1 || (rivals.length > 1 && rivalReadings.every(isUnrecognized))) {
        return nearestFault(rivalReadings);
    }
    if (rivals.length > 1) {
        const what = declared ? "records have the declared columns" : "the header has every required column";
        return ambiguousDelimiter(
            rivals.map((index) => variants[index]!),
            what,
        );
    }
    if (declared && readings.some((reading) => !("problem" in reading))) {
        const what = `none of the first records has the ${declared.length} declared columns`;
        return ambiguousDelimiter(variants, what);
    }
    return nearestFault(readings);
}

function isUnrecognized(reading: Reading): boolean {
    return "problem" in reading && reading.problem === "header_unrecognized";
}

const faultsOfRightColumns = [
    "header_duplicate_columns",
    "header_new_columns",
    "header_unnamed_columns",
    "header_unrecognized",
];

/** The fault of a header that does hold every required column. */
function isOfRightColumns({ problem }: HeaderFault): boolean {
    return faultsOfRightColumns.includes(problem);
}

function columnsOf(reading: Reading): number {
    return "problem" in reading ? (reading.columns ?? 1) : reading.header.length;
}

/** The first shape; of headers that all lack something, the one that lacks least, of equals the comma's. */
function nearestFault(readings: Reading[]): FileShape | HeaderFault {
    const shape = readings.find((candidate): candidate is FileShape => !("problem" in candidate));
    if (shape) return shape;
    const faults = readings.filter((reading) => "problem" in reading);
    const missing = (fault: { missing?: number }) => fault.missing ?? Number.POSITIVE_INFINITY;
    const { problem, detail } = faults.reduce((best, fault) => (missing(fault) < missing(best) ? fault : best));
    return { problem, detail };
}

function withLineEnd(start: Start, declared: DeclaredDialect, dialect: Dialect): Dialect | HeaderFault {
    const { bytes, from } = start;
    if (declared.lineEnd !== undefined) return dialect;
    const verdicts = delimiterVariants(dialect, declared, bytes).map((variant) => {
        const isReturn = endsLinesWithReturn(bytes, from, variant);
        if (isReturn === false) return false;
        // Only what reads as a header, or has no need of one, tells a line end from a stray CR.
        const reading = readWith(start, { ...variant, lineEnd: "any" });
        return "problem" in reading && !isOfRightColumns(reading) ? false : isReturn;
    });
    if (verdicts.includes(null)) {
        const detail =
            "The line ends are ambiguous: the first line ends with CR, and there are LFs too. " +
            "Declare them in sluice.config.ts (lineEnd).";
        return { problem: "dialect_ambiguous", detail };
    }
    return verdicts.includes(true) ? { ...dialect, lineEnd: "any" } : dialect;
}

function readWith(start: Start, dialect: Dialect): Reading {
    const { stream, bytes, from, atEnd, source, separator, maxHeaderBytes } = start;
    const preamble = skipPreamble(bytes, from, dialect, source, separator);
    if (Array.isArray(source?.header)) {
        if (!preamble.isWhole || bytes.length === preamble.end) return emptyFile(atEnd);
        const shape = shapeOf(stream, trailed(source.header, dialect), dialect, source);
        if ("problem" in shape) return shape;
        return { ...shape, headerBytes: preamble.end, headerLines: preamble.lines, hasLineEnd: true };
    }
    const found = findHeader(bytes, preamble.end, atEnd, dialect, maxHeaderBytes);
    if (found === "empty") return emptyFile(atEnd);
    if ("problem" in found) return found;
    const after = skipLines(bytes, found.next, source?.skipAfterHeader ?? 0, dialect);
    if (!after.isWhole && !atEnd) return unfinishedHeader;
    const place = {
        headerBytes: after.end,
        headerLines: preamble.lines + found.lines + after.lines,
        hasLineEnd: found.hasLineEnd && after.isWhole,
    };
    const shape = shapeOf(stream, trailed(found.names, dialect), dialect, source, start.isBegun);
    // Then the names are values, and no other fault may tell them.
    const lineEnd = start.isBegun ? null : otherLineEnd.exec(found.names.join("\n"));
    if (lineEnd !== null) return otherLineEndFault(lineEnd[0], "problem" in shape ? shape.missing : 0);
    if ("problem" in shape) return { ...shape, columns: found.names.length };
    return start.isBegun ? { ...shape, ...place } : seeRecords(start, { ...shape, ...place });
}

/** Line ends of other programs. A file whose lines end with them is one header to us. */
const otherLineEnd = /[\v\f\x1c-\x1e\x85\u2028\u2029]/;

function otherLineEndFault(character: string, missing: number | undefined): Reading {
    const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
    const detail =
        `A name in the first line contains the character U+${code}. If lines end with it, replace it: Sluice takes LF, CR LF and CR. ` +
        "If it is part of the name, write skipLines: 1 and header: [ … ] in sluice.config.ts.";
    return { problem: "header_unreadable", detail, missing };
}

/** The names of the fields that the records have. */
function trailed(names: string[], { trailingDelimiter }: Dialect): string[] {
    if (trailingDelimiter === "records") return [...names, ""];
    return trailingDelimiter === "header" && names.at(-1) === "" ? names.slice(0, -1) : names;
}

/** The first records decide on columns without a name. */
function seeRecords({ stream, bytes, source }: Start, shape: FileShape): Reading {
    const trailing = shape.dialect.trailingDelimiter ?? findTrailingDelimiter(bytes, shape);
    if (trailing && shape.dialect.trailingDelimiter === undefined) {
        const dialect = { ...shape.dialect, trailingDelimiter: trailing };
        const trailedShape = shapeOf(stream, trailed(shape.header, dialect), dialect, source);
        return "problem" in trailedShape ? trailedShape : { ...shape, unnamedFields: undefined, ...trailedShape };
    }
    if (!shape.unnamedFields || !haveUnnamedValues(bytes, shape)) return shape;
    const places = shape.unnamedFields.map((field) => field + 1).join(", ");
    const detail =
        `The header has no name for column ${places} of ${shape.header.length}, and the records have values there. In ` +
        `sluice.config.ts, write ignore: [""] to leave it out, or aliases: { "": "${stream.extras}.name" } to keep it.`;
    return { problem: "header_unnamed_columns", detail, columns: shape.header.length };
}

function emptyFile(atEnd: boolean): HeaderFault {
    return atEnd
        ? { problem: "empty_file", detail: "The file has no header." }
        : { problem: "header_unfinished", detail: "The file is still empty." };
}
