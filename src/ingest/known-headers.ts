/**
 * Headers that were read before. Ten thousand small files mostly begin with the same line, and to read it anew for each
 * (four delimiters are tried, by csv-parse) took a third of the loader's CPU.
 */
import type { FileShape, HeaderFault } from "./file-shape.ts";
import { type HeaderOptions, readHeader } from "./read-header.ts";

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
const longestLine = 4096;
const mostShapes = 100;

export type HeaderReader = (bytes: Uint8Array, atEnd: boolean, options: HeaderOptions) => FileShape | HeaderFault;

/** Gives what readHeader gives; the same object for the same first line, so do not change it. */
export function createHeaderReader(): HeaderReader {
    const shapes = new Map<string, FileShape>();
    return (bytes, atEnd, options) => {
        const line = options.source || options.dialect ? null : telltaleLine(bytes);
        if (line === null) return readHeader(bytes, atEnd, options);
        const key = `${options.encoding ?? "utf-8"} ${line}`;
        const known = shapes.get(key);
        if (known) return known;
        const shape = readHeader(bytes, atEnd, options);
        // Of a file with lines before its header the first line tells nothing.
        if (!("problem" in shape) && shape.headerLines === 1) {
            if (shapes.size >= mostShapes) shapes.clear();
            shapes.set(key, shape);
        }
        return shape;
    };
}

/** The first line, when it alone decides what readHeader finds: it ends, is not blank, has no quote and no CR within. */
function telltaleLine(bytes: Uint8Array): string | null {
    const end = bytes.subarray(0, longestLine).indexOf(LF);
    const textEnd = end > 0 && bytes[end - 1] === CR ? end - 1 : end;
    if (textEnd <= 0) return null;
    const text = bytes.subarray(0, textEnd);
    if (text.includes(QUOTE) || text.includes(CR)) return null;
    // A BOM before a blank line.
    if (textEnd === 3 && bytes[0] === 0xef) return null;
    return Buffer.from(bytes.buffer, bytes.byteOffset, end + 1).toString("latin1");
}
