/**
 * What the scanner saw behind a quote that its line leaves open, for the lines that it then takes one by one. A search over
 * several lines stands in quotes at every line end that it passes: outside of them the record would end there. Two searches
 * that stand in quotes at the same line end see the same from there on. So the later one takes over what the earlier one
 * knew, and each byte is looked at once, however many lines leave a quote open. (With lenient quotes all lines of a
 * megabyte may, and each searched the rest of it: seven minutes, in which the process answered nobody.)
 */
import type { StrictEnd } from "./find-record-end.ts";

export interface LookAhead {
    /** Of the latest search that went over several lines: `found` holds for every line end before `foundTo`. */
    found: StrictEnd | null;
    foundTo: number;
    /** Where a line begins that is a record: every quote that is open before it hides it. */
    hiddenAt: number;
    /** Where the search for one stopped, and what it knew there. */
    hiddenSearch: HiddenSearch | null;
}

export interface HiddenSearch {
    at: number;
    inQuotes: boolean;
    atFieldStart: boolean;
    /** Of the physical line, whatever is quoted on it: a delimiter beside the telling value must stand in quotes. */
    delimiters: number;
    lineStart: number;
    valueStart: number;
    valueEnd: number;
    isInside: boolean;
}

/** Keeps how a search ended, when it went further than the one before. Where the bytes end, all searches stop at the same limit. */
export function noteFound(ahead: LookAhead, found: StrictEnd, isAtLastByte: boolean): void {
    const to = found.outcome === "strict" ? found.end : found.at;
    const holds = found.outcome !== "open" || found.inQuotes || isAtLastByte;
    if (!holds || to <= ahead.foundTo) return;
    ahead.found = found;
    ahead.foundTo = to;
}

export function noLookAhead(): LookAhead {
    return { found: null, foundTo: -1, hiddenAt: -1, hiddenSearch: null };
}
