/** Opens files of the watched folder safely: regular files only, never through a symlink. */
import { isUtf8 } from "node:buffer";
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readFileSync, realpathSync } from "node:fs";
import { type FileHandle, lstat, open, readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Encoding } from "../../streams/dialect.ts";
import type { FileFailure, SeenFile } from "../ledger/files.ts";
import { readableText } from "./readable-text.ts";
import type { ArchivePart } from "./zip/read-member.ts";

export interface InputFile {
    /** As it was when it was opened. */
    seen: SeenFile;
    /** How many bytes `read` has to give: those of the file, or what they become when they are expanded and transcoded. */
    sizeBytes: number;
    /** It is taken whole then, and not before it has been still for a while. */
    isCompressed: boolean;
    /** The encoding of the file itself; `read` gives UTF-8. */
    encoding: Encoding;
    /** There when it lies in an archive, whose bytes these are until it is opened for its content (open-content.ts). */
    part?: ArchivePart;
    /** All of the bytes when the file is in memory, as small ones are: then there is no need to wait for `read`. */
    content: Buffer | null;
    /**
     * Exactly `length` bytes from `position`; a large file fills and returns `into`, of that length, when it is given.
     * @throws InputChanged when the file ends before: it was truncated while it was read (a read just ends then).
     * @throws InputFault when the medium fails.
     */
    read(position: number, length: number, into?: Buffer): Promise<Buffer>;
    currentSize(): Promise<number>;
    close(): Promise<void>;
}

/** A file that cannot be read as it is now. `failure.retryAfterMs` says whether a later try may succeed. */
export class InputFault extends Error {
    readonly failure: FileFailure;
    /** The file as it was seen, when it could be opened. */
    seen: SeenFile | null = null;

    constructor(failure: FileFailure, cause?: unknown) {
        super(failure.detail, { cause });
        this.failure = failure;
    }
}

/** Bytes were there and are no longer, or are others than before, while the file was being read. */
export class InputChanged extends InputFault {
    constructor(detail: string) {
        // Whoever writes it may be done in a moment.
        super({ problem: "file_changed", detail, retryAfterMs: 1_000 });
    }
}

const unreadableRetryMs = 5_000;

/** Files up to this size are read at once, into memory: one descriptor, for a moment, however many there are. */
export const smallFileBytes = 1024 * 1024;

/** @throws InputFault when `path` under `inputDir` is no readable regular file; InputChanged when a small one is cut short. */
export async function openInput(inputDir: string, path: string): Promise<InputFile> {
    try {
        const fullPath = join(inputDir, path);
        if (path.includes("/")) refuseLinkedFolder(inputDir, path);
        return readSmall(fullPath) ?? (await openLarge(fullPath));
    } catch (error) {
        if (error instanceof InputFault) throw error;
        const { code } = error as NodeJS.ErrnoException;
        const isEscaped = code === "ENOENT" && (await findEscapedName(inputDir, path)) !== null;
        throw new InputFault(isEscaped ? nameFailure : openFailure(error as NodeJS.ErrnoException), error);
    }
}

/** A folder on the way that is a link may lead anywhere: O_NOFOLLOW is about the file alone. */
function refuseLinkedFolder(inputDir: string, path: string): void {
    const folder = dirname(path);
    if (realpathSync(join(inputDir, folder)) === join(realpathSync(inputDir), folder)) return;
    const detail = "Its folder is a symbolic link.";
    throw new InputFault({ problem: "not_a_regular_file", detail, retryAfterMs: null });
}

// O_NONBLOCK: a FIFO would block the open until somebody writes.
const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * The file in memory, or null when it is large. Not by way of the thread pool: for ten thousand small files that took
 * more CPU than everything else that was done with them (measured: 2 s of 5 s).
 */
function readSmall(fullPath: string): InputFile | null {
    const descriptor = openSync(fullPath, openFlags);
    try {
        const stats = fstatSync(descriptor, { bigint: true });
        refuseIrregular(stats);
        const facts = factsOf(stats);
        if (facts.sizeBytes > smallFileBytes) return null;
        const bytes = readNow(descriptor, facts.sizeBytes);
        return inMemory(facts, bytes, fstatSync(descriptor).size);
    } finally {
        closeSync(descriptor);
    }
}

async function openLarge(fullPath: string): Promise<InputFile> {
    const handle = await open(fullPath, openFlags);
    try {
        const stats = await handle.stat({ bigint: true });
        refuseIrregular(stats);
        return {
            ...factsOf(stats),
            content: null,
            read: (position, length, into) => readExactly(handle, position, length, into),
            currentSize: async () => (await handle.stat()).size,
            close: () => handle.close(),
        };
    } catch (error) {
        await handle.close();
        throw error;
    }
}

function refuseIrregular(stats: BigIntStats): void {
    if (stats.isFile()) return;
    const detail = "It is not a regular file.";
    throw new InputFault({ problem: "not_a_regular_file", detail, retryAfterMs: null });
}

type Facts = Pick<InputFile, "seen" | "sizeBytes" | "isCompressed" | "encoding">;

function factsOf(stats: BigIntStats): Facts {
    return { seen: seenOf(stats), sizeBytes: Number(stats.size), isCompressed: false, encoding: "utf-8" };
}

/** The same file with its bytes in memory: for small ones. */
export async function readIntoMemory(file: InputFile): Promise<InputFile> {
    if (file.content) return file;
    const bytes = await file.read(0, file.sizeBytes);
    const sizeAfter = await file.currentSize();
    await file.close();
    return inMemory(file, bytes, sizeAfter);
}

export function inMemory(facts: Facts, bytes: Buffer, sizeAfter: number): InputFile {
    return {
        ...facts,
        content: bytes,
        read: async (position, length) => bytes.subarray(position, position + length),
        currentSize: async () => sizeAfter,
        close: async () => {},
    };
}

export function seenOf(stats: Pick<BigIntStats, "size" | "mtimeNs" | "ctimeNs" | "ino">): SeenFile {
    return {
        sizeBytes: Number(stats.size),
        mtimeNs: String(stats.mtimeNs),
        ctimeNs: String(stats.ctimeNs),
        inode: String(stats.ino),
    };
}

const nameFailure: FileFailure = {
    problem: "file_name_invalid",
    detail: "Its name is not UTF-8 (invalid bytes are shown as \\xNN). Rename it.",
    retryAfterMs: null,
};

/** The bytes of a name that the ledger has with `\xNN` in it, because it is no UTF-8; null when there is no such file. */
export async function findEscapedName(inputDir: string, name: string): Promise<Buffer | null> {
    if (!name.includes("\\x")) return null;
    const folder = dirname(name);
    const names = await readdir(join(inputDir, folder), { encoding: "buffer" }).catch(() => []);
    const found = names.find((bytes) => !isUtf8(bytes) && readableText(bytes) === basename(name));
    if (found === undefined) return null;
    return folder === "." ? found : Buffer.concat([Buffer.from(`${folder}/`), found]);
}

/** Whether there is nothing of this name, under whatever bytes the folder has it. False when that cannot be seen. */
export async function isGone(inputDir: string, path: string): Promise<boolean> {
    try {
        await lstat(join(inputDir, path));
        return false;
    } catch (error) {
        const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
        return isMissing && (await findEscapedName(inputDir, path)) === null;
    }
}

function openFailure(error: NodeJS.ErrnoException): FileFailure {
    switch (error.code) {
        case "ENOENT":
            return { problem: "file_vanished", detail: "It has disappeared.", retryAfterMs: null };
        case "ELOOP":
            return { problem: "not_a_regular_file", detail: "It is a symbolic link.", retryAfterMs: null };
        case "EACCES":
        case "EPERM":
            return {
                problem: "file_unreadable",
                detail: "Permission denied. Let the user that runs Sluice read it.",
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

async function readExactly(
    handle: FileHandle,
    position: number,
    length: number,
    bytes: Buffer = Buffer.allocUnsafe(length),
): Promise<Buffer> {
    let filled = 0;
    while (filled < length) {
        const at = position + filled;
        const { bytesRead } = await handle.read(bytes, filled, length - filled, at).catch((error) => {
            throw readFault(error, at);
        });
        if (bytesRead === 0) throw endedEarly(at);
        filled += bytesRead;
    }
    return bytes;
}

function readNow(descriptor: number, length: number): Buffer {
    let bytes: Buffer;
    try {
        bytes = readFileSync(descriptor);
    } catch (error) {
        throw readFault(error as NodeJS.ErrnoException, 0);
    }
    if (bytes.length < length) throw endedEarly(bytes.length);
    return bytes.subarray(0, length);
}

function readFault(error: NodeJS.ErrnoException, at: number): InputFault {
    const detail = `Reading it failed at byte ${at} (${error.code ?? error.message}).`;
    return new InputFault({ problem: "file_unreadable", detail, retryAfterMs: unreadableRetryMs }, error);
}

function endedEarly(at: number): InputChanged {
    return new InputChanged(`The file ended at byte ${at} while it was read.`);
}

const hashBlockBytes = 1024 * 1024;

/** The sha-256, in hex, of a byte range. Between two blocks `rest` has its turn: "stopped" once that gives false. */
export async function hashRange(
    file: InputFile,
    firstByte: number,
    endByte: number,
    rest: (() => Promise<boolean>) | null = null,
): Promise<string> {
    const hasher = new Bun.CryptoHasher("sha256");
    for (let at = firstByte; at < endByte; at += hashBlockBytes) {
        if (rest !== null && at > firstByte && !(await rest())) return "stopped";
        hasher.update(await file.read(at, Math.min(hashBlockBytes, endByte - at)));
    }
    return hasher.digest("hex");
}
