/**
 * Compressed bytes → what they hold, streamed. DecompressionStream, not node:zlib: that one ends without an error where
 * a zstd file is cut short. Concatenated gzip members and zstd frames are one stream; bytes behind them are a fault, but
 * for zeros to the end of the file (findPaddedEnd).
 */
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { DecompressionStream, ReadableStream } from "node:stream/web";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { compressionEnding } from "../../../streams/source-of.ts";
import { InputFault, type InputFile } from "../open-input.ts";
import { streamBytes } from "./stream-input.ts";

export interface ExpansionLimits {
    /** The most bytes that a file may expand to. */
    maxExpandedBytes: number;
    /** The most bytes that a byte of it may become, past the first MiB. */
    maxExpansionRatio: number;
}

export const defaultExpansionLimits: ExpansionLimits = {
    maxExpandedBytes: 64 * 1024 ** 3,
    maxExpansionRatio: 1000,
};

const formats: Record<string, "gzip" | "zstd"> = { ".gz": "gzip", ".zst": "zstd" };
const freeBytes = 1024 * 1024;

/** By the name's end; null for a file that is not compressed. */
export function compressionOf(path: string): "gzip" | "zstd" | null {
    return formats[compressionEnding(path).toLowerCase()] ?? null;
}

/**
 * @throws InputFault `archive_truncated`, `archive_corrupt`, or `archive_too_large` as soon as a limit is passed.
 * @throws InputFault of the source.
 */
export async function* expand(
    source: AsyncIterable<Uint8Array>,
    format: "gzip" | "zstd" | "deflate-raw",
    limits: ExpansionLimits,
): AsyncGenerator<Uint8Array> {
    let takenBytes = 0;
    let givenBytes = 0;
    const counted = async function* () {
        for await (const piece of source) {
            takenBytes += piece.length;
            yield piece as Uint8Array<ArrayBuffer>;
        }
    };
    // Bun's DecompressionStream has zstd, its types not yet.
    const expanded = ReadableStream.from(counted()).pipeThrough(new DecompressionStream(format as "gzip"));
    try {
        for await (const piece of expanded) {
            givenBytes += piece.length;
            checkLimits(givenBytes, takenBytes, limits);
            yield piece;
        }
    } catch (error) {
        throw expansionFault(error);
    }
}

/**
 * Where a compressed file ends that has nothing but zeros behind its end; null for any other. DecompressionStream does
 * not tell, and node:zlib is only asked where it stopped: what is before that is expanded, and judged, as always.
 */
export async function findPaddedEnd(file: InputFile, format: "gzip" | "zstd"): Promise<number | null> {
    if ((await file.read(file.sizeBytes - 1, 1))[0] !== 0) return null;
    const decoder = format === "gzip" ? createGunzip() : createZstdDecompress();
    const nowhere = new Writable({ write: (_piece, _encoding, done) => done() });
    await pipeline(Readable.from(streamBytes(file)), decoder, nowhere).catch((error) => {
        if (error instanceof InputFault) throw error;
    });
    const end = decoder.bytesWritten;
    if (end === 0 || end >= file.sizeBytes) return null;
    for await (const piece of streamBytes(file, end)) if (piece.some((byte) => byte !== 0)) return null;
    return end;
}

function checkLimits(givenBytes: number, takenBytes: number, limits: ExpansionLimits): void {
    const { maxExpandedBytes, maxExpansionRatio } = limits;
    if (givenBytes > maxExpandedBytes) {
        throw tooLarge(`It expands to more than ${maxExpandedBytes} bytes (--max-expanded-bytes).`);
    }
    if (givenBytes > freeBytes && givenBytes > takenBytes * maxExpansionRatio) {
        throw tooLarge(`It expands to more than ${maxExpansionRatio} times its size (--max-expansion-ratio).`);
    }
}

function tooLarge(detail: string): InputFault {
    return new InputFault({ problem: "archive_too_large", detail, retryAfterMs: null });
}

function expansionFault(error: unknown): unknown {
    if (error instanceof InputFault || !(error instanceof TypeError)) return error;
    // DecompressionStream has no code for it.
    const isTruncated = /unexpected end/i.test(error.message);
    const problem = isTruncated ? "archive_truncated" : "archive_corrupt";
    const detail = isTruncated
        ? "The compressed file is incomplete."
        : `The compressed file is damaged (${error.message}).`;
    return new InputFault({ problem, detail, retryAfterMs: null }, error);
}
