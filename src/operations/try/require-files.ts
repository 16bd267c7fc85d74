/** Whether what the command line names are files at all: a name that is none is most often a slip. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { locateFile } from "../../engine/discover/locate-file.ts";
import { exitCodes, SluiceError } from "../../errors.ts";
import { isArchive, memberPath, placeOf, splitMember } from "../../streams/archive-path.ts";
import { isInBucket } from "../../streams/route-files.ts";

/**
 * `places`: where else they were looked for.
 * @throws SluiceError (usage) that names each that is missing or a folder; BucketFault for a bucket that cannot be used
 */
export async function requireFiles(paths: readonly string[], places = ""): Promise<void> {
    const faults = [];
    for (const path of paths) {
        const isMember = splitMember(path) !== null;
        const isObject = isInBucket(path);
        const fault = isMember
            ? await findMemberFault(path)
            : isObject
              ? await findObjectFault(path)
              : findFault(path, places);
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

/** The files with those in archives in the place of these; an archive that is not there, or cannot be read, stays. */
export async function openNamed(paths: readonly string[]): Promise<string[]> {
    const opened: string[] = [];
    for (const path of paths) {
        const members = isArchive(path) ? await csvMembers(path) : [];
        opened.push(...(members.length > 0 ? members : [path]));
    }
    return opened;
}

async function csvMembers(archive: string): Promise<string[]> {
    const { inbox, path } = locateFile(archive);
    const names = (await inbox.filesOf(path)).map((file) => splitMember(file.path)?.member ?? "");
    return names.filter((name) => /\.csv(\.gz|\.zst)?$/i.test(name)).map((name) => memberPath(archive, name));
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

async function findMemberFault(path: string): Promise<Fault | null> {
    const located = locateFile(path);
    if ((await located.inbox.see(located.path)) !== null) return null;
    const all = await located.inbox.filesOf(placeOf(located.path));
    // An archive that cannot be read fails as what is in it would.
    if (all.some((file) => isArchive(file.path) && splitMember(file.path) === null)) return null;
    const { archive, member } = splitMember(path)!;
    if (all.length === 0) return { what: `There is no archive ${archive}.`, remedy: "Name one that exists." };
    const names = all.slice(0, 3).map((file) => splitMember(file.path)?.member);
    return { what: `There is no file ${member} in ${archive}.`, remedy: `It holds ${names.join(", ")}.` };
}
