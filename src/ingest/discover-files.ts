/**
 * Finds the files of the watched folder and keeps the ledger's list of them. Polling is the truth; `fs.watch` only says
 * when to look and where.
 *
 * A look at names alone (readdir) finds new files; every file is looked at (lstat) when it is new, when the watch named
 * it, or on a full pass, which comes round so seldom that it costs a few percent of the time at most.
 */
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { SourceConfig } from "../config-file/source-config.ts";
import { sourceKey, sourceOf } from "../config-file/source-of.ts";
import type { IngestContext } from "./context.ts";
import { inputFolderError } from "./input-folder.ts";
import { type LedgerFile, registerFiles, reopenFiles, type SeenFile } from "./ledger.ts";
import { findEscapedName, seenOf } from "./open-input.ts";
import { readableText } from "./readable-text.ts";
import type { TailWatch } from "./watch-tails.ts";

export interface Discovery {
    /** Looks once and brings the ledger up to date. Returns how many files are new or changed. */
    look(hints: FolderHints): Promise<number>;
}

export interface FolderHints {
    /** Names that the watch reported since the last look. */
    names: Set<string>;
    /** The watch lost track, or there is none: look at every file. */
    isOverflow: boolean;
}

const registerAtOnce = 2_000;
const lstatAtOnce = 64;
/** A full pass may take this share of the time. */
const fullPassShare = 0.05;
const fullPassAtLeastEveryMs = 30_000;

/** Whether a name is an input file that is ready to be read. */
export function isReadyName(name: string): boolean {
    if (name.startsWith(".") || name.startsWith("_")) return false;
    return /\.csv(\.gz|\.zst)?$/i.test(name);
}

export function createDiscovery(context: IngestContext, tails: TailWatch): Discovery {
    const known = new Map<string, SeenFile>();
    let nextFullPassAt = 0;
    return {
        async look({ names, isOverflow }) {
            const startedAt = performance.now();
            const present = (await readFolder(context.config.inputDir)).filter(isReadyName);
            const isFullPass = isOverflow || startedAt >= nextFullPassAt;
            // What was reported is looked up in the ledger even if it looks the same: it may have gone and come back.
            for (const name of names) known.delete(name);
            const toSee = isFullPass ? present : present.filter((name) => !known.has(name));
            const changed = await seeFiles(context.config.inputDir, toSee, known);
            if (isFullPass) {
                forgetGone(known, present);
                const took = performance.now() - startedAt;
                nextFullPassAt = performance.now() + Math.min(took / fullPassShare, fullPassAtLeastEveryMs);
            }
            for (let from = 0; from < changed.length; from += registerAtOnce) {
                const page = changed.slice(from, from + registerAtOnce);
                await register(context, tails, page);
                // Only now: a look that failed half-way must find them again.
                for (const { path, ...seen } of page) known.set(path, seen);
            }
            return changed.length;
        },
    };
}

async function readFolder(inputDir: string): Promise<string[]> {
    try {
        const names = await readdir(inputDir);
        // A name that is no UTF-8 came out with U+FFFD, and no file has that name.
        return names.some((name) => name.includes("\ufffd")) ? await readEscapedNames(inputDir) : names;
    } catch (error) {
        throw inputFolderError(inputDir, error);
    }
}

async function readEscapedNames(inputDir: string): Promise<string[]> {
    return (await readdir(inputDir, { encoding: "buffer" })).map(readableText);
}

async function seeFiles(
    inputDir: string,
    names: string[],
    known: Map<string, SeenFile>,
): Promise<(SeenFile & { path: string })[]> {
    const changed: (SeenFile & { path: string })[] = [];
    for (let from = 0; from < names.length; from += lstatAtOnce) {
        const page = names.slice(from, from + lstatAtOnce);
        const seen = await Promise.all(page.map((name) => see(inputDir, name)));
        for (const [index, path] of page.entries()) {
            const now = seen[index];
            if (now && !isSame(known.get(path), now)) changed.push({ path, ...now });
        }
    }
    return changed;
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

function isSame(left: SeenFile | undefined, right: SeenFile): boolean {
    return (
        left !== undefined &&
        left.sizeBytes === right.sizeBytes &&
        left.mtimeNs === right.mtimeNs &&
        left.inode === right.inode
    );
}

function forgetGone(known: Map<string, SeenFile>, present: string[]): void {
    if (known.size === 0) return;
    const names = new Set(present);
    for (const path of known.keys()) if (!names.has(path)) known.delete(path);
}

async function register(
    context: IngestContext,
    tails: TailWatch,
    seen: (SeenFile & { path: string })[],
): Promise<void> {
    const seenByPath = new Map(seen.map((file) => [file.path, file]));
    const rows = await registerFiles(context.sql, seen);
    const toReopen: number[] = [];
    for (const row of rows) {
        const now = seenByPath.get(row.path);
        if (!now) continue;
        tails.forget(row.fileId);
        const source = sourceOf(context.config.sources ?? [], row.path);
        if (needsReopening(row, now) || isReadOtherwise(row, source)) toReopen.push(row.fileId);
    }
    if (toReopen.length > 0) await reopenFiles(context.sql, toReopen);
}

/** A file that failed before anything of it got in, under a configuration that has changed since. */
function isReadOtherwise(row: LedgerFile, source: SourceConfig | null): boolean {
    return row.state === "failed" && row.loadedBytes === 0 && sourceKey(row.source) !== sourceKey(source);
}

/** A file that the ledger thinks done with, but that no longer looks as the ledger remembers it. */
function needsReopening(row: LedgerFile, now: SeenFile): boolean {
    if (row.state === "pending" || row.state === "replaced") return false;
    if (row.state === "failed" && row.problem === "file_vanished") return true;
    return !isSame(row, now);
}
