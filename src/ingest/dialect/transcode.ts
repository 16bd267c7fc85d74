/**
 * A stream of bytes in another encoding → the same text in UTF-8. What is no text in that encoding comes out as bytes
 * that are no UTF-8 either (a half surrogate pair as its three bytes, an undefined byte as itself), so that the record
 * that holds it is rejected, with its neighbours untouched. Memory does not grow with the stream.
 */
import type { Encoding } from "./dialect.ts";

type ByteStream = AsyncIterable<Uint8Array>;

/** What a byte order mark says; null without one. */
export function encodingOfMark(bytes: Uint8Array): Encoding | null {
    if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return "utf-8";
    if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
    if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
    return null;
}

export function transcode(source: ByteStream, encoding: Encoding): ByteStream {
    switch (encoding) {
        case "utf-8":
            return source;
        case "utf-16le":
        case "utf-16be":
            return fromUtf16(source, encoding === "utf-16be");
        case "latin1":
            return fromSingleBytes(source, latin1Table);
        case "windows-1252":
            return fromSingleBytes(source, windows1252Table);
    }
}

async function* fromUtf16(source: ByteStream, isBigEndian: boolean): AsyncGenerator<Uint8Array> {
    let rest = Buffer.alloc(0);
    for await (const piece of source) {
        const bytes = Buffer.concat([rest, piece]);
        let end = bytes.length - (bytes.length % 2);
        // The first half of a pair waits for the second.
        if (end >= 2 && isHighSurrogate(unitAt(bytes, end - 2, isBigEndian))) end -= 2;
        rest = Buffer.from(bytes.subarray(end));
        if (end > 0) yield utf8Of(bytes.subarray(0, end), isBigEndian);
    }
    if (rest.length === 0) return;
    const end = rest.length - (rest.length % 2);
    if (end > 0) yield utf8Of(rest.subarray(0, end), isBigEndian);
    if (rest.length > end) yield Uint8Array.of(0xff);
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

/** The five that Windows-1252 does not define stand for themselves: no UTF-8, and so no text. */
const undefinedBytes = [0x81, 0x8d, 0x8f, 0x90, 0x9d];
const windows1252Text = new TextDecoder("windows-1252").decode(Uint8Array.from({ length: 256 }, (_, byte) => byte));
const windows1252Table: Table = Array.from({ length: 256 }, (_, byte) =>
    undefinedBytes.includes(byte) ? Uint8Array.of(byte) : Buffer.from(windows1252Text[byte]!, "utf8"),
);

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
