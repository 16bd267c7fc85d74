/** The input files of a reset with `--delete-files`. */
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { SluiceError } from "../errors.ts";
import { formatCount } from "../terminal/format.ts";
import { sanitize } from "../terminal/sanitize.ts";

/**
 * Names of the regular `*.csv` files directly in the folder, sorted. Not in it: links, folders, and names that begin
 * with `.` or `_`, which somebody is still writing. A folder that does not exist has none.
 */
export async function listInputFiles(folder: string): Promise<string[]> {
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return [];
        throw error;
    });
    return entries
        .filter((entry) => entry.isFile() && /^[^._].*\.csv$/i.test(entry.name))
        .map((entry) => entry.name)
        .sort();
}

/** Their bytes together; one that is gone meanwhile has none. */
export async function measureFiles(folder: string, names: readonly string[]): Promise<number> {
    const sizes = await Promise.all(
        names.map((name) =>
            stat(join(folder, name)).then(
                ({ size }) => size,
                () => 0,
            ),
        ),
    );
    return sizes.reduce((sum, size) => sum + size, 0);
}

/** Deletes them; one that is gone already is fine. Throws SluiceError `files_left` that names the first that stays. */
export async function deleteFiles(folder: string, names: readonly string[]): Promise<void> {
    const failures: { name: string; cause: unknown }[] = [];
    for (const name of names) {
        await rm(join(folder, name), { force: true }).catch((cause) => failures.push({ name, cause }));
    }
    const [first] = failures;
    if (!first) return;
    throw new SluiceError({
        code: "files_left",
        what: `The database was reset, but ${formatCount(failures.length, "file")} could not be deleted, such as ${sanitize(first.name)}.`,
        remedy: `Delete them by hand in ${folder}: the next ingest would read them again.`,
        cause: first.cause,
    });
}
