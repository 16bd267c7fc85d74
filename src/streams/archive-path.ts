/** How the files in an archive are called: `inbox/a.zip!/2026/orders.csv`. Pure. */

const memberMark = "!/";

export const isArchive = (path: string) => /\.zip$/i.test(path);

/** The outermost archive, and what is called so in it; null for a path that is in none. */
export function splitMember(path: string): { archive: string; member: string } | null {
    const at = /\.zip!\//i.exec(path)?.index;
    if (at === undefined) return null;
    const archive = path.slice(0, at + ".zip".length);
    return { archive, member: path.slice(archive.length + memberMark.length) };
}

export const memberPath = (archive: string, member: string) => archive + memberMark + member;

/** Of a file in an archive the archive's path, of any other its own. */
export const placeOf = (path: string) => splitMember(path)?.archive ?? path;

/**
 * What a glob is compared with: `exports-*.zip` with the archive, one that has `!/` in it with the whole path, any other with
 * the member's name beside the archive: `inbox/orders.csv`.
 */
export function pathFor(glob: string, path: string): string {
    const split = splitMember(path);
    if (split === null || glob.includes(memberMark)) return path;
    return isArchive(glob) ? split.archive : besideArchive(split.archive, split.member);
}

/** As if the member lay where its archive does. */
export function besideArchive(archive: string, member: string): string {
    return archive.slice(0, archive.lastIndexOf("/") + 1) + member.slice(member.lastIndexOf("/") + 1);
}
