/**
 * Finds the records that a quoted value has swallowed: two stray quotes, however far apart, make one value of all the
 * lines between. A line inside a quoted value is a record when it has as many delimiters as the header, and a key of the
 * key's form where the key stands; in files without a key column, a moment where the time stands. Pure.
 */
import { type Grammar, isEscaped } from "../../streams/dialect.ts";
import { timedColumn } from "../../streams/stream.ts";
import type { ValueForm } from "../../streams/types/column-type.ts";
import type { FileShape } from "./file-shape.ts";
import { isWhiteSpace } from "./lines.ts";

export interface Telltale {
    /** The place of the column whose form tells. */
    index: number;
    /** Whether the value, which may have white space and quotes around it, has that form. */
    fits: ValueForm;
}

/** Null when the file has neither a key nor a time, or one column, or a key of any form: then no line can be told from text. */
export function createTelltale({ stream, targets, dialect, source }: FileShape): Telltale | null {
    if (targets.length < 2) return null;
    const { key } = stream;
    const column = key !== null && targets.includes(key) ? key : key === null ? timedColumn(stream) : stream.time;
    const index = column === null ? -1 : targets.indexOf(column);
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
 * Whether the physical line [start, end), which begins outside or inside quotes, is a record by itself. A delimiter beside
 * the telling value must stand in quotes: otherwise the line is what it seems to be.
 */
export function isHiddenRecord(
    bytes: Uint8Array,
    start: number,
    end: number,
    beginsInQuotes: boolean,
    { index: place, fits }: Telltale,
    fieldCount: number,
    grammar: Grammar,
): boolean {
    const { delimiter, quote, escapeByte, trimsQuoted } = grammar;
    let inQuotes = beginsInQuotes;
    let atFieldStart = !inQuotes;
    let delimiters = 0;
    let valueStart = start;
    let valueEnd = end;
    let isInside = false;
    for (let at = start; at < end; at += 1) {
        const byte = bytes[at]!;
        if (byte === delimiter) {
            if (delimiters === place) valueEnd = at;
            if (delimiters === place && place === 0) isInside = inQuotes;
            delimiters += 1;
            if (delimiters === place) {
                valueStart = at + 1;
                isInside = inQuotes;
            }
            atFieldStart = !inQuotes;
        } else if (inQuotes) {
            if (byte === escapeByte && isEscaped(bytes[at + 1], grammar)) at += 1;
            else if (byte === quote) inQuotes = false;
        } else if (byte === quote && atFieldStart) {
            inQuotes = true;
            atFieldStart = false;
        } else if (!(trimsQuoted && isWhiteSpace(byte))) {
            atFieldStart = false;
        }
    }
    return isInside && delimiters === fieldCount - 1 && fits(bytes, valueStart, valueEnd);
}
