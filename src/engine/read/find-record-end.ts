/**
 * Where a record ends: by its line end, or by the strict grammar where there are quotes. Pure. The scanner, the reading
 * of headers and the detection of dialects go by it.
 */
import { defaultGrammar, type Grammar } from "../../streams/dialect.ts";
import type { LookAhead } from "./look-ahead.ts";
import { STRAY_CARRIAGE_RETURN, STRAY_QUOTE, UNCLOSED_QUOTE } from "./scanned-records.ts";

const LF = 0x0a;
const CR = 0x0d;
const BACKSLASH = 0x5c;
const DOT = 0x2e;
const SPACE = 0x20;
const TAB = 0x09;

/**
 * Where the physical line from `start` ends and the next one begins; -1 and the length without a line end. `next` is
 * past the length when the last byte is a CR, to which an LF may belong.
 */
export function findLineEnd(bytes: Uint8Array, start: number, takesReturn: boolean): { end: number; next: number } {
    const lineFeed = bytes.indexOf(LF, start);
    if (!takesReturn) return { end: lineFeed, next: lineFeed === -1 ? bytes.length : lineFeed + 1 };
    const carriageReturn = (lineFeed === -1 ? bytes : bytes.subarray(0, lineFeed)).indexOf(CR, start);
    if (carriageReturn === -1) return { end: lineFeed, next: lineFeed === -1 ? bytes.length : lineFeed + 1 };
    if (carriageReturn === bytes.length - 1) return { end: carriageReturn, next: bytes.length + 1 };
    return { end: carriageReturn, next: carriageReturn + (bytes[carriageReturn + 1] === LF ? 2 : 1) };
}

export type StrictEnd =
    | { outcome: "strict"; end: number; next: number; fields: number; lines: number; hasEndMarker: boolean }
    /** `at` is where the search stopped: the limit, or a byte behind it. */
    | { outcome: "open"; inQuotes: boolean; fields: number; lines: number; at: number }
    | { outcome: "broken"; reason: number; at: number };

/** A quote that breaks the record on a later line than the one it opened on was not closed where it should have been. */
function brokenBy(reason: number, lines: number, at: number): StrictEnd {
    return { outcome: "broken", reason: lines > 0 ? UNCLOSED_QUOTE : reason, at };
}

/**
 * Follows the strict grammar from `start`: to the record's line end, to what breaks it, or to `limit`. With `ahead` it may
 * take the end from there, and does not count fields and lines then (more lines than one).
 */
export function findStrictEnd(
    bytes: Uint8Array,
    start: number,
    limit: number,
    grammar: Grammar = defaultGrammar,
    ahead: LookAhead | null = null,
): StrictEnd {
    const { delimiter, quote, escapeByte, takesReturn, isLenient, trimsQuoted } = grammar;
    const hasOwnEscape = escapeByte !== quote;
    let fields = 1;
    let lines = 0;
    let at = start;
    let hasEndMarker = false;
    while (true) {
        // At the start of a field.
        if (trimsQuoted) at = openingQuote(bytes, at, limit, grammar);
        if (at < limit && bytes[at] === quote) {
            at += 1;
            while (true) {
                if (at >= limit) return { outcome: "open", inQuotes: true, fields, lines, at };
                const byte = bytes[at]!;
                if (hasOwnEscape && byte === escapeByte && isEscaped(bytes[at + 1], grammar)) {
                    at += 2;
                } else if (byte === quote) {
                    if (hasOwnEscape || bytes[at + 1] !== quote) break;
                    at += 2;
                } else {
                    if (byte === LF || (byte === CR && takesReturn)) {
                        if (byte === LF || bytes[at + 1] !== LF) lines += 1;
                        if (bytes[at + 1] === BACKSLASH && bytes[at + 2] === DOT) hasEndMarker = true;
                        const known = ahead !== null && at < ahead.foundTo ? ahead.found : null;
                        if (known !== null && (known.outcome !== "open" || !known.inQuotes)) return known;
                        if (known !== null) at = known.at - 1;
                    }
                    at += 1;
                }
            }
            at += 1;
            if (trimsQuoted) at = skipBlanks(bytes, at, delimiter);
            // Also behind the limit: whether a quote closes shows in the byte after it.
            const after = bytes[at];
            if (after === undefined) return { outcome: "open", inQuotes: false, fields, lines, at };
            if (after === CR) {
                if (at + 1 >= limit) return { outcome: "open", inQuotes: false, fields, lines, at };
                if (bytes[at + 1] !== LF && !takesReturn) return brokenBy(STRAY_QUOTE, lines, at);
            } else if (after !== delimiter && after !== LF) {
                return brokenBy(STRAY_QUOTE, lines, at);
            }
            if (at >= limit) return { outcome: "open", inQuotes: false, fields, lines, at };
        } else {
            while (at < limit && bytes[at] !== delimiter && bytes[at] !== LF) {
                if (bytes[at] === quote && !isLenient) return brokenBy(STRAY_QUOTE, lines, at);
                if (bytes[at] === CR) {
                    if (at + 1 >= limit) return { outcome: "open", inQuotes: false, fields, lines, at };
                    if (bytes[at + 1] === LF || takesReturn) break;
                    return brokenBy(STRAY_CARRIAGE_RETURN, lines, at);
                }
                at += 1;
            }
            if (at >= limit) return { outcome: "open", inQuotes: false, fields, lines, at };
        }
        // Behind a field: a delimiter or a line end.
        if (bytes[at] === delimiter) {
            fields += 1;
            at += 1;
        } else {
            const next = bytes[at] === CR && bytes[at + 1] === LF ? at + 2 : at + 1;
            return { outcome: "strict", end: at, next, fields, lines: lines + 1, hasEndMarker };
        }
    }
}

/** The quote behind blanks at the start of a field; `at` where there is none. */
function openingQuote(bytes: Uint8Array, at: number, limit: number, { delimiter, quote }: Grammar): number {
    const behind = skipBlanks(bytes, at, delimiter);
    return behind < limit && bytes[behind] === quote ? behind : at;
}

/** Spaces and tabs. */
export function skipBlanks(bytes: Uint8Array, start: number, delimiter: number): number {
    let at = start;
    while ((bytes[at] === SPACE || bytes[at] === TAB) && bytes[at] !== delimiter) at += 1;
    return at;
}

/** Whether `next`, behind an escape character, is escaped; before any other byte the escape stands for itself, as in COPY. */
export function isEscaped(next: number | undefined, { quote, escapeByte }: Grammar): boolean {
    return next === quote || next === escapeByte;
}
