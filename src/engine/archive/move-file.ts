/** Moves a file under a name that is free: nothing is overwritten, whatever arrives meanwhile. */
import { constants } from "node:fs";
import { copyFile, link, lstat, open, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";

/** The longest names in bytes: most file systems take 255, some that encrypt about 140. */
const nameLimits = [255, 140, 60];
const mostNames = 1_000;

/**
 * As `name`, else as `STEM.SUFFIX.csv`, `STEM.SUFFIX-2.csv` and so on, shortened to what the folder takes. Returns the
 * name. A hard link is the only way to a name that never overwrites one; across file systems, or without links, a copy.
 */
export async function moveWithoutOverwriting(
    from: string,
    folder: string,
    name: string,
    suffix: string,
): Promise<string> {
    for (const [attempt, most] of nameLimits.entries()) {
        try {
            for (const candidate of freeNames(name, suffix, most)) {
                if (!(await linkOrCopy(from, join(folder, candidate), suffix))) continue;
                await unlink(from);
                return candidate;
            }
        } catch (error) {
            const isTooLong = (error as NodeJS.ErrnoException).code === "ENAMETOOLONG";
            if (!isTooLong || attempt === nameLimits.length - 1) throw error;
        }
    }
    throw new Error(`${name} and ${mostNames} names made of it are taken in ${folder}`);
}

/** The names under which moveWithoutOverwriting puts a file, in its order. */
export function* freeNames(name: string, suffix: string, mostBytes = nameLimits[0]!): Generator<string> {
    yield cutName(name, "", mostBytes);
    yield cutName(name, `.${suffix}`, mostBytes);
    for (let count = 2; count < mostNames; count += 1) yield cutName(name, `.${suffix}-${count}`, mostBytes);
}

/** `orders.csv.gz` with `.7` is `orders.7.csv.gz`: it stays a name that is read. A long stem is cut, between characters. */
function cutName(name: string, infix: string, mostBytes: number): string {
    const ending = /(?<!^)(?:\.[^.]{1,16})?(?:\.(?:gz|zst))?$/i.exec(name)?.[0] ?? "";
    let stem = name.slice(0, name.length - ending.length);
    const isTooLong = () => Buffer.byteLength(stem) + Buffer.byteLength(infix + ending) > mostBytes;
    if (isTooLong()) {
        const characters = [...stem];
        while (characters.length > 1 && isTooLong()) {
            characters.pop();
            stem = characters.join("");
        }
    }
    return `${stem}${infix}${ending}`;
}

/** False when the name is taken. */
async function linkOrCopy(from: string, to: string, suffix: string): Promise<boolean> {
    try {
        await link(from, to);
    } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "EEXIST") return false;
        if (code !== "EXDEV" && code !== "EPERM" && code !== "ENOTSUP") throw error;
        if (await isTaken(to)) return false;
        await copyDurably(from, to, suffix);
    }
    return true;
}

async function isTaken(path: string): Promise<boolean> {
    try {
        await lstat(path);
        return true;
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
        throw error;
    }
}

async function copyDurably(from: string, to: string, suffix: string): Promise<void> {
    // Hidden, and short however long the name is.
    const partial = join(dirname(to), `.sluice-${suffix}.partial`);
    const { atime, mtime } = await lstat(from);
    await copyFile(from, partial, constants.COPYFILE_FICLONE);
    const handle = await open(partial, "r+");
    try {
        await handle.utimes(atime, mtime);
        await handle.sync();
    } finally {
        await handle.close();
    }
    await rename(partial, to);
}
