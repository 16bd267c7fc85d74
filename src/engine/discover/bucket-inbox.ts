/** A bucket as an inbox: objects, which appear whole and are replaced as a whole, known by key, size and ETag. */
import type { Bucket, BucketObject } from "../../bucket/bucket.ts";
import { BucketFault } from "../../bucket/faults.ts";
import type { SeenFile } from "../ledger/files.ts";
import { InputFault, type InputFile, smallFileBytes } from "../read/open-input.ts";
import { objectFault, openObject } from "../read/open-object.ts";
import type { ExpectedFile, Inbox } from "./inbox.ts";
import { withArchives } from "./with-archives.ts";

/** Which objects are files of an inbox, and what the ledger calls them. */
export interface BucketPlace {
    bucket: Bucket;
    /** For people: `s3://bucket/prefix`. */
    name: string;
    keyOf(path: string): string;
    /** Null: its key is outside. */
    pathOf(key: string): string | null;
}

/** Of a stream whose `files` name a bucket: a path is the object's address. */
export function wholeBucket(bucket: Bucket, name: string): BucketPlace {
    const start = `${bucket.name}/`;
    return { bucket, name, keyOf: (path) => path.slice(start.length), pathOf: (key) => start + key };
}

/** Of `--input s3://bucket/prefix`: a path is relative to it, as in a folder. `prefix` ends with a slash, or is empty. */
export function underPrefix(bucket: Bucket, prefix: string): BucketPlace {
    return {
        bucket,
        name: `${bucket.name}/${prefix}`.replace(/\/$/, ""),
        keyOf: (path) => prefix + path,
        pathOf: (key) => (key.startsWith(prefix) && key !== prefix ? key.slice(prefix.length) : null),
    };
}

/** So many objects in a row that may not be read are the policy's fault, and no longer each one's own. */
const mostDenied = 3;
const deniedRetryMs = 5_000;
const mostAhead = 24;
const mostAheadBytes = 16 * 1024 * 1024;

export function createBucketInbox(place: BucketPlace): Inbox {
    const { bucket, name, keyOf } = place;
    const denied = new Set<string>();
    let waiting: ExpectedFile[] = [];
    /** By path, what was begun ahead. */
    let begun = new Map<string, { bytes: number; file: Promise<InputFile> }>();

    async function open(path: string, as: ExpectedFile | null): Promise<InputFile> {
        const key = keyOf(path);
        try {
            const file = (as === null ? null : await openAs(bucket, key, as)) ?? (await openNow(bucket, key));
            denied.clear();
            return file;
        } catch (error) {
            throw deniedFault(error, key) ?? objectFault(error);
        }
    }

    /** Of the first objects that may not be read; null when it is something else, or the bucket's fault. */
    function deniedFault(error: unknown, key: string): InputFault | null {
        if (!(error instanceof BucketFault) || error.code !== "bucket_access_denied") return null;
        denied.add(key);
        if (denied.size >= mostDenied) return null;
        return new InputFault(
            { problem: "file_unreadable", detail: error.message, retryAfterMs: deniedRetryMs },
            error,
        );
    }

    function beginSome(): void {
        let bytes = [...begun.values()].reduce((sum, one) => sum + one.bytes, 0);
        while (begun.size < mostAhead && bytes < mostAheadBytes) {
            const next = waiting.shift();
            if (next === undefined) return;
            const file = open(next.path, next);
            // It may be opened by nobody.
            file.catch(() => {});
            begun.set(next.path, { bytes: next.sizeBytes, file });
            bytes += next.sizeBytes;
        }
    }

    return withArchives({
        name,
        place,
        async see(path) {
            const object = await bucket.head(keyOf(path));
            return object === null ? null : seenOfObject(object);
        },
        expect(files) {
            begun = new Map();
            waiting = files.filter(({ sizeBytes, versionTag }) => versionTag != null && sizeBytes <= smallFileBytes);
            beginSome();
        },
        async open(path, as = null) {
            const ahead = begun.get(path);
            begun.delete(path);
            if (waiting[0]?.path === path) waiting.shift();
            beginSome();
            return await (ahead?.file ?? open(path, as));
        },
        isGone: async (path) => (await bucket.head(keyOf(path))) === null,
        identity: async () => name,
    });
}

/** As the ledger has seen it: without asking how it looks now. Null when it looks otherwise. */
async function openAs(bucket: Bucket, key: string, as: ExpectedFile): Promise<InputFile | null> {
    const { sizeBytes, versionTag, mtimeNs, inode } = as;
    // An empty object needs no read, so nothing would notice that it has been written since.
    if (versionTag == null || sizeBytes === 0 || sizeBytes > smallFileBytes) return null;
    const seen = { sizeBytes, versionTag, mtimeNs, inode, ctimeNs: contentNumber(versionTag, sizeBytes) };
    try {
        return await openObject(bucket, { key, etag: versionTag, sizeBytes }, seen);
    } catch (error) {
        if (error instanceof InputFault && error.failure.problem === "file_changed") return null;
        throw error;
    }
}

async function openNow(bucket: Bucket, key: string): Promise<InputFile> {
    const object = await bucket.head(key);
    if (object !== null) return await openObject(bucket, object, seenOfObject(object));
    throw new InputFault({ problem: "file_vanished", detail: "It has disappeared.", retryAfterMs: null });
}

export function seenOfObject({ sizeBytes, etag, lastModified }: BucketObject): SeenFile {
    return {
        sizeBytes,
        mtimeNs: String(BigInt(lastModified.getTime()) * 1_000_000n),
        ctimeNs: contentNumber(etag, sizeBytes),
        inode: "0",
        versionTag: etag,
    };
}

/** In place of a ctime: another number for another content. */
function contentNumber(etag: string, sizeBytes: number): string {
    const digest = new Bun.CryptoHasher("sha256").update(`${sizeBytes} ${etag}`).digest();
    return String(digest.readBigUInt64BE() >> 1n);
}
