/** What the folders of a file say of a table's columns: `day=2026-05-01/`. Pure. */
import { readFolder } from "../../streams/path-values.ts";

/** Columns whose value stands in a folder of the path, and not in the file. */
export function proposePartitions(
    path: string,
    columns: readonly { name: string }[],
    fileNames: readonly string[],
): string[] {
    const inFile = new Set(fileNames.map((name) => name.toLowerCase()));
    const named = foldersWithValues(path).map((name) => name.toLowerCase());
    return columns
        .map(({ name }) => name)
        .filter((name) => named.includes(name.toLowerCase()) && !inFile.has(name.toLowerCase()));
}

/** The names of the columns. */
export function foldersWithValues(path: string): string[] {
    const folders = path.split(/[\\/]/).slice(0, -1);
    return [...new Set(folders.flatMap((folder) => readFolder(folder)?.name ?? []))];
}

/** The glob for all values of these columns: one that was made of a path has the value of one file. */
export function widenFiles(files: string, partitions: readonly string[]): string {
    const names = partitions.map((name) => name.toLowerCase());
    return files
        .split("/")
        .map((segment, index, all) => {
            const folder = index === all.length - 1 ? null : readFolder(segment);
            return folder !== null && names.includes(folder.name.toLowerCase())
                ? `${segment.slice(0, segment.indexOf("="))}=*`
                : segment;
        })
        .join("/");
}
