/** Physical lines: where they end, and what they are besides records: marks, comments, blanks. Pure. */
import { BOM, CONTROL_Z, type Grammar } from "../../streams/dialect.ts";

const LF = 0x0a;
const CR = 0x0d;
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

/**
 * Where the record of the line [start, end) begins: behind byte order marks, and behind a Ctrl-Z before them, before a
 * key (`isKeyFirst`), or alone on its line. Both are left where files are put together.
 */
export function skipMarks(bytes: Uint8Array, start: number, end: number, isKeyFirst: boolean): number {
    let at = start;
    while (at < end && bytes[at] === CONTROL_Z) at += 1;
    const behindControls = at;
    while (bytes[at] === BOM[0] && at + BOM.length <= end && BOM.every((byte, index) => bytes[at + index] === byte)) {
        at += BOM.length;
    }
    // In a text, Ctrl-Z is a character that some encoding could not say.
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

/** ASCII white space, as values are trimmed of it. */
export function isWhiteSpace(byte: number): boolean {
    return byte === SPACE || (byte >= TAB && byte <= CR);
}

/** Behind the spaces and tabs from `start` on. */
export function skipBlanks(bytes: Uint8Array, start: number, delimiter: number): number {
    let at = start;
    while ((bytes[at] === SPACE || bytes[at] === TAB) && bytes[at] !== delimiter) at += 1;
    return at;
}
