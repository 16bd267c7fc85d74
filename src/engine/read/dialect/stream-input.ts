/**
 * An InputFile over a stream that can only be read from its start: expanded or transcoded bytes. Reading forwards goes
 * on; a step back within `lookBackBytes` is kept in memory; further back starts the stream again.
 */
import type { InputFile } from "../open-input.ts";
import { InputChanged } from "../open-input.ts";

/** `sizeBytes`: how many bytes a stream has. `open` gives a new one. */
export function streamInput(
    file: InputFile,
    open: () => AsyncIterable<Uint8Array>,
    sizeBytes: number,
    lookBackBytes: number,
): InputFile {
    let stream: AsyncIterator<Uint8Array> | null = null;
    let pieces: Uint8Array[] = [];
    let windowStart = 0;
    let windowEnd = 0;
    const restart = async () => {
        await stream?.return?.();
        stream = open()[Symbol.asyncIterator]();
        pieces = [];
        windowStart = 0;
        windowEnd = 0;
    };
    const advance = async (keepFrom: number) => {
        const { done, value } = await stream!.next();
        if (done) throw new InputChanged(`The file ended at byte ${windowEnd} of what it holds while it was read.`);
        pieces.push(value);
        windowEnd += value.length;
        while (pieces.length > 1 && windowStart + pieces[0]!.length <= keepFrom) {
            windowStart += pieces.shift()!.length;
        }
    };
    return {
        ...file,
        sizeBytes,
        content: null,
        async read(position, length) {
            if (stream === null || position < windowStart) await restart();
            while (windowEnd < position + length) await advance(position - lookBackBytes);
            return copyOut(pieces, position - windowStart, length);
        },
        async close() {
            await stream?.return?.();
            stream = null;
            pieces = [];
            await file.close();
        },
    };
}

function copyOut(pieces: Uint8Array[], offset: number, length: number): Buffer {
    const out = Buffer.allocUnsafe(length);
    let filled = 0;
    let start = 0;
    for (const piece of pieces) {
        const from = Math.max(0, offset - start);
        if (from < piece.length && filled < length) {
            const part = piece.subarray(from, from + length - filled);
            out.set(part, filled);
            filled += part.length;
        }
        start += piece.length;
        if (filled === length) break;
    }
    return out;
}

const blockBytes = 64 * 1024;

/** The file's bytes, from its start or from `from`, to `end` or to where it ended when it was opened. */
export async function* streamBytes(file: InputFile, from = 0, end = file.sizeBytes): AsyncGenerator<Uint8Array> {
    for (let at = from; at < end; at += blockBytes) yield await file.read(at, Math.min(blockBytes, end - at));
}

/** How many bytes a stream has, read once to its end. Throws what the stream throws. */
export async function measure(stream: AsyncIterable<Uint8Array>): Promise<number> {
    let bytes = 0;
    for await (const piece of stream) bytes += piece.length;
    return bytes;
}
