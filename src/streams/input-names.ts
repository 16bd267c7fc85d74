/** Which names, of files in a folder and of objects in a bucket, are input. */
import { splitMember } from "./archive-path.ts";
import type { SourceConfig } from "./source-config.ts";
import { namesEnding } from "./source-of.ts";

/**
 * Whether a name is an input file that is ready to be read: one that ends in `.csv`, or in what the `match` of a source
 * names (`*.tsv`, `access.log`), and then perhaps in `.gz` or `.zst`. `*` names no ending, or it would take every file.
 */
export function isReadyName(name: string, sources: readonly SourceConfig[] = []): boolean {
    if (isUnfinishedName(name)) return false;
    return /\.csv(\.gz|\.zst)?$/i.test(name) || sources.some(({ match }) => namesEnding(match, name));
}

export function isUnfinishedName(name: string): boolean {
    return name.startsWith(".") || name.startsWith("_") || /\.(tmp|part|partial)$/i.test(name);
}

/** Whether it, or a folder that it lies in, is such a name. One in an archive that leads out of it (`..`) is shown, as a fault. */
export function isHiddenPath(path: string): boolean {
    const split = splitMember(path);
    if (split === null) return path.split("/").some(isUnfinishedName);
    return (
        isHiddenPath(split.archive) || split.member.split("/").some((part) => part !== ".." && isUnfinishedName(part))
    );
}
