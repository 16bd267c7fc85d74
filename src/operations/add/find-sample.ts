/** From what the command line names to the glob of a stream's files, and the file to look at: the newest that it takes. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { exitCodes, SluiceError } from "../../errors.ts";
import { claims } from "../../streams/route-files.ts";
import { requireFiles } from "../try/require-files.ts";
import { filesOf } from "./name-stream.ts";

export interface Sample {
    /** For the stream: a glob of paths in the watched folder. */
    files: string;
    /** Null: the glob takes no file yet. */
    path: string | null;
}

/** `named`: files, or one glob of paths in the watched folder. `files`: the glob, where the user says it. */
export function findSample(named: readonly string[], inputDir: string, files: string | null): Sample {
    const [first, ...others] = named as [string, ...string[]];
    if (others.length === 0 && isGlob(first) && !existsSync(first)) {
        const glob = files ?? withinFolder(first, inputDir);
        return { files: glob, path: newest(filesTaken(glob, inputDir)) };
    }
    const paths = named.map((path) => placeOf(path, inputDir));
    requireFiles(paths, `, neither in the working folder nor in the input folder ${inputDir}`);
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
    return { files: files ?? globs[0]!, path: newest(paths) };
}

/** A file that is named as the input folder names it is found there, unless the working folder has one of that name. */
function placeOf(path: string, inputDir: string): string {
    const inside = join(inputDir, path);
    return isAbsolute(path) || existsSync(path) || !existsSync(inside) ? path : inside;
}

function isGlob(text: string): boolean {
    return /[*?[{]/.test(text);
}

/** A shell shows the folder, too: `data/input_data/orders-*.csv`. */
function withinFolder(glob: string, inputDir: string): string {
    const inside = relative(resolve(inputDir), resolve(glob));
    return inside.startsWith("..") ? glob : inside;
}

function filesTaken(glob: string, inputDir: string): string[] {
    if (!existsSync(inputDir)) return [];
    const paths = readdirSync(inputDir, { recursive: true, encoding: "utf8" });
    return paths.filter((path) => claims(glob, path)).map((path) => join(inputDir, path));
}

function newest(paths: readonly string[]): string | null {
    const files = paths.map((path) => ({ path, stats: statSync(path) })).filter(({ stats }) => stats.isFile());
    files.sort((a, b) => b.stats.mtimeMs - a.stats.mtimeMs || (a.path < b.path ? 1 : -1));
    return files[0]?.path ?? null;
}
