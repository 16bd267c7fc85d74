/** The names in the watched folder and, where a stream has files in subfolders, the paths in these. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isUnfinishedName } from "../../streams/input-names.ts";
import { inputFolderError } from "../input-folder.ts";
import { readableText } from "../read/readable-text.ts";

/**
 * All names at the top, also of folders, and all paths of files in the subfolders that `isWanted`. Hidden folders and those that
 * begin with `_` are left alone, as are links to folders.
 * @throws SluiceError of the folder itself; a subfolder that cannot be read has no files.
 */
export async function listFolder(inputDir: string, isWanted: ((folder: string) => boolean) | null): Promise<string[]> {
    try {
        if (isWanted === null) return await readNames(inputDir);
        return await listTree(inputDir, isWanted);
    } catch (error) {
        throw inputFolderError(inputDir, error);
    }
}

async function readNames(folder: string): Promise<string[]> {
    const names = await readdir(folder);
    // A name that is no UTF-8 came out with U+FFFD, and no file has that name.
    return names.some((name) => name.includes("\ufffd")) ? await readEscapedNames(folder) : names;
}

async function readEscapedNames(folder: string): Promise<string[]> {
    return (await readdir(folder, { encoding: "buffer" })).map(readableText);
}

async function listTree(inputDir: string, isWanted: (folder: string) => boolean): Promise<string[]> {
    const paths = await readNames(inputDir);
    const open = await foldersIn(inputDir, "", isWanted);
    for (const folder of open) {
        const entries = await readNames(join(inputDir, folder)).catch(() => []);
        const folders = await foldersIn(inputDir, folder, isWanted).catch(() => []);
        const names = new Set(folders);
        for (const name of entries) {
            const path = `${folder}/${name}`;
            if (!names.has(path)) paths.push(path);
        }
        open.push(...folders);
    }
    return paths;
}

async function foldersIn(inputDir: string, folder: string, isWanted: (folder: string) => boolean): Promise<string[]> {
    const entries = await readdir(join(inputDir, folder), { withFileTypes: true });
    return entries
        .filter((entry) => entry.isDirectory() && !isUnfinishedName(entry.name) && !entry.name.includes("\ufffd"))
        .map(({ name }) => (folder === "" ? name : `${folder}/${name}`))
        .filter(isWanted);
}
