/** Open files for tests, without a folder. */
import { InputChanged, type InputFile } from "../../src/engine/read/open-input.ts";

/** A file whose bytes are made up as they are read. */
export function virtualFile(sizeBytes: number, read: (position: number, length: number) => Buffer): InputFile {
    return {
        seen: { sizeBytes, mtimeNs: "1", inode: "1" },
        sizeBytes,
        isCompressed: false,
        encoding: "utf-8",
        content: null,
        read: async (position, length) => {
            if (position + length > sizeBytes) throw new InputChanged("behind the end");
            return read(position, length);
        },
        currentSize: async () => sizeBytes,
        close: async () => {},
    };
}

/** One of these bytes, which is not in memory. */
export const fileOf = (bytes: Buffer): InputFile =>
    virtualFile(bytes.length, (position, length) => Buffer.from(bytes.subarray(position, position + length)));
