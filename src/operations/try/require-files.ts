/** Whether what the command line names are files at all: a name that is none is most often a slip. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { exitCodes, SluiceError } from "../../errors.ts";

/** `places`: where else they were looked for. @throws SluiceError (usage) that names each that is missing or a folder */
export function requireFiles(paths: readonly string[], places = ""): void {
    const faults = paths.map((path) => findFault(path, places)).filter((fault) => fault !== null);
    if (faults.length === 0) return;
    throw new SluiceError({
        code: "no_such_file",
        what: faults.map(({ what }) => what).join("\n"),
        from: "the command line",
        remedy: [...new Set(faults.map(({ remedy }) => remedy))].join("\n"),
        exitCode: exitCodes.usage,
    });
}

function findFault(path: string, places: string): { what: string; remedy: string } | null {
    try {
        if (!statSync(path).isDirectory()) return null;
        return { what: `${path} is a folder.`, remedy: `Name the files in it, such as ${join(path, "*.csv")}.` };
    } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== "ENOENT" && code !== "ENOTDIR") return null;
        return {
            what: `There is no file ${path}${places}.`,
            remedy: "Name a CSV file that exists.",
        };
    }
}
