/** What a line is besides a record: marks before it, a comment, or nothing but delimiters and blanks. Pure. */
import { BOM, CONTROL_Z, type Grammar } from "../../streams/dialect.ts";

/**
 * Where the record of the line [start, end) begins: behind byte order marks, and behind a Ctrl-Z before them, before a
 * key (`isKeyFirst`), or alone on its line. Both are left where files are put together.
 */
export function skipMarks(bytes: Uint8Array, start: number, end: number, isKeyFirst: boolean): number {
    let at = start;
    while (at < end && bytes[at] === CONTROL_Z) at += 1;
    const behindControls = at;
    while (at + BOM.length <= end && BOM.every((byte, index) => bytes[at + index] === byte)) at += BOM.length;
    // Of a text it is a character that some encoding could not say.
    return at === behindControls && at < end && !isKeyFirst ? start : at;
}

/** Whether the line that begins at `start` is a comment. */
export function beginsComment(bytes: Uint8Array, start: number, { comment }: Grammar): boolean {
    if (comment.length === 0) return false;
    for (let at = 0; at < comment.length; at += 1) if (bytes[start + at] !== comment[at]) return false;
    return true;
}

/** Whether nothing but delimiters and white space is on the line, which holds no quote. */
export function isBlankLine(bytes: Uint8Array, start: number, end: number, delimiter: number): boolean {
    for (let at = start; at < end; at += 1) {
        if (bytes[at] !== delimiter && !isWhiteSpace(bytes[at]!)) return false;
    }
    return true;
}

/** The same of a record with quotes that splits: all its values are empty, or white space. */
export function isBlankRecord(bytes: Uint8Array, start: number, end: number, grammar: Grammar): boolean {
    let inQuotes = false;
    for (let at = start; at < end; at += 1) {
        const byte = bytes[at]!;
        if (byte === grammar.quote) {
            // Two of them, the first closing: one of the value.
            if (!inQuotes && at > start && bytes[at - 1] === grammar.quote) return false;
            inQuotes = !inQuotes;
        } else if (byte === grammar.delimiter ? inQuotes && !isWhiteSpace(byte) : !isWhiteSpace(byte)) {
            return false;
        }
    }
    return !inQuotes;
}

/** ASCII white space, as values are trimmed of it. */
export function isWhiteSpace(byte: number): boolean {
    return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}
