/**
 * A bucket of Amazon S3, or of a server that speaks its protocol. What is asked for comes whole, of one version, or with a
 * named reason; what may pass by itself has been tried several times by then.
 */
import { connectTo } from "./connect-to.ts";
import type { Limits } from "./connection.ts";
import { headObject } from "./head-object.ts";
import { type BucketObject, type ListOptions, listObjects } from "./list-objects.ts";
import { type MovedObject, moveObject } from "./move-object.ts";
import { type ReadObject, readRange } from "./read-range.ts";
import { removeObject } from "./remove-object.ts";
import type { BucketSettings } from "./settings.ts";

export type { BucketObject, BucketSettings, ListOptions };

export interface Bucket {
    /** `s3://bucket`, for people. */
    readonly name: string;
    /** Pages of at most 1,000, in the order of the keys' UTF-8 bytes; one page is held at a time. */
    list(options: ListOptions): AsyncIterable<BucketObject[]>;
    /** Null: there is no such object. */
    head(key: string): Promise<BucketObject | null>;
    /**
     * Exactly `length` bytes from `position`, of this ETag, in `into` if it is given.
     * @throws ObjectChanged, ObjectGone, BucketFault
     */
    read(object: ReadObject, position: number, length: number, into?: Buffer): Promise<Buffer>;
    /** Deletes it if it still has this ETag; false when it changed or is gone. */
    remove(object: Pick<BucketObject, "key" | "etag">): Promise<boolean>;
    /** Copies, compares the size and deletes; false when it changed or is gone. What is at `toKey` is overwritten. */
    move(object: MovedObject, toKey: string): Promise<boolean>;
}

/** Asks nobody anything yet. @throws BucketFault bucket_settings, bucket_no_credentials */
export function openBucket(settings: BucketSettings, limits: Partial<Limits> = {}): Bucket {
    const connection = connectTo(settings, limits);
    return {
        name: `s3://${settings.bucket}`,
        list: (options) => listObjects(connection, options),
        head: (key) => headObject(connection, key),
        read: (object, position, length, into) => readRange(connection, object, position, length, into),
        remove: (object) => removeObject(connection, object),
        move: (object, toKey) => moveObject(connection, object, toKey),
    };
}
