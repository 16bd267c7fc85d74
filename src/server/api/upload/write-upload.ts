/** Writes an upload beside the watched files under a name that no reader takes, then makes it visible whole. */
import { randomBytes } from "node:crypto";
import { link, lstat, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Problem } from "../problem.ts";

/**
 * Returns its bytes, or null when a file of that name was there already: then nothing was written.
 * Streams: holds one piece in memory. On the disk before it is visible. Whatever fails, nothing stays aside.
 * @throws Problem body_too_large, invalid_body (no byte), folder_unavailable
 */
export async function writeUpload(
    folder: string,
    path: string,
    content: AsyncIterable<Uint8Array>,
    maxBytes: number,
): Promise<number | null> {
    const target = join(folder, path);
    const aside = join(dirname(target), `.upload_${randomBytes(8).toString("hex")}.part`);
    try {
        // Below the watched folder alone: that one is the operator's to make.
        if (path.includes("/")) await makeFolders(folder, dirname(path));
        const bytes = await writeAside(aside, content, maxBytes);
        return (await takeName(aside, target)) ? bytes : null;
    } catch (error) {
        throw toFolderProblem(error) ?? error;
    } finally {
        await rm(aside, { force: true }).catch(() => {});
    }
}

async function makeFolders(folder: string, path: string): Promise<void> {
    let at = folder;
    for (const name of path.split("/")) {
        at = join(at, name);
        await mkdir(at).catch((error: NodeJS.ErrnoException) => {
            if (error.code !== "EEXIST") throw error;
        });
    }
}

async function writeAside(path: string, content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<number> {
    const file = await open(path, "wx", 0o644);
    try {
        let bytes = 0;
        for await (const piece of content) {
            bytes += piece.length;
            if (bytes > maxBytes) throw uploadTooLarge(maxBytes);
            await writeWhole(file, piece);
        }
        if (bytes === 0) throw emptyUpload();
        await file.sync();
        return bytes;
    } finally {
        await file.close();
    }
}

/** A write may take less than it was given. */
async function writeWhole(file: Awaited<ReturnType<typeof open>>, piece: Uint8Array): Promise<void> {
    let written = 0;
    while (written < piece.length) written += (await file.write(piece, written)).bytesWritten;
}

const noHardLinks = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/** link, unlike rename, refuses to replace what is there. */
async function takeName(aside: string, path: string): Promise<boolean> {
    try {
        await link(aside, path);
        return true;
    } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? "";
        if (code === "EEXIST") return false;
        if (!noHardLinks.has(code)) throw error;
    }
    if (await isThere(path)) return false;
    await rename(aside, path);
    return true;
}

export async function isThere(path: string): Promise<boolean> {
    return await lstat(path).then(
        () => true,
        () => false,
    );
}

export function uploadTooLarge(maxBytes: number): Problem {
    return new Problem(
        "body_too_large",
        `The limit is ${maxBytes} bytes. Send several files, or put the file into the input folder.`,
    );
}

export function emptyUpload(): Problem {
    return new Problem("invalid_body", "The body is empty. Send CSV with a header line.");
}

const folderFaults = new Set(["ENOENT", "ENOTDIR", "EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EIO"]);

/** Without the path: a caller need not know where the folder is. */
function toFolderProblem(error: unknown): Problem | undefined {
    const code = (error as NodeJS.ErrnoException | null)?.code ?? "";
    if (!folderFaults.has(code)) return undefined;
    return new Problem("folder_unavailable", `Writing to it failed (${code}).`, { cause: error });
}
