/** Any file or object by the path or address that a person writes, wherever it is: the inbox that has it, and what that calls it. */
import { basename, dirname, resolve } from "node:path";
import { openBucket } from "../../bucket/bucket.ts";
import { parseBucketUrl } from "../../bucket/bucket-url.ts";
import { memberPath, splitMember } from "../../streams/archive-path.ts";
import { isInBucket } from "../../streams/route-files.ts";
import { createBucketInbox, underPrefix, wholeBucket } from "./bucket-inbox.ts";
import { createFolderInbox } from "./folder-inbox.ts";
import type { Inbox } from "./inbox.ts";

export interface LocatedFile {
    inbox: Inbox;
    /** Its name alone: the inbox is the folder, or the prefix, that it lies in. */
    path: string;
    /** Where that lies: its folders may have values of columns. */
    above: string;
}

/** @throws BucketFault for an address that names no object */
export function locateFile(path: string): LocatedFile {
    const split = splitMember(path);
    if (split !== null) {
        const archive = locateFile(split.archive);
        return { ...archive, path: memberPath(archive.path, split.member) };
    }
    const address = parseBucketUrl(path);
    if (address === null) return locatedIn(dirname(path), basename(path));
    const [, prefix = "", name = ""] = /^(.*\/)?([^/]*)$/s.exec(address.pattern)!;
    const bucket = openBucket({ bucket: address.bucket });
    return {
        inbox: createBucketInbox(underPrefix(bucket, prefix)),
        path: name,
        above: `${bucket.name}/${prefix}`.replace(/\/$/, ""),
    };
}

const locatedIn = (folder: string, path: string): LocatedFile => ({
    inbox: createFolderInbox(folder),
    path,
    above: resolve(folder),
});

/** The inbox that a path of the ledger is in, where `inputDir` holds those that are relative. */
export function inboxHolding(path: string, inputDir: string): Inbox {
    if (isInBucket(path)) {
        const bucket = openBucket({ bucket: parseBucketUrl(path)!.bucket });
        return createBucketInbox(wholeBucket(bucket, bucket.name));
    }
    if (!isInBucket(inputDir)) return createFolderInbox(inputDir);
    const { bucket, pattern } = parseBucketUrl(`${inputDir.replace(/\/+$/, "")}/*`)!;
    return createBucketInbox(underPrefix(openBucket({ bucket }), pattern.slice(0, -1)));
}
