/** Where a file's header stands, what comes before it, and its names. Pure; csv-parse reads the names. */
import { CsvError, parse } from "csv-parse/sync";
import { type Dialect, defaultDialect, grammarOf } from "../../streams/dialect.ts";
import type { SourceConfig } from "../../streams/source-config.ts";
import { toStandardQuotes } from "./dialect/standard-quotes.ts";
import type { HeaderFault } from "./file-shape.ts";
import { findStrictEnd } from "./find-record-end.ts";
import { beginsComment, findLineEnd, isBlankLine } from "./lines.ts";
import { recordKinds, STRAY_QUOTE } from "./scanned-records.ts";

/** Lines that are neither header nor records. `isWhole` is false when the bytes end before they do. */
export interface SkippedLines {
    end: number;
    lines: number;
    isWhole: boolean;
}

export interface FoundHeader {
    /** As the file spells them, trimmed. */
    names: string[];
    /** Where the next line begins. */
    next: number;
    /** The header's own, and blank and comment lines before it. */
    lines: number;
    /** False when the file ends with its header, unfinished. */
    hasLineEnd: boolean;
}

export const unfinishedHeader: HeaderFault = {
    problem: "header_unfinished",
    detail: "The header has no line end yet.",
};

/** `count` physical lines, whatever is in them. */
export function skipLines(bytes: Uint8Array, from: number, count: number, dialect: Dialect): SkippedLines {
    const { takesReturn } = grammarOf(dialect);
    let end = from;
    for (let lines = 0; lines < count; lines += 1) {
        const line = findLineEnd(bytes, end, takesReturn);
        if (line.end === -1 || line.next > bytes.length) return { end: bytes.length, lines, isWhole: false };
        end = line.next;
    }
    return { end, lines: count, isWhole: true };
}

/** A first line that tells spreadsheets the delimiter, quoted or not: `sep=;`. */
const separatorForm = /^("?)sep=([^\r\n])\1(?:\r\n|\r(?!\n)|\n)/i;

export interface Separator {
    delimiter: string;
    lineBytes: number;
}

/** Null without such a line. */
export function findSeparator(bytes: Uint8Array, from: number, source: SourceConfig | null): Separator | null {
    const dialect = { ...defaultDialect, lineEnd: source?.lineEnd ?? defaultDialect.lineEnd };
    const { end } = skipLines(bytes, from, source?.skipLines ?? 0, dialect);
    const match = separatorForm.exec(Buffer.from(bytes.subarray(end, end + 16)).toString("latin1"));
    return match ? { delimiter: match[2]!, lineBytes: match[0].length } : null;
}

/** Skips the source's `skipLines`, and a `sep=` line. */
export function skipPreamble(
    bytes: Uint8Array,
    from: number,
    dialect: Dialect,
    source: SourceConfig | null,
    separator: Separator | null,
): SkippedLines {
    const skipped = skipLines(bytes, from, source?.skipLines ?? 0, dialect);
    if (!skipped.isWhole || separator === null) return skipped;
    return { end: skipped.end + separator.lineBytes, lines: skipped.lines + 1, isWhole: true };
}

const quoteRemedy =
    "Declare in sluice.config.ts how its quotes are meant: trimQuoted: true if blanks stand around them, " +
    'quotes: "lenient" if they are part of unquoted values, quote: false if no value is quoted.';

/** "empty": there is nothing but blank and comment lines. */
export function findHeader(
    bytes: Uint8Array,
    from: number,
    atEnd: boolean,
    dialect: Dialect,
    maxHeaderBytes: number,
): FoundHeader | HeaderFault | "empty" {
    const grammar = grammarOf(dialect);
    const blank = skipBlankLines(bytes, from, dialect);
    const start = blank.end;
    // The header is a record like others: a quoted name may hold a line end.
    const found = findStrictEnd(bytes, start, bytes.length, grammar);
    if (found.outcome === "broken") {
        // Not for csv-parse to judge: a file whose lines end otherwise than it thinks would be all header, no record.
        const reason = recordKinds[found.reason]!.replaceAll("_", " ");
        const remedy = found.reason === STRAY_QUOTE ? ` ${quoteRemedy}` : "";
        return {
            problem: "header_unreadable",
            detail: `The first line is no strict CSV: it has a ${reason}.${remedy}`,
        };
    }
    const line = findLineEnd(bytes, start, grammar.takesReturn);
    const isStrict = found.outcome === "strict" && (atEnd || found.next <= bytes.length);
    const hasLineEnd = isStrict || (line.end !== -1 && line.next <= bytes.length && found.outcome !== "open");
    if (!hasLineEnd) {
        if (bytes.length - start > maxHeaderBytes) {
            const detail = `The first line has no end within ${maxHeaderBytes} bytes. If it is a header, raise --max-record-bytes.`;
            return { problem: "header_too_long", detail };
        }
        if (!atEnd) return unfinishedHeader;
        if (start >= bytes.length) return "empty";
    }
    const end = isStrict ? found.end : line.end === -1 ? bytes.length : line.end;
    const names = splitNames(bytes.subarray(start, end), dialect);
    if ("problem" in names) return names;
    return {
        names,
        next: isStrict ? found.next : Math.min(line.next, bytes.length),
        lines: blank.lines + (isStrict ? found.lines : 1),
        hasLineEnd: isStrict || line.end !== -1,
    };
}

/** Blank lines, which may hold delimiters and blanks, and comments. */
function skipBlankLines(bytes: Uint8Array, from: number, dialect: Dialect): SkippedLines {
    const grammar = grammarOf(dialect);
    const { delimiter, takesReturn } = grammar;
    let end = from;
    let lines = 0;
    while (end < bytes.length) {
        const line = findLineEnd(bytes, end, takesReturn);
        const isComment = beginsComment(bytes, end, grammar);
        if (line.end === -1 || line.next > bytes.length) {
            // A comment without its line end: all there is.
            return { end: isComment ? bytes.length : end, lines, isWhole: !isComment };
        }
        if (!isComment && !isBlankLine(bytes, end, line.end, delimiter)) break;
        end = line.next;
        lines += 1;
    }
    return { end, lines, isWhole: true };
}

/** The values of a record in UTF-8, trimmed. */
export function splitNames(line: Uint8Array, dialect: Dialect): string[] | HeaderFault {
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
        return (rows[0] ?? []).map((name) => name.trim());
    } catch (error) {
        if (!(error instanceof CsvError || error instanceof TypeError)) throw error;
        // A CsvError's message quotes the line.
        const reason = error instanceof CsvError ? error.code : error.message;
        return {
            problem: "header_unreadable",
            detail: `The first line is no CSV header in UTF-8: ${reason.replace(/\.$/, "")}.`,
        };
    }
}
