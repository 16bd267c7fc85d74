/**
 * Finds the records that a quoted value has swallowed: two stray quotes, however far apart, make one value of all the
 * lines between. A line inside a quoted value is a record when it has as many delimiters as the header, and a key of the
 * key's form where the key stands; in files without a key column, a moment where the time stands. Pure.
 */
import { keyColumn } from "../../streams/contract.ts";
import type { Grammar } from "../../streams/dialect.ts";
import { createTimestampReader } from "../../streams/values/read-timestamp.ts";
import type { FileShape } from "./file-shape.ts";
import { isEscaped } from "./find-record-end.ts";
import { isWhiteSpace } from "./line-start.ts";

const LF = 0x0a;
const CR = 0x0d;
const DASH = 0x2d;

export interface Telltale {
    /** The place of the column whose form tells. */
    index: number;
    /** Whether the value, which may have white space and quotes around it, has that form. */
    fits(bytes: Uint8Array, start: number, end: number): boolean;
}

/** Null when the file has neither a key nor a time, or one column: then no line can be told from text. */
export function createTelltale({ targets, dialect, source }: FileShape): Telltale | null {
    if (targets.length < 2) return null;
    const quote = dialect.quote?.charCodeAt(0) ?? -1;
    const keyIndex = targets.indexOf(keyColumn);
    if (keyIndex !== -1) return { index: keyIndex, fits: bared(isUuid, quote) };
    const timeIndex = targets.indexOf("event_timestamp");
    if (timeIndex === -1) return null;
    const read = source?.timestamps ? createTimestampReader(source.timestamps) : (text: string) => text;
    const isMoment = (bytes: Uint8Array, start: number, end: number) =>
        end - start < 100 &&
        /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(read(Buffer.from(bytes.subarray(start, end)).toString()) ?? "");
    return { index: timeIndex, fits: bared(isMoment, quote) };
}

type Fits = Telltale["fits"];

function bared(fits: Fits, quote: number): Fits {
    const isAround = (byte: number) => isWhiteSpace(byte) || byte === quote;
    return (bytes, start, end) => {
        let from = start;
        let to = end;
        while (from < to && isAround(bytes[from]!)) from += 1;
        while (to > from && isAround(bytes[to - 1]!)) to -= 1;
        return fits(bytes, from, to);
    };
}

function isUuid(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start !== 36) return false;
    for (let place = 0; place < 36; place += 1) {
        const byte = bytes[start + place]!;
        if (place === 8 || place === 13 || place === 18 || place === 23) {
            if (byte !== DASH) return false;
        } else if (!isHex(byte)) {
            return false;
        }
    }
    return true;
}

function isHex(byte: number): boolean {
    const lower = byte | 0x20;
    return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x66);
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
    fieldCount: number,
    { index: place, fits }: Telltale,
    grammar: Grammar,
): boolean {
    const { delimiter, quote, escapeByte, takesReturn, trimsQuoted } = grammar;
    const hasOwnEscape = escapeByte !== quote;
    let inQuotes = false;
    let atFieldStart = true;
    // Of the physical line, whatever is quoted on it: a delimiter beside the telling value must stand in quotes.
    let delimiters = 0;
    let valueStart = start;
    let valueEnd = start;
    let isInside = false;
    for (let at = start; at <= end; at += 1) {
        const byte = bytes[at]!;
        if (at === end || byte === LF || (byte === CR && takesReturn)) {
            if (at === end && !isFinished) return false;
            const isWhole = isInside && delimiters === fieldCount - 1;
            if (isWhole && fits(bytes, valueStart, delimiters > place ? valueEnd : at)) return true;
            delimiters = 0;
            valueStart = at + 1;
            isInside = false;
        } else if (byte === delimiter) {
            if (delimiters === place) valueEnd = at;
            if (delimiters === place && place === 0) isInside = inQuotes;
            delimiters += 1;
            if (delimiters === place) {
                valueStart = at + 1;
                isInside = inQuotes;
            }
            atFieldStart = !inQuotes;
        } else if (inQuotes) {
            const next = bytes[at + 1];
            if (byte === escapeByte && (hasOwnEscape ? isEscaped(next, grammar) : next === quote)) at += 1;
            else if (byte === quote) inQuotes = false;
        } else if (byte === quote && atFieldStart) {
            inQuotes = true;
            atFieldStart = false;
        } else if (!(trimsQuoted && isWhiteSpace(byte))) {
            atFieldStart = false;
        }
    }
    return false;
}
