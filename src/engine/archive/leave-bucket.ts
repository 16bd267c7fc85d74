/**
 * An object leaves a bucket by one conditional request, of the very version that was merged: deleted, or copied under
 * `_archive/YYYY-MM-DD/` beside what the stream lists, and then deleted. Nothing is half-way in between that a crash could leave
 * behind but a copy, which the next attempt writes again. Names that begin with `_` are no input.
 */

import { type BucketPlace, seenOfObject } from "../discover/bucket-inbox.ts";
import type { ArchiveContext, Leaving, MergedFile, Present } from "./leaving.ts";

export function leaveBucket(context: ArchiveContext, { bucket, keyOf }: BucketPlace): Leaving {
    const { afterMerge } = context.config;
    const objectOf = ({ path, versionTag, sizeBytes }: MergedFile) => ({
        key: keyOf(path),
        etag: versionTag ?? "",
        sizeBytes,
    });
    return {
        recover: async () => true,
        async look({ path }): Promise<Present | null> {
            const object = await bucket.head(keyOf(path));
            return object === null ? null : { ...seenOfObject(object), isFile: true };
        },
        async leave(file) {
            const object = objectOf(file);
            const toKey = archivedKey(object.key, file);
            const hasLeft = afterMerge === "delete" ? await bucket.remove(object) : await bucket.move(object, toKey);
            if (!hasLeft) return "grew";
            return { archivedTo: afterMerge === "delete" ? null : `${bucket.name}/${toKey}` };
        },
        async findGone(file, isIts) {
            const toKey = archivedKey(keyOf(file.path), file);
            const archived = afterMerge === "archive" ? await bucket.head(toKey) : null;
            const isArchived = archived !== null && isIts(archived.sizeBytes);
            return { archivedTo: isArchived ? `${bucket.name}/${toKey}` : null };
        },
    };
}

/** Its own for each version of the file: a copy overwrites what has its name. */
function archivedKey(key: string, { fileId, day }: MergedFile): string {
    const [, folder = "", name = ""] = /^(.*\/)?([^/]*)$/.exec(key)!;
    return `${folder}_archive/${day}/${fileId}/${name}`;
}
