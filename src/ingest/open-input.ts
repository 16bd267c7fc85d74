/** Opens files of the watched folder safely: regular files only, never through a symlink. */
import { isUtf8 } from "node:buffer";
import { constants } from "node:fs";
import { type FileHandle, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Encoding } from "./dialect/dialect.ts";
import type { FileFailure, SeenFile } from "./ledger.ts";
import { readableText } from "./readable-text.ts";

export interface InputFile {
    /** As it was when it was opened. */
    seen: SeenFile;
    /** How many bytes `read` has to give: those of the file, or what they become when they are expanded and transcoded. */
    sizeBytes: number;
    /** Expanded: then it is taken whole, and not until it is still. */
    isCompressed: boolean;
    /** What the bytes were before `read` gave them out as UTF-8. */
    encoding: Encoding;
    /**
     * Exactly `length` bytes from `position`.
     * @throws InputChanged when the file ends before: it was truncated while it was read (a read just ends then).
     * @throws InputFault when the medium fails.
     */
    read(position: number, length: number): Promise<Buffer>;
    currentSize(): Promise<number>;
    close(): Promise<void>;
}

/** A file that cannot be read as it is now. `failure.retryAfterMs` says whether time may mend it. */
export class InputFault extends Error {
    override readonly name = "InputFault";
    readonly failure: FileFailure;
    /** The file as it was seen, when it could be opened. */
    seen: SeenFile | null = null;

    constructor(failure: FileFailure, cause?: unknown) {
        super(failure.detail, { cause });
        this.failure = failure;
    }
}

/** Bytes were there and are no longer, or are others than before, while the file was being read. */
export class InputChanged extends Error {
    override readonly name = "InputChanged";
}

const unreadableRetryMs = 5_000;

/** @throws InputFault when `path` under `inputDir` is no readable regular file. */
export async function openInput(inputDir: string, path: string): Promise<InputFile> {
    // O_NONBLOCK: a FIFO would block the open until somebody writes.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const handle = await open(join(inputDir, path), flags).catch(async (error: NodeJS.ErrnoException) => {
        const isEscaped = error.code === "ENOENT" && (await findEscapedName(inputDir, path)) !== null;
        throw new InputFault(isEscaped ? nameFailure : openFailure(error), error);
    });
    try {
        const stats = await handle.stat({ bigint: true });
        if (!stats.isFile()) {
            throw new InputFault({
                problem: "not_a_regular_file",
                detail: "It is no regular file.",
                retryAfterMs: null,
            });
        }
        return {
            seen: seenOf(stats),
            sizeBytes: Number(stats.size),
            isCompressed: false,
            encoding: "utf-8",
            read: (position, length) => readExactly(handle, position, length),
            currentSize: async () => (await handle.stat()).size,
            close: () => handle.close(),
        };
    } catch (error) {
        await handle.close();
        throw error;
    }
}

/** The same file with its bytes in memory and its descriptor closed: for small ones. */
export async function holdInMemory(file: InputFile): Promise<InputFile> {
    const bytes = await file.read(0, file.sizeBytes);
    const sizeAfter = await file.currentSize();
    await file.close();
    return {
        ...file,
        read: async (position, length) => bytes.subarray(position, position + length),
        currentSize: async () => sizeAfter,
        close: async () => {},
    };
}

export function seenOf(stats: { size: bigint; mtimeNs: bigint; ino: bigint }): SeenFile {
    return { sizeBytes: Number(stats.size), mtimeNs: String(stats.mtimeNs), inode: String(stats.ino) };
}

const nameFailure: FileFailure = {
    problem: "file_name_invalid",
    detail: "Its name is no UTF-8, and is shown with the bytes that are none as \\xNN: rename it.",
    retryAfterMs: null,
};

/** The bytes of a name that the ledger has with `\xNN` in it, because it is no UTF-8; null when there is no such file. */
export async function findEscapedName(inputDir: string, name: string): Promise<Buffer | null> {
    if (!name.includes("\\x")) return null;
    const names = await readdir(inputDir, { encoding: "buffer" }).catch(() => []);
    return names.find((bytes) => !isUtf8(bytes) && readableText(bytes) === name) ?? null;
}

function openFailure(error: NodeJS.ErrnoException): FileFailure {
    switch (error.code) {
        case "ENOENT":
            return { problem: "file_vanished", detail: "It was there, and is gone.", retryAfterMs: null };
        case "ELOOP":
            return { problem: "not_a_regular_file", detail: "It is a symbolic link.", retryAfterMs: null };
        case "EACCES":
        case "EPERM":
            return {
                problem: "file_unreadable",
                detail: "Permission denied: make it readable for the user that runs Sluice.",
                retryAfterMs: unreadableRetryMs,
            };
        default:
            return {
                problem: "file_unreadable",
                detail: `It cannot be opened (${error.code ?? error.message}).`,
                retryAfterMs: unreadableRetryMs,
            };
    }
}

async function readExactly(handle: FileHandle, position: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
        const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled).catch((error) => {
            const detail = `Reading it failed at byte ${position + filled} (${error.code ?? error.message}).`;
            throw new InputFault({ problem: "file_unreadable", detail, retryAfterMs: unreadableRetryMs }, error);
        });
        if (bytesRead === 0) throw new InputChanged(`The file ended at byte ${position + filled} while it was read.`);
        filled += bytesRead;
    }
    return bytes;
}

const hashBlockBytes = 1024 * 1024;

/** The sha-256, in hex, of a byte range. */
export async function hashRange(file: InputFile, firstByte: number, endByte: number): Promise<string> {
    const hasher = new Bun.CryptoHasher("sha256");
    for (let at = firstByte; at < endByte; at += hashBlockBytes) {
        hasher.update(await file.read(at, Math.min(hashBlockBytes, endByte - at)));
    }
    return hasher.digest("hex");
}
