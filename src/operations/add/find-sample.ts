/** From what the command line names to the glob of a stream's files, and the file to look at: the newest that it takes. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { createFolderInbox } from "../../engine/discover/folder-inbox.ts";
import { locateFile } from "../../engine/discover/locate-file.ts";
import { openArchives } from "../../engine/discover/open-archives.ts";
import { exitCodes, SluiceError } from "../../errors.ts";
import { placeOf } from "../../streams/archive-path.ts";
import { claims, isInBucket } from "../../streams/route-files.ts";
import { openNamed, requireFiles } from "../try/require-files.ts";
import { filesOf } from "./name-stream.ts";
import { newestObject } from "./newest-object.ts";

export interface Sample {
    /** For the stream: a glob of paths in the watched folder, or of addresses of objects. */
    files: string;
    /** Null: the glob takes no file yet. */
    path: string | null;
    /** `files` is what somebody wrote, and not made of a file's path. */
    isFilesGiven: boolean;
}

/**
 * `named`: files, or one glob of paths in the watched folder, or of addresses. `files`: the glob, where the user says it.
 * @throws SluiceError (usage) for files that are not there or have no one glob; BucketFault for a bucket that cannot be used
 */
export async function findSample(named: readonly string[], inputDir: string, files: string | null): Promise<Sample> {
    const [first, ...others] = named as [string, ...string[]];
    if (others.length === 0 && isGlob(first) && !existsSync(first)) {
        const glob = files ?? withinFolder(first, inputDir);
        return { files: glob, path: await newestTaken(glob, inputDir), isFilesGiven: true };
    }
    const paths = await openNamed(named.map((path) => placeIn(path, inputDir)));
    await requireFiles(paths, `, neither in the working folder nor in the input folder ${inputDir}`);
    const globs = [...new Set(paths.map((path) => filesOf(path, inputDir)))];
    if (files === null && globs.length > 1) {
        throw new SluiceError({
            code: "no_one_glob",
            what: `No single glob clearly describes ${named.join(", ")}.`,
            from: "the command line",
            remedy: "Name the files of the stream: --files 'orders-*.csv'.",
            exitCode: exitCodes.usage,
        });
    }
    return { files: files ?? globs[0]!, path: await newest(paths), isFilesGiven: files !== null };
}

/** A file that is named as the input folder names it is found there, unless the working folder has one of that name. */
function placeIn(path: string, inputDir: string): string {
    if (isInBucket(path) || isAbsolute(path) || existsSync(placeOf(path))) return path;
    if (isInBucket(inputDir)) return `${inputDir.replace(/\/+$/, "")}/${path}`;
    const inside = join(inputDir, path);
    return existsSync(placeOf(inside)) ? inside : path;
}

function isGlob(text: string): boolean {
    return /[*?[{]/.test(text);
}

/** A shell shows the folder, too: `data/input_data/orders-*.csv`. */
function withinFolder(glob: string, inputDir: string): string {
    if (isInBucket(glob) || isInBucket(inputDir)) return glob;
    const inside = relative(resolve(inputDir), resolve(glob));
    return inside.startsWith("..") ? glob : inside;
}

async function newestTaken(glob: string, inputDir: string): Promise<string | null> {
    if (isInBucket(glob) || isInBucket(inputDir)) return await newestObject(glob, inputDir);
    if (!existsSync(inputDir)) return null;
    const names = readdirSync(inputDir, { recursive: true, encoding: "utf8" });
    const paths = await openArchives(createFolderInbox(inputDir), names, () => true);
    return await newest(paths.filter((path) => claims(glob, path)).map((path) => join(inputDir, path)));
}

async function newest(paths: readonly string[]): Promise<string | null> {
    const files: { path: string; writtenMs: number }[] = [];
    for (const path of paths) {
        const writtenMs = isInBucket(path) ? await objectWrittenMs(path) : fileWrittenMs(path);
        if (writtenMs !== null) files.push({ path, writtenMs });
    }
    files.sort((a, b) => b.writtenMs - a.writtenMs || (a.path < b.path ? 1 : -1));
    return files[0]?.path ?? null;
}

function fileWrittenMs(path: string): number | null {
    const stats = statSync(placeOf(path));
    return stats.isFile() ? stats.mtimeMs : null;
}

async function objectWrittenMs(address: string): Promise<number | null> {
    const { inbox, path } = locateFile(address);
    const seen = await inbox.see(path);
    return seen === null ? null : Number(seen.mtimeNs) / 1e6;
}
