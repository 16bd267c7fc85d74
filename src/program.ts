/**
 * What this program is made of, in each of its forms: a checkout, the npm package, the executable. SQL and migrations are
 * read through here alone, so that the builds can put them inside.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { builtFiles } from "./built-files.ts";

export type ProgramForm = "checkout" | "package" | "executable";

export const programForm: ProgramForm = builtFiles?.form ?? "checkout";

export interface ProgramFiles {
    /** Names of the folder's files and folders, sorted. */
    list(folder: string): string[];
    /** @throws when there is no such file */
    read(path: string): string;
}

/** Reads from the disk. */
export function filesIn(rootDir: string): ProgramFiles {
    return {
        list: (folder) => readdirSync(join(rootDir, folder)).sort(),
        read: (path) => readFileSync(join(rootDir, path), "utf8"),
    };
}

/** Reads from a build's memory. */
export function filesOf(texts: Record<string, string>): ProgramFiles {
    return {
        list(folder) {
            const inside = Object.keys(texts).filter((path) => path.startsWith(`${folder}/`));
            return [...new Set(inside.map((path) => path.slice(folder.length + 1).split("/")[0]!))].sort();
        },
        read(path) {
            const text = texts[path];
            if (text === undefined) throw new Error(`This build of Sluice was made without ${path}.`);
            return text;
        },
    };
}

export const programFiles = builtFiles === null ? filesIn(join(import.meta.dir, "..")) : filesOf(builtFiles.texts);

/** How to get a package that is missing. */
export const packagesRemedy =
    programForm === "package"
        ? "Install the npm package again, without --omit=optional."
        : "Run `bun install --frozen-lockfile`.";

/** The command line that starts another process of this program: `["ingest", "--trigger", "2s"]`. */
export function programCommand(args: readonly string[]): string[] {
    if (programForm === "executable") return [process.execPath, ...args];
    if (programForm === "package") return [process.execPath, "--no-install", Bun.main, ...args];
    return [process.execPath, join(import.meta.dir, "../scripts/sluice.ts"), ...args];
}
