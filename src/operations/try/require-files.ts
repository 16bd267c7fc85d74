/** Whether what the command line names are files at all: a name that is none is most often a slip. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { locateFile } from "../../engine/discover/locate-file.ts";
import { exitCodes, SluiceError } from "../../errors.ts";
import { isInBucket } from "../../streams/route-files.ts";

/**
 * `places`: where else they were looked for.
 * @throws SluiceError (usage) that names each that is missing or a folder; BucketFault for a bucket that cannot be used
 */
export async function requireFiles(paths: readonly string[], places = ""): Promise<void> {
    const faults = [];
    for (const path of paths) {
        const fault = isInBucket(path) ? await findObjectFault(path) : findFault(path, places);
        if (fault !== null) faults.push(fault);
    }
    if (faults.length === 0) return;
    throw new SluiceError({
        code: "no_such_file",
        what: faults.map(({ what }) => what).join("\n"),
        from: "the command line",
        remedy: [...new Set(faults.map(({ remedy }) => remedy))].join("\n"),
        exitCode: exitCodes.usage,
    });
}

interface Fault {
    what: string;
    remedy: string;
}

function findFault(path: string, places: string): Fault | null {
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

async function findObjectFault(address: string): Promise<Fault | null> {
    const { inbox, path } = locateFile(address);
    if ((await inbox.see(path)) !== null) return null;
    return {
        what: `There is no object ${address}.`,
        remedy: "Name one object by its whole address; * stands for itself.",
    };
}
