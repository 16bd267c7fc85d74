/** Whether what the command line names are files at all: a name that is none is most often a slip. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { exitCodes, SluiceError } from "../../errors.ts";

/** @throws SluiceError (usage) that names each that is missing or a folder */
export function requireFiles(paths: readonly string[]): void {
    const faults = paths.map(findFault).filter((fault) => fault !== null);
    if (faults.length === 0) return;
    throw new SluiceError({
        code: "no_such_file",
        what: faults.map(({ what }) => what).join("\n"),
        from: "the command line",
        remedy: [...new Set(faults.map(({ remedy }) => remedy))].join("\n"),
        exitCode: exitCodes.usage,
    });
}

function findFault(path: string): { what: string; remedy: string } | null {
    try {
        if (!statSync(path).isDirectory()) return null;
        return { what: `${path} is a folder.`, remedy: `Name the files in it, such as ${join(path, "*.csv")}.` };
    } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== "ENOENT" && code !== "ENOTDIR") return null;
        return { what: `There is no file ${path}.`, remedy: "See with ls what there is, and name a CSV file." };
    }
}
