/**
 * From a file's first bytes to its dialect: what is declared, else what is certain, else a fault that names the
 * candidates. Nothing is guessed. Pure.
 */

import {
    type Dialect,
    defaultDialect,
    delimiterCandidates,
    delimiterName,
    type Encoding,
    grammarOf,
} from "../../../streams/dialect.ts";
import type { DeclaredDialect } from "../../../streams/source-config.ts";
import type { HeaderFault } from "../file-shape.ts";
import { findStrictEnd } from "../find-record-end.ts";

/** All that is declared, and the default for what is not. */
export function declaredDialect(declared: DeclaredDialect, encoding: Encoding): Dialect {
    const quote = declared.quote === false ? null : (declared.quote ?? defaultDialect.quote);
    return {
        delimiter: declared.delimiter ?? defaultDialect.delimiter,
        quote,
        escape: quote === null ? null : (declared.escape ?? quote),
        comment: declared.comment ?? null,
        lineEnd: declared.lineEnd ?? "lf",
        encoding,
        ...(declared.quotes === "lenient" && { hasLenientQuotes: true }),
        ...(declared.trimQuoted && { trimsQuoted: true }),
        ...(declared.trailingDelimiter && { trailingDelimiter: declared.trailingDelimiter }),
    };
}

/** The dialects that differ in an undeclared delimiter, for a file that begins with `bytes`. */
export function delimiterVariants(dialect: Dialect, declared: DeclaredDialect, bytes: Uint8Array): Dialect[] {
    if (declared.delimiter !== undefined) return [dialect];
    return [...delimiterCandidates, ...controlCharacters(bytes.subarray(0, 1024))]
        .filter((delimiter) => delimiter !== dialect.quote && delimiter !== dialect.comment)
        .map((delimiter) => ({ ...dialect, delimiter }));
}

/** Those that could be delimiters: not white space, NUL, or Ctrl-Z, which ends a text. */
function controlCharacters(bytes: Uint8Array): string[] {
    const found = new Set(
        bytes.filter((byte) => byte < 0x20 && byte !== 0 && byte !== 0x1a && !(byte >= 9 && byte <= 13)),
    );
    return [...found].map((byte) => String.fromCharCode(byte));
}

/**
 * Whether lines end with a lone CR: the first one does, with something other than an LF behind it, and there is no LF
 * in sight. Null: it does, but there are LFs too, so it may be a stray one.
 */
export function endsLinesWithReturn(bytes: Uint8Array, start: number, dialect: Dialect): boolean | null {
    const grammar = grammarOf({ ...dialect, lineEnd: "any" });
    const found = findStrictEnd(bytes, start, bytes.length, grammar);
    const end = found.outcome === "strict" ? found.end : bytes.indexOf(0x0d, start);
    const isReturn = end !== -1 && bytes[end] === 0x0d && end + 1 < bytes.length && bytes[end + 1] !== 0x0a;
    if (!isReturn) return false;
    return bytes.indexOf(0x0a, start) === -1 ? true : null;
}

/** Whether one of the first twenty records has that many fields, before any that is broken. For files without a header. */
export function fitsFieldCount(bytes: Uint8Array, start: number, dialect: Dialect, fieldCount: number): boolean {
    const grammar = grammarOf(dialect);
    let at = start;
    for (let recordNo = 0; recordNo < 20 && at < bytes.length; recordNo += 1) {
        const found = findStrictEnd(bytes, at, bytes.length, grammar);
        if (found.outcome === "broken") return false;
        if (found.fields === fieldCount) return true;
        if (found.outcome === "open") return false;
        at = found.next;
    }
    return false;
}

export function ambiguousDelimiter(fitting: Dialect[], what: string): HeaderFault {
    const names = fitting.map(({ delimiter }) => delimiterName(delimiter)).join(", ");
    return {
        problem: "dialect_ambiguous",
        detail: `The delimiter is ambiguous: ${what} with ${names}. Declare one in sluice.config.ts (delimiter).`,
    };
}
