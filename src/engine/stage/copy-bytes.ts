/** The bytes of a COPY while they are put together: one buffer, written again and again from its start. */
export interface CopyBytes {
    buffer: Buffer;
    /** How many bytes of it are written. */
    length: number;
}

export function createCopyBytes(capacity = 1024): CopyBytes {
    return { buffer: Buffer.allocUnsafe(capacity), length: 0 };
}

/** Room for so many bytes more. Gives the buffer, which is another one when the old one was too small. */
export function makeRoom(out: CopyBytes, bytes: number): Buffer {
    const needed = out.length + bytes;
    if (needed > out.buffer.length) {
        const larger = Buffer.allocUnsafe(Math.max(needed, out.buffer.length * 2));
        out.buffer.copy(larger, 0, 0, out.length);
        out.buffer = larger;
    }
    return out.buffer;
}

/** What is written. Of no use any more once something else is written. */
export function writtenBytes({ buffer, length }: CopyBytes): Buffer {
    return buffer.subarray(0, length);
}
