/** The bytes of a COPY under construction: one buffer, written again and again from its start. */
export interface CopyBytes {
    buffer: Buffer;
    /** How many bytes of it are written. */
    length: number;
}

export function createCopyBytes(capacity = 1024): CopyBytes {
    return { buffer: Buffer.allocUnsafe(capacity), length: 0 };
}

/** Makes room for so many more bytes. Returns the buffer: another one if the old one was too small. */
export function makeRoom(out: CopyBytes, bytes: number): Buffer {
    const needed = out.length + bytes;
    if (needed > out.buffer.length) {
        const larger = Buffer.allocUnsafe(Math.max(needed, out.buffer.length * 2));
        out.buffer.copy(larger, 0, 0, out.length);
        out.buffer = larger;
    }
    return out.buffer;
}

/** The bytes written so far. They are valid until something else is written. */
export function writtenBytes({ buffer, length }: CopyBytes): Buffer {
    return buffer.subarray(0, length);
}
