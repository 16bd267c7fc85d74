/**
 * Writes one file under a name that no reader takes, then makes it visible, whole. Never overwrites a file, however many
 * generators there are. Leaves no temporary file, short of kill -9.
 *
 * System calls are synchronous: awaiting each made 10,000 small files take three times as long. The event loop gets a
 * turn after each piece.
 */
import { randomBytes } from "node:crypto";
import { appendFileSync, closeSync, linkSync, lstatSync, openSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as yieldTurn } from "node:timers/promises";

export interface FilePlan {
    outputDir: string;
    fileSeconds: number;
    /** The first index to try. */
    index: number;
    pieces: Iterable<Uint8Array>;
}

export interface PublishedFile {
    name: string;
    /** The one in its name. */
    index: number;
    bytes: number;
}

/** Null when it was aborted before the file was complete. */
export async function publishFile(plan: FilePlan, signal: AbortSignal): Promise<PublishedFile | null> {
    const aside = join(plan.outputDir, `.events_${plan.fileSeconds}_${randomBytes(8).toString("hex")}.tmp`);
    try {
        const bytes = await writePieces(aside, plan.pieces, signal);
        return bytes === null ? null : { bytes, ...takeFirstFreeName(aside, plan) };
    } finally {
        rmSync(aside, { force: true });
    }
}

async function writePieces(path: string, pieces: Iterable<Uint8Array>, signal: AbortSignal): Promise<number | null> {
    const file = openSync(path, "wx");
    try {
        let bytes = 0;
        for (const piece of pieces) {
            appendFileSync(file, piece);
            bytes += piece.length;
            await yieldTurn();
            if (signal.aborted) return null;
        }
        return bytes;
    } finally {
        closeSync(file);
    }
}

function takeFirstFreeName(aside: string, { outputDir, fileSeconds, index: firstIndex }: FilePlan) {
    for (let index = firstIndex; ; index++) {
        const name = `events_${fileSeconds}_${index}.csv`;
        if (takeName(aside, join(outputDir, name))) return { name, index };
    }
}

const noHardLinks = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/** False when the name is in use. link, unlike rename, refuses to replace what is there. */
function takeName(aside: string, path: string): boolean {
    try {
        linkSync(aside, path);
        return true;
    } catch (error) {
        const { code = "" } = error as NodeJS.ErrnoException;
        if (code === "EEXIST") return false;
        if (!noHardLinks.has(code)) throw error;
    }
    // A file system without hard links leaves a moment between looking and renaming.
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return false;
    renameSync(aside, path);
    return true;
}
