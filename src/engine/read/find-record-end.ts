/**
 * Where a record ends by the strict grammar: its line end, unless that stands in quotes. Pure. The scanner, the reading of
 * headers and the detection of dialects go by it.
 */
import { defaultGrammar, type Grammar, isEscaped } from "../../streams/dialect.ts";
import { isHiddenRecord, type Telltale } from "./hidden-records.ts";
import { skipBlanks } from "./lines.ts";
import { STRAY_CARRIAGE_RETURN, STRAY_QUOTE, UNCLOSED_QUOTE } from "./scanned-records.ts";

const LF = 0x0a;
const CR = 0x0d;
const BACKSLASH = 0x5c;
const DOT = 0x2e;

/** How a search for a record's end went. */
export interface StrictEnd {
    /** `open`: the limit comes before the record's end. `broken`: what begins there breaks the grammar. */
    outcome: "strict" | "open" | "broken";
    /** Where the search stopped: the record's line end, the limit or a byte behind it, or the byte that breaks the record. */
    end: number;
    /** Behind the line end. */
    next: number;
    /** Why it is broken: a kind of record. */
    reason: number;
    /** It is open within a quoted value. */
    inQuotes: boolean;
    /** It is open outside of quotes, and its last line is a record by itself. */
    isHiding: boolean;
    fields: number;
    /** Line ends, the record's own included. */
    lines: number;
    /** Where its last line begins. */
    lineStart: number;
    /** Where the field that was asked for stands, its quotes included; empty when there is none. */
    keyStart: number;
    keyEnd: number;
    /** A line within quotes begins with `\.`. */
    hasEndMarker: boolean;
}

/**
 * Remembers what stands behind a quote that its line leaves open, for the lines that the scanner then takes one by one. A search over
 * several lines stands in quotes at every line end that it passes: outside of them the record would end there. Two searches
 * that stand in quotes at the same line end see the same from there on. The later one takes over what the earlier one
 * knew, and each byte is looked at once, however many lines leave a quote open. (With lenient quotes all lines of a
 * megabyte may, and each searched the rest of it: seven minutes, in which the process answered nobody.)
 */
export interface LookAhead {
    telltale: Telltale | null;
    fieldCount: number;
    /** The latest search that went over several lines: it holds for every line end before `foundTo`. */
    found: StrictEnd | null;
    foundTo: number;
}

/** Keeps how a search ended, when it went further than the one before. At the last byte all searches have the same limit. */
export function noteFound(ahead: LookAhead, found: StrictEnd, isAtLastByte: boolean): void {
    const holds = found.outcome !== "open" || found.inQuotes || isAtLastByte;
    if (!holds || found.end <= ahead.foundTo) return;
    ahead.found = found;
    ahead.foundTo = found.end;
}

/**
 * Follows the strict grammar from `start`: to the record's line end, to what breaks it, or to `limit`. `place` is the field
 * to tell of. With `ahead`, a quoted value that holds a record breaks it, and the end may be one that was found before:
 * then fields, lines and the field's place are not this record's (which has more lines than one).
 */
export function findStrictEnd(
    bytes: Uint8Array,
    start: number,
    limit: number,
    grammar: Grammar = defaultGrammar,
    place = -1,
    ahead: LookAhead | null = null,
): StrictEnd {
    const { delimiter, quote, trimsQuoted } = grammar;
    const search: StrictEnd = {
        outcome: "open",
        end: start,
        next: bytes.length,
        reason: UNCLOSED_QUOTE,
        inQuotes: false,
        isHiding: false,
        fields: 1,
        lines: 0,
        lineStart: start,
        keyStart: start,
        keyEnd: start,
        hasEndMarker: false,
    };
    while (true) {
        const fieldStart = search.end;
        if (trimsQuoted) search.end = openingQuote(bytes, fieldStart, limit, grammar);
        const isQuoted = search.end < limit && bytes[search.end] === quote;
        const ended = isQuoted
            ? passQuoted(bytes, search, limit, grammar, ahead)
            : passUnquoted(bytes, search, limit, grammar);
        if (search.fields - 1 === place) {
            search.keyStart = fieldStart;
            search.keyEnd = search.end;
        }
        if (ended !== null) {
            const isOutside = ended === search && search.outcome === "open" && !search.inQuotes;
            if (isOutside && search.lines > 0) search.isHiding = hidesRecord(bytes, search, search.end, grammar, ahead);
            return ended;
        }
        if (bytes[search.end] !== delimiter) return endRecord(bytes, search, grammar, ahead);
        search.fields += 1;
        search.end += 1;
    }
}

/** From an opening quote to behind the value. Gives how the search ends when it does so here. */
function passQuoted(
    bytes: Uint8Array,
    search: StrictEnd,
    limit: number,
    grammar: Grammar,
    ahead: LookAhead | null,
): StrictEnd | null {
    const { delimiter, quote, escapeByte, takesReturn, trimsQuoted } = grammar;
    const hasOwnEscape = escapeByte !== quote;
    let at = search.end + 1;
    while (true) {
        if (at >= limit) {
            search.inQuotes = true;
            return openAt(search, at);
        }
        const byte = bytes[at]!;
        if (hasOwnEscape && byte === escapeByte && isEscaped(bytes[at + 1], grammar)) {
            at += 2;
        } else if (byte === quote) {
            if (hasOwnEscape || bytes[at + 1] !== quote) break;
            at += 2;
        } else {
            if (byte === LF || (byte === CR && takesReturn)) {
                const known = passLineEnd(bytes, search, at, grammar, ahead);
                if (known !== null && (known.outcome !== "open" || !known.inQuotes)) return known;
                if (known !== null) {
                    search.lineStart = known.lineStart;
                    at = known.end - 1;
                }
            }
            at += 1;
        }
    }
    at += 1;
    if (trimsQuoted) at = skipBlanks(bytes, at, delimiter);
    // Also behind the limit: whether a quote closes shows in the byte after it.
    const after = bytes[at];
    if (after === undefined || (after === CR && at + 1 >= limit)) return openAt(search, at);
    const isLineEnd = after === LF || (after === CR && (bytes[at + 1] === LF || takesReturn));
    if (!isLineEnd && after !== delimiter) return breakAt(search, at, STRAY_QUOTE);
    search.end = at;
    return at >= limit ? search : null;
}

/** At a line end in quotes: how the search ends, or an earlier one from which it goes on. */
function passLineEnd(
    bytes: Uint8Array,
    search: StrictEnd,
    at: number,
    grammar: Grammar,
    ahead: LookAhead | null,
): StrictEnd | null {
    if (hidesRecord(bytes, search, at, grammar, ahead)) return breakAt(search, at, UNCLOSED_QUOTE);
    if (bytes[at] === LF || bytes[at + 1] !== LF) search.lines += 1;
    if (bytes[at + 1] === BACKSLASH && bytes[at + 2] === DOT) search.hasEndMarker = true;
    search.lineStart = at + 1;
    return ahead !== null && at < ahead.foundTo ? ahead.found : null;
}

function passUnquoted(bytes: Uint8Array, search: StrictEnd, limit: number, grammar: Grammar): StrictEnd | null {
    const { delimiter, quote, takesReturn, isLenient } = grammar;
    let at = search.end;
    while (at < limit && bytes[at] !== delimiter && bytes[at] !== LF) {
        if (bytes[at] === quote && !isLenient) return breakAt(search, at, STRAY_QUOTE);
        if (bytes[at] === CR) {
            if (at + 1 >= limit) return openAt(search, at);
            if (bytes[at + 1] === LF || takesReturn) break;
            return breakAt(search, at, STRAY_CARRIAGE_RETURN);
        }
        at += 1;
    }
    search.end = at;
    return at >= limit ? search : null;
}

function openAt(search: StrictEnd, at: number): StrictEnd {
    search.end = at;
    return search;
}

/** A quote that breaks the record on a later line than the one it opened on was not closed where it should have been. */
function breakAt(search: StrictEnd, at: number, reason: number): StrictEnd {
    search.outcome = "broken";
    search.end = at;
    search.reason = search.lines > 0 ? UNCLOSED_QUOTE : reason;
    return search;
}

function endRecord(bytes: Uint8Array, search: StrictEnd, grammar: Grammar, ahead: LookAhead | null): StrictEnd {
    const { end } = search;
    if (search.lines > 0 && hidesRecord(bytes, search, end, grammar, ahead)) {
        return breakAt(search, end, UNCLOSED_QUOTE);
    }
    search.outcome = "strict";
    search.lines += 1;
    search.next = bytes[end] === CR && bytes[end + 1] === LF ? end + 2 : end + 1;
    return search;
}

/** Whether the search's last line, up to `end`, is a record by itself. */
function hidesRecord(
    bytes: Uint8Array,
    { lineStart, lines }: StrictEnd,
    end: number,
    grammar: Grammar,
    ahead: LookAhead | null,
): boolean {
    if (!ahead?.telltale) return false;
    return isHiddenRecord(bytes, lineStart, end, lines > 0, ahead.telltale, ahead.fieldCount, grammar);
}

/** The quote behind blanks at the start of a field; `at` where there is none. */
function openingQuote(bytes: Uint8Array, at: number, limit: number, { delimiter, quote }: Grammar): number {
    const behind = skipBlanks(bytes, at, delimiter);
    return behind < limit && bytes[behind] === quote ? behind : at;
}
