/** The watched folder as an inbox: files by lstat, which may grow, be rewritten or be cut short at any moment. */
import { lstat, stat } from "node:fs/promises";
import { join } from "node:path";
import type { SeenFile } from "../ledger/files.ts";
import { findEscapedName, isGone, openInput, seenOf } from "../read/open-input.ts";
import type { Inbox } from "./inbox.ts";
import { withArchives } from "./with-archives.ts";

export function createFolderInbox(inputDir: string): Inbox {
    return withArchives({
        name: inputDir,
        place: null,
        see: (path) => see(inputDir, path),
        expect() {},
        open: (path) => openInput(inputDir, path),
        isGone: (path) => isGone(inputDir, path),
        async identity() {
            const stats = await stat(inputDir).catch(() => null);
            return stats === null ? null : `${stats.dev} ${stats.ino}`;
        },
    });
}

/** Null when the file is gone again. Directories are none of ours; what else is no regular file fails when it is opened. */
async function see(inputDir: string, name: string): Promise<SeenFile | null> {
    try {
        const stats = await lstat(join(inputDir, name), { bigint: true });
        return stats.isDirectory() ? null : seenOf(stats);
    } catch {
        return name.includes("\\x") ? await seeEscaped(inputDir, name) : null;
    }
}

/** A file whose name is no UTF-8: it is listed, so that it fails where everybody sees it (openInput). */
async function seeEscaped(inputDir: string, name: string): Promise<SeenFile | null> {
    const bytes = await findEscapedName(inputDir, name);
    if (bytes === null) return null;
    const path = Buffer.concat([Buffer.from(`${inputDir}/`), bytes]);
    const stats = await lstat(path, { bigint: true }).catch(() => null);
    return stats === null || stats.isDirectory() ? null : seenOf(stats);
}
