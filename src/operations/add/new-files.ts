/** Writes files that are not there yet: all of them, or none. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { exitCodes, SluiceError } from "../../errors.ts";

export interface NewFile {
    path: string;
    text: string;
}

/** @throws SluiceError `file_exists` before anything is written */
export function refuseExisting(files: readonly NewFile[]): void {
    const taken = files.find(({ path }) => existsSync(path));
    if (taken === undefined) return;
    throw new SluiceError({
        code: "file_exists",
        what: `The file ${taken.path} exists already; nothing was written.`,
        remedy: "Choose another name (--name), or edit that file by hand: --print shows what would be written.",
        exitCode: exitCodes.usage,
    });
}

export function writeNewFiles(files: readonly NewFile[]): void {
    refuseExisting(files);
    const written: NewFile[] = [];
    try {
        for (const file of files) {
            mkdirSync(dirname(file.path), { recursive: true });
            writeFileSync(file.path, file.text, { flag: "wx" });
            written.push(file);
        }
    } catch (error) {
        removeNewFiles(written);
        throw error;
    }
}

/** For what could not be carried through. */
export function removeNewFiles(files: readonly NewFile[]): void {
    for (const { path } of files) rmSync(path, { force: true });
}

/** `0003_orders.sql`, behind all that are there, and behind those that the database has had and whose files are gone. */
export function migrationPath(folder: string, name: string, applied: readonly string[]): string {
    const names = [...(existsSync(folder) ? readdirSync(folder) : []), ...applied];
    const numbers = names.map((file) => Number(/^(\d{4})_.*\.sql$/.exec(file)?.[1] ?? -1));
    const next = Math.max(-1, ...numbers) + 1;
    return join(folder, `${String(next).padStart(4, "0")}_${name}.sql`);
}
