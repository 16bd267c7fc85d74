/**
 * Headers that were read before. Ten thousand small files mostly begin with the same line, and to read it anew for each
 * (four delimiters are tried, by csv-parse) took a third of the loader's CPU.
 */
import type { SourceConfig } from "../../streams/source-config.ts";
import type { Stream } from "../../streams/stream.ts";
import type { FileShape, HeaderFault } from "./file-shape.ts";
import { type HeaderOptions, readHeader } from "./read-header.ts";

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
const longestLine = 4096;
const mostShapes = 100;

export type HeaderReader = (bytes: Uint8Array, atEnd: boolean, options: HeaderOptions) => FileShape | HeaderFault;

/** Gives what readHeader gives; the same object for the same first line, so do not change it. */
export function createHeaderReader(stream: Stream): HeaderReader {
    const shapes = new Map<string, FileShape>();
    const place = stream.source === null ? configFile : `streams/${stream.name}.ts`;
    const read: HeaderReader = (bytes, atEnd, options) => {
        const shape = readHeader(stream, bytes, atEnd, options);
        return "problem" in shape ? { ...shape, detail: shape.detail.replaceAll(configFile, place) } : shape;
    };
    return (bytes, atEnd, options) => {
        const isDeclared = options.dialect || (options.source && !isStreams(stream, options.source));
        const line = isDeclared ? null : telltaleLine(bytes);
        if (line === null) return read(bytes, atEnd, options);
        const key = `${options.encoding ?? "utf-8"} ${JSON.stringify(options.source?.pathValues)} ${line}`;
        const known = shapes.get(key);
        if (known && !mayTrail(bytes, line.length, known)) return known;
        const shape = read(bytes, atEnd, options);
        if (!("problem" in shape) && dependsOnFirstLine(shape)) {
            if (shapes.size >= mostShapes) shapes.clear();
            shapes.set(key, shape);
        }
        return shape;
    };
}

/** As the stream declares it, whatever the folders of the file say. */
function isStreams({ source }: Stream, given: SourceConfig): boolean {
    return given === source || (given.partitions !== undefined && given.partitions === source?.partitions);
}

/** Where messages say that settings are declared; a stream that has a file of its own has them there. */
const configFile = "sluice.config.ts";

/** Lines before the header, and what the first records say of columns without a name, differ from file to file. */
function dependsOnFirstLine({ headerLines, unnamedFields, dialect }: FileShape): boolean {
    return headerLines === 1 && unnamedFields === undefined && dialect.trailingDelimiter === undefined;
}

/** Whether the line behind the header is blank, or ends with a delimiter: see unnamed-columns.ts. */
function mayTrail(bytes: Uint8Array, from: number, { dialect }: FileShape): boolean {
    if (from >= bytes.length) return false;
    const found = bytes.indexOf(LF, from);
    const lineEnd = found === -1 ? bytes.length : found;
    const end = bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
    return end <= from || bytes[end - 1] === dialect.delimiter.charCodeAt(0);
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
