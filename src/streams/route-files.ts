/** Which stream a file of the watched folder belongs to, by the globs of all of them. Pure. */
import { besideArchive, isArchive, pathFor, placeOf, splitMember } from "./archive-path.ts";
import { fits, namesEnding } from "./source-of.ts";
import type { Stream } from "./stream.ts";

type Claiming = Pick<Stream, "name" | "files">;

export interface Claim {
    /** The stream that answers for the file: of several the first in name order. Null: no stream claims it. */
    stream: string | null;
    /** All that claim it, in name order, when these are several: it is read by none. */
    rivals: readonly string[] | null;
}

/** A glob of the addresses of objects, or such an address: `s3://bucket/prefix/` and what follows. */
export const isInBucket = (filesOrPath: string) => /^s3:\/\//i.test(filesOrPath);

/** What all that the glob takes begins with: the text before its first wildcard. */
export const literalStart = (files: string) => /^[^*?[{!\\]*/.exec(files)![0];

/** All files of the folder and its subfolders. */
const everyFile = "**";

/** The glob may take files in subfolders; one without a slash takes those at the top of the folder only. */
export const hasSubfolders = (files: string) => files.includes("/") || files === everyFile;

/** Whether the glob takes the path: a `.csv` (perhaps compressed), or a file whose ending the glob names, as `*.tsv` does. */
export function claims(files: string, path: string): boolean {
    if (isInBucket(files) !== isInBucket(path)) return false;
    if (!fits(files, path) || (pathFor(files, path).includes("/") && !hasSubfolders(files))) return false;
    return /\.csv(\.gz|\.zst)?$/i.test(path) || namesEnding(files, path);
}

function mayClaimIn(files: string, archive: string): boolean {
    if (isInBucket(files) !== isInBucket(archive)) return false;
    const [glob, name] = files.startsWith("!") ? ["**", archive] : [files.split("!/")[0]!, archive];
    if (isArchive(glob)) return fits(glob, name);
    const folder = name.slice(0, Math.max(0, name.lastIndexOf("/")));
    if (folder === "") return !glob.includes("/") || /^(\*\*|\{)/.test(glob);
    return glob === everyFile || mayHoldFiles(glob, folder);
}

/** `streams` with `files` claim what fits these; the one without takes what no other does, where `isTaken` allows it. */
export function createRouter(streams: readonly Claiming[], isTaken: (path: string) => boolean) {
    const claiming = streams
        .flatMap(({ name, files }) => (files === null ? [] : [{ name, files }]))
        .sort((left, right) => (left.name < right.name ? -1 : 1));
    const rest = streams.find(({ files }) => files === null)?.name ?? null;
    const isRests = (path: string) => {
        const split = splitMember(path);
        return isTaken(split === null ? path : besideArchive(split.archive, split.member));
    };
    /** Of an archive that cannot be read, or one in an archive, the first of these answers for it. */
    const mayTakeIn = (archive: string): string[] => {
        const own = claiming.filter(({ files }) => mayClaimIn(files, archive)).map(({ name }) => name);
        return rest !== null && isTaken(besideArchive(archive, "any.csv")) ? [...own, rest] : own;
    };
    return {
        /** The streams that may take files in the archive: whether they do only their names tell. */
        mayTakeIn,
        claimOf(path: string): Claim {
            if (isArchive(path)) return { stream: mayTakeIn(placeOf(path))[0] ?? null, rivals: null };
            const fitting = claiming.filter(({ files }) => claims(files, path)).map(({ name }) => name);
            if (fitting.length > 0) return { stream: fitting[0]!, rivals: fitting.length > 1 ? fitting : null };
            return { stream: isRests(path) ? rest : null, rivals: null };
        },
        /** `orders (orders-*.csv)`: the stream whose glob is most like the path; null when none declares one. */
        nearest(path: string): string | null {
            const ranked = claiming.map((stream) => ({ ...stream, distance: distanceTo(stream.files, path) }));
            ranked.sort((left, right) => left.distance - right.distance);
            return ranked[0] ? `${ranked[0].name} (${ranked[0].files})` : null;
        },
        /** `orders (orders-*.csv) and returns (*-1.csv)`. */
        describe: (names: readonly string[]) =>
            claiming
                .filter(({ name }) => names.includes(name))
                .map(({ name, files }) => `${name} (${files})`)
                .join(" and "),
    };
}

/** How much of either is not in the other, beyond what both begin and end with. */
function distanceTo(glob: string, path: string): number {
    const [left, right] = [glob.toLowerCase(), path.toLowerCase()];
    const shorter = Math.min(left.length, right.length);
    let start = 0;
    while (start < shorter && left[start] === right[start]) start += 1;
    let end = 0;
    while (end < shorter - start && left.at(-1 - end) === right.at(-1 - end)) end += 1;
    return left.length + right.length - 2 * (start + end);
}

/** Whether a file under this folder may fit the glob: what lies elsewhere need not be listed. */
export function mayHoldFiles(files: string, folder: string): boolean {
    if (!hasSubfolders(files)) return false;
    // Alternatives may hold slashes of their own, and a negation fits almost everything.
    if (files.startsWith("!") || /\{[^}]*\/[^}]*\}/.test(files)) return true;
    const segments = files.split("/");
    for (const [depth, name] of folder.split("/").entries()) {
        const segment = segments[depth];
        if (segment === "**") return true;
        if (segment === undefined || depth === segments.length - 1) return false;
        // Of an address the second is empty.
        if (segment !== name && !fits(segment, name)) return false;
    }
    return true;
}
