/** The name of a stream, and the glob of its files, by the name of one of them. Pure. */
import { isAbsolute, relative, resolve } from "node:path";
import { besideArchive, splitMember } from "../../streams/archive-path.ts";
import { isInBucket } from "../../streams/route-files.ts";
import { compressionEnding } from "../../streams/source-of.ts";
import { sqlName } from "../sniff/column-names.ts";

/** As a file of streams/ may be named. */
export const streamNameForm = /^[a-z][a-z0-9_]{0,39}$/;

/** `orders-2026-01.csv.gz`: orders, `-2026-01` and `.csv`. */
function partsOf(fileName: string): { stem: string; ending: string; isNumbered: boolean } {
    const name = fileName.slice(0, fileName.length - compressionEnding(fileName).length);
    const ending = /\.[A-Za-z0-9]{1,5}$/.exec(name)?.[0] ?? "";
    const whole = name.slice(0, name.length - ending.length);
    const stem = whole.replace(/[-_. ]*\d[\d\-_. T]*$/, "");
    return stem === "" ? { stem: whole, ending, isNumbered: false } : { stem, ending, isNumbered: stem !== whole };
}

/** Null when the file's name has no letter that a name can be made of. */
export function streamNameOf(fileName: string): string | null {
    const name = sqlName(partsOf(fileName).stem)
        .normalize("NFKD")
        .replace(/[^a-z0-9_]/g, "")
        .replace(/^[^a-z]+/, "")
        .slice(0, 40);
    return streamNameForm.test(name) ? name : null;
}

/**
 * `orders*.csv` for `orders.csv` and `orders-2026-01.csv`, with its folder when that lies in the watched one. Of an object
 * with its bucket and prefix, unless it lies in the one that is watched.
 */
export function filesOf(path: string, inputDir: string): string {
    const split = splitMember(path);
    if (split !== null) return filesOf(besideArchive(split.archive, split.member), inputDir);
    if (isInBucket(path)) return filesOfObject(path, `${inputDir.replace(/\/+$/, "")}/`);
    const inside = relative(resolve(inputDir), resolve(path));
    const isWatched = inside !== "" && !inside.startsWith("..") && !isAbsolute(inside);
    const segments = (isWatched ? inside : path).split(/[\\/]/);
    const { stem, ending } = partsOf(segments.at(-1)!);
    const folder = isWatched ? segments.slice(0, -1).map((name) => `${escapeGlob(name)}/`) : [];
    return `${folder.join("")}${escapeGlob(stem)}*${ending}`;
}

function filesOfObject(address: string, watched: string): string {
    const isWatched = address.startsWith(watched);
    const bucket = /^s3:\/\/[^/]*\//i.exec(address)![0];
    const [root, rest] = isWatched ? ["", address.slice(watched.length)] : [bucket, address.slice(bucket.length)];
    const folders = rest.split("/").slice(0, -1);
    const { stem, ending } = partsOf(address.split("/").at(-1)!);
    return `${root}${folders.map((name) => `${escapeGlob(name)}/`).join("")}${escapeGlob(stem)}*${ending}`;
}

function escapeGlob(text: string): string {
    return text.replace(/[*?[\]{}!\\]/g, "?");
}
