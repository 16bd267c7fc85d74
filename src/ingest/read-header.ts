/** From a file's first line to the columns of staging its values go to. Pure; csv-parse reads the line. */
import { CsvError, parse } from "csv-parse/sync";
import type { SourceConfig } from "../config-file/source-config.ts";
import {
    ambiguousDelimiter,
    declaredDialect,
    delimiterVariants,
    endsLinesWithReturn,
    fitsFieldCount,
} from "./dialect/detect-dialect.ts";
import { type Dialect, type Encoding, grammarOf } from "./dialect/dialect.ts";
import { toStandardQuotes } from "./dialect/standard-quotes.ts";
import { type FileShape, type HeaderFault, shapeOf } from "./file-shape.ts";
import { findLineEnd, findStrictEnd } from "./find-record-end.ts";
import { recordKinds } from "./scanned-records.ts";

export interface HeaderOptions {
    source?: SourceConfig | null;
    /** What the file was found to be before: then nothing is detected again. */
    dialect?: Dialect | null;
    /** What the bytes were before they were UTF-8. */
    encoding?: Encoding;
}

const maxHeaderBytes = 64 * 1024;
const bom = [0xef, 0xbb, 0xbf];

/**
 * The shape of a file that begins with `bytes` (64 KiB are enough). `atEnd` says that nothing follows: then a header
 * without a line end counts, and an empty file is a fault of its own.
 */
export function readHeader(
    bytes: Uint8Array,
    atEnd: boolean,
    { source = null, dialect: knownDialect = null, encoding = "utf-8" }: HeaderOptions = {},
): FileShape | HeaderFault {
    const start = bom.every((byte, index) => bytes[index] === byte) ? bom.length : 0;
    if (knownDialect) return nearestFault([readWith(bytes, start, atEnd, knownDialect, source)]);
    const declared = source ?? {};
    const basis = withLineEnd(bytes, start, atEnd, declaredDialect(declared, encoding), source);
    if ("problem" in basis) return basis;
    const variants = delimiterVariants(basis, declared);
    const read = variants.map((dialect) => readWith(bytes, start, atEnd, dialect, source));
    if (variants.length === 1) return nearestFault(read);
    const fitting = variants.filter((dialect, index) => {
        const shape = read[index]!;
        if ("problem" in shape) return isOfRightColumns(shape);
        return !source?.header || fitsFieldCount(bytes, shape.headerBytes, dialect, source.header.length);
    });
    if (fitting.length === 1) return read[variants.indexOf(fitting[0]!)]!;
    const isHeaderRead = read.some((shape) => !("problem" in shape));
    if (fitting.length > 1) {
        const what = source?.header ? "records have the declared columns" : "the header has every required column";
        return ambiguousDelimiter(fitting, what);
    }
    if (source?.header && isHeaderRead) {
        const what = `none of the first records has the ${source.header.length} declared columns`;
        return ambiguousDelimiter(variants, what);
    }
    return nearestFault(read);
}

/** The fault of a header that does hold every required column. */
function isOfRightColumns({ problem }: HeaderFault): boolean {
    return problem === "header_duplicate_columns" || problem === "header_new_columns";
}

/** The first shape; of headers that all lack something, the one that lacks least, of equals the comma's. */
function nearestFault(read: (FileShape | HeaderFault)[]): FileShape | HeaderFault {
    const shape = read.find((candidate): candidate is FileShape => !("problem" in candidate));
    if (shape) return shape;
    const faults = read.filter((shape): shape is HeaderFault & { missing?: number } => "problem" in shape);
    const missing = (fault: { missing?: number }) => fault.missing ?? Number.POSITIVE_INFINITY;
    const { problem, detail } = faults.reduce((best, fault) => (missing(fault) < missing(best) ? fault : best));
    return { problem, detail };
}

function withLineEnd(
    bytes: Uint8Array,
    start: number,
    atEnd: boolean,
    dialect: Dialect,
    source: SourceConfig | null,
): Dialect | HeaderFault {
    if (source?.lineEnd !== undefined) return dialect;
    const verdicts = delimiterVariants(dialect, source ?? {}).map((variant) => {
        const isReturn = endsLinesWithReturn(bytes, start, variant);
        if (isReturn === false) return false;
        // Only what reads as a header, or has no need of one, tells a line end from a stray CR.
        const shape = readWith(bytes, start, atEnd, { ...variant, lineEnd: "any" }, source);
        return "problem" in shape && !isOfRightColumns(shape) ? false : isReturn;
    });
    if (verdicts.includes(null)) {
        const detail =
            "Its line ends are not certain: the first line ends with CR, and there are LFs too. " +
            "Declare them in sluice.config.ts (lineEnd).";
        return { problem: "dialect_ambiguous", detail };
    }
    return verdicts.includes(true) ? { ...dialect, lineEnd: "any" } : dialect;
}

function readWith(
    bytes: Uint8Array,
    bomEnd: number,
    atEnd: boolean,
    dialect: Dialect,
    source: SourceConfig | null,
): FileShape | HeaderFault {
    const grammar = grammarOf(dialect);
    if (source?.header) {
        if (bytes.length === bomEnd) return emptyFile(atEnd);
        const shape = shapeOf(source.header, dialect, source);
        if ("problem" in shape) return shape;
        return { ...shape, headerBytes: bomEnd, headerLines: 0, hasLineEnd: true };
    }
    let start = bomEnd;
    let headerLines = 0;
    while (start < bytes.length) {
        const line = findLineEnd(bytes, start, grammar.takesReturn);
        const isBlank = line.end === start || (bytes[start] === 0x0d && line.end === start + 1);
        const isComment = bytes[start] === grammar.comment;
        if (line.end === -1 || line.next > bytes.length || !(isBlank || isComment)) {
            // A comment without its line end: all there is.
            if (isComment) start = bytes.length;
            break;
        }
        start = line.next;
        headerLines += 1;
    }
    // The header is a record like others: a quoted name may hold a line end.
    const found = findStrictEnd(bytes, start, bytes.length, grammar);
    if (found.outcome === "broken") {
        // Not for csv-parse to judge: a file whose lines end otherwise than it thinks would be all header, no record.
        const reason = recordKinds[found.reason]!.replaceAll("_", " ");
        return { problem: "header_unreadable", detail: `The first line is no strict CSV: it has a ${reason}.` };
    }
    const line = findLineEnd(bytes, start, grammar.takesReturn);
    const isStrict = found.outcome === "strict" && (atEnd || found.next <= bytes.length);
    const hasLineEnd = isStrict || (line.end !== -1 && line.next <= bytes.length && found.outcome !== "open");
    if (!hasLineEnd) {
        if (bytes.length - start > maxHeaderBytes) {
            return { problem: "header_too_long", detail: `The first line has no end within ${maxHeaderBytes} bytes.` };
        }
        if (!atEnd) return { problem: "header_unfinished", detail: "The header has no line end yet." };
        if (start >= bytes.length) return emptyFile(atEnd);
    }
    const end = isStrict ? found.end : line.end === -1 ? bytes.length : line.end;
    const names = splitHeader(bytes.subarray(start, end), dialect);
    if ("problem" in names) return names;
    const shape = shapeOf(names.header, dialect, source);
    if ("problem" in shape) return shape;
    return {
        ...shape,
        headerBytes: isStrict ? found.next : Math.min(line.next, bytes.length),
        headerLines: headerLines + (isStrict ? found.lines : 1),
        hasLineEnd: isStrict || line.end !== -1,
    };
}

function emptyFile(atEnd: boolean): HeaderFault {
    return atEnd
        ? { problem: "empty_file", detail: "The file has no header." }
        : { problem: "header_unfinished", detail: "The file has nothing in it yet." };
}

function splitHeader(line: Uint8Array, dialect: Dialect): { header: string[] } | HeaderFault {
    try {
        const text = new TextDecoder("utf-8", { fatal: true }).decode(toStandardQuotes(line, dialect));
        if (text.includes("\0")) throw new TypeError("It holds a NUL byte.");
        const rows = parse(text.replace(/\r$/, ""), {
            relax_column_count: true,
            record_delimiter: "\n",
            delimiter: dialect.delimiter,
            quote: dialect.quote ?? false,
            escape: dialect.quote ?? '"',
        });
        return { header: (rows[0] ?? []).map((name) => name.trim()) };
    } catch (error) {
        if (!(error instanceof CsvError || error instanceof TypeError)) throw error;
        return { problem: "header_unreadable", detail: `The first line is no CSV header in UTF-8: ${error.message}` };
    }
}
