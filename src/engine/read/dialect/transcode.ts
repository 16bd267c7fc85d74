/**
 * A stream of bytes in another encoding → the same text in UTF-8. Bytes that are no text in that encoding come out as bytes
 * that are no UTF-8 either (a half surrogate pair as its three bytes, an undefined byte as itself), so that the record
 * that holds it is rejected, with its neighbours untouched. Memory does not grow with the stream.
 */
import { type Encoding, multiByteEncodings } from "../../../streams/dialect.ts";

type ByteStream = AsyncIterable<Uint8Array>;

/** The encoding by the byte order mark; null without one. */
export function encodingOfMark(bytes: Uint8Array): Encoding | null {
    const begins = (...mark: number[]) => mark.every((byte, index) => bytes[index] === byte);
    if (begins(0xef, 0xbb, 0xbf)) return "utf-8";
    if (begins(0xff, 0xfe, 0, 0)) return "utf-32le";
    if (begins(0, 0, 0xfe, 0xff)) return "utf-32be";
    if (begins(0xff, 0xfe)) return "utf-16le";
    if (begins(0xfe, 0xff)) return "utf-16be";
    return null;
}

export function transcode(source: ByteStream, encoding: Encoding): ByteStream {
    switch (encoding) {
        case "utf-8":
            return source;
        case "utf-16le":
        case "utf-16be":
            return fromUtf16(source, encoding === "utf-16be");
        case "utf-32le":
        case "utf-32be":
            return fromUtf32(source, encoding === "utf-32be");
        case "latin1":
            return fromSingleBytes(source, latin1Table);
        default:
            return isMultiByte(encoding)
                ? fromMultiBytes(source, encoding)
                : fromSingleBytes(source, tableOf(encoding));
    }
}

type MultiByteEncoding = (typeof multiByteEncodings)[number];

function isMultiByte(encoding: Encoding): encoding is MultiByteEncoding {
    return (multiByteEncodings as readonly Encoding[]).includes(encoding);
}

/** In none of these is a byte below 0x30 part of a longer character: text may be cut behind it. */
const leastPartByte = 0x30;
const longestUncut = 64 * 1024;

/** The bytes in pieces that end between two characters, where `endOf` says; the last has what is left. */
async function* inWhole(source: ByteStream, endOf: (bytes: Buffer) => number): AsyncGenerator<Buffer> {
    let rest = Buffer.alloc(0);
    for await (const piece of source) {
        const bytes = Buffer.concat([rest, piece]);
        const end = endOf(bytes);
        rest = Buffer.from(bytes.subarray(end));
        if (end > 0) yield bytes.subarray(0, end);
    }
    if (rest.length > 0) yield rest;
}

async function* fromMultiBytes(source: ByteStream, encoding: MultiByteEncoding): AsyncGenerator<Uint8Array> {
    const endOf = (bytes: Buffer) => {
        let end = bytes.length;
        while (end > 0 && bytes[end - 1]! >= leastPartByte) end -= 1;
        // No text is so long without a blank or a delimiter: cut anywhere, so that memory does not grow.
        return end === 0 && bytes.length > longestUncut ? bytes.length : end;
    };
    for await (const bytes of inWhole(source, endOf)) yield decodeLines(bytes, encoding);
}

/** Whole characters. Lines that are no text get a byte that is no UTF-8 for each that is no character. */
function decodeLines(bytes: Buffer, encoding: MultiByteEncoding): Uint8Array {
    try {
        return Buffer.from(new TextDecoder(encoding, { fatal: true }).decode(bytes), "utf8");
    } catch {
        const end = bytes.indexOf(0x0a) + 1;
        if (end > 0 && end < bytes.length) {
            const lines: Uint8Array[] = [];
            for (let from = 0; from < bytes.length; ) {
                const next = bytes.indexOf(0x0a, from) + 1 || bytes.length;
                lines.push(decodeLines(bytes.subarray(from, next), encoding));
                from = next;
            }
            return Buffer.concat(lines);
        }
        const parts = new TextDecoder(encoding).decode(bytes).split("\ufffd");
        return Buffer.concat(
            parts.flatMap((part, index) => [...(index > 0 ? [noText] : []), Buffer.from(part, "utf8")]),
        );
    }
}

const noText = Buffer.of(0xff);

async function* fromUtf32(source: ByteStream, isBigEndian: boolean): AsyncGenerator<Uint8Array> {
    for await (const bytes of inWhole(source, ({ length }) => length - (length % 4))) {
        let text = "";
        let at = 0;
        for (; at + 4 <= bytes.length; at += 4) {
            const code = isBigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at);
            if (code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)) {
                text += String.fromCodePoint(code);
            } else {
                yield Buffer.from(text, "utf8");
                yield noText;
                text = "";
            }
        }
        if (text !== "") yield Buffer.from(text, "utf8");
        if (at < bytes.length) yield noText;
    }
}

async function* fromUtf16(source: ByteStream, isBigEndian: boolean): AsyncGenerator<Uint8Array> {
    const endOf = (bytes: Buffer) => {
        const end = bytes.length - (bytes.length % 2);
        // The first half of a pair waits for the second.
        return end >= 2 && isHighSurrogate(unitAt(bytes, end - 2, isBigEndian)) ? end - 2 : end;
    };
    for await (const bytes of inWhole(source, endOf)) {
        const end = bytes.length - (bytes.length % 2);
        if (end > 0) yield utf8Of(bytes.subarray(0, end), isBigEndian);
        if (bytes.length > end) yield noText;
    }
}

function unitAt(bytes: Buffer, at: number, isBigEndian: boolean): number {
    return isBigEndian ? bytes.readUInt16BE(at) : bytes.readUInt16LE(at);
}

function isHighSurrogate(unit: number): boolean {
    return (unit & 0xfc00) === 0xd800;
}

/** `bytes` is changed. */
function utf8Of(bytes: Buffer, isBigEndian: boolean): Uint8Array {
    const text = (isBigEndian ? bytes.swap16() : bytes).toString("utf16le");
    if (text.isWellFormed()) return Buffer.from(text, "utf8");
    const pieces: Uint8Array[] = [];
    for (const character of text) {
        const code = character.codePointAt(0)!;
        const isHalf = code >= 0xd800 && code <= 0xdfff;
        pieces.push(
            isHalf
                ? Uint8Array.of(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f))
                : Buffer.from(character, "utf8"),
        );
    }
    return Buffer.concat(pieces);
}

/** By byte, its bytes in UTF-8. */
type Table = Uint8Array[];

const latin1Table: Table = Array.from({ length: 256 }, (_, byte) => Buffer.from(String.fromCharCode(byte), "utf8"));

const tables = new Map<Encoding, Table>();

/** A byte that the encoding does not define stands for itself: no UTF-8, and so no text. */
function tableOf(encoding: Encoding): Table {
    const known = tables.get(encoding);
    if (known) return known;
    const decoder = new TextDecoder(encoding);
    const table = Array.from({ length: 256 }, (_, byte) => {
        const character = decoder.decode(Uint8Array.of(byte));
        // Where Windows defines no character the standard has a control character: there is none in a text.
        const isControl = encoding.startsWith("windows-") && character >= "\x80" && character <= "\x9f";
        return character === "\ufffd" || isControl ? Uint8Array.of(byte) : Buffer.from(character, "utf8");
    });
    tables.set(encoding, table);
    return table;
}

async function* fromSingleBytes(source: ByteStream, table: Table): AsyncGenerator<Uint8Array> {
    for await (const piece of source) {
        const out = Buffer.allocUnsafe(piece.length * 3);
        let end = 0;
        for (const byte of piece) {
            if (byte < 0x80) {
                out[end++] = byte;
            } else {
                for (const part of table[byte]!) out[end++] = part;
            }
        }
        yield out.subarray(0, end);
    }
}
