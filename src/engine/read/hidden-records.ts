/**
 * Finds the records that a quoted value has swallowed: two stray quotes, however far apart, make one value of all the
 * lines between. A line inside a quoted value is a record when it has as many delimiters as the header, and a key of the
 * key's form where the key stands; in files without a key column, a moment where the time stands. Pure.
 */
import type { Grammar } from "../../streams/dialect.ts";
import type { ValueForm } from "../../streams/types/column-type.ts";
import type { FileShape } from "./file-shape.ts";
import { isEscaped } from "./find-record-end.ts";
import { isWhiteSpace } from "./line-start.ts";
import type { HiddenSearch, LookAhead } from "./look-ahead.ts";
import type { ScanOptions } from "./scanned-records.ts";

const LF = 0x0a;
const CR = 0x0d;

export interface Telltale {
    /** The place of the column whose form tells. */
    index: number;
    /** Whether the value, which may have white space and quotes around it, has that form. */
    fits: ValueForm;
}

/** Null when the file has neither a key nor a time, or one column, or a key of any form: then no line can be told from text. */
export function createTelltale({ stream, targets, dialect, source }: FileShape): Telltale | null {
    if (targets.length < 2) return null;
    const column = targets.includes(stream.key) ? stream.key : stream.time;
    const index = targets.indexOf(column);
    if (index === -1 || !column?.type.telltale) return null;
    return { index, fits: bared(column.type.telltale(source), dialect.quote?.charCodeAt(0) ?? -1) };
}

function bared(fits: ValueForm, quote: number): ValueForm {
    const isAround = (byte: number) => isWhiteSpace(byte) || byte === quote;
    return (bytes, start, end) => {
        let from = start;
        let to = end;
        while (from < to && isAround(bytes[from]!)) from += 1;
        while (to > from && isAround(bytes[to - 1]!)) to -= 1;
        return fits(bytes, from, to);
    };
}

/**
 * Whether a quoted value of what begins at `start` holds a line that is a record. `end` ends the last line; when
 * `isFinished` is false it does so in the middle, and that line is not looked at.
 */
export function hidesRecord(
    bytes: Uint8Array,
    start: number,
    end: number,
    isFinished: boolean,
    { fieldCount, telltale }: Pick<ScanOptions, "fieldCount" | "telltale">,
    grammar: Grammar,
    ahead: LookAhead,
): boolean {
    if (!telltale) return false;
    const { index: place, fits } = telltale;
    const { delimiter, quote, escapeByte, takesReturn, trimsQuoted } = grammar;
    const hasOwnEscape = escapeByte !== quote;
    let search = beginSearch(start);
    while (search.at <= end) {
        const { at } = search;
        const byte = bytes[at]!;
        if (at === end || byte === LF || (byte === CR && takesReturn)) {
            if (at === end && !isFinished) break;
            const { valueStart, valueEnd } = search;
            const isWhole = search.isInside && search.delimiters === fieldCount - 1;
            if (isWhole && fits(bytes, valueStart, search.delimiters > place ? valueEnd : at)) {
                ahead.hiddenAt = search.lineStart;
                return true;
            }
            if (search.inQuotes && at < ahead.hiddenAt) return true;
            if (search.inQuotes && ahead.hiddenSearch !== null && at < ahead.hiddenSearch.at) {
                search = ahead.hiddenSearch;
                continue;
            }
            search.delimiters = 0;
            search.lineStart = at + 1;
            search.valueStart = at + 1;
            search.isInside = false;
        } else if (byte === delimiter) {
            if (search.delimiters === place) search.valueEnd = at;
            if (search.delimiters === place && place === 0) search.isInside = search.inQuotes;
            search.delimiters += 1;
            if (search.delimiters === place) {
                search.valueStart = at + 1;
                search.isInside = search.inQuotes;
            }
            search.atFieldStart = !search.inQuotes;
        } else if (search.inQuotes) {
            const next = bytes[at + 1];
            if (byte === escapeByte && (hasOwnEscape ? isEscaped(next, grammar) : next === quote)) search.at += 1;
            else if (byte === quote) search.inQuotes = false;
        } else if (byte === quote && search.atFieldStart) {
            search.inQuotes = true;
            search.atFieldStart = false;
        } else if (!(trimsQuoted && isWhiteSpace(byte))) {
            search.atFieldStart = false;
        }
        search.at += 1;
    }
    ahead.hiddenSearch = search;
    return false;
}

function beginSearch(start: number): HiddenSearch {
    return {
        at: start,
        inQuotes: false,
        atFieldStart: true,
        delimiters: 0,
        lineStart: start,
        valueStart: start,
        valueEnd: start,
        isInside: false,
    };
}
