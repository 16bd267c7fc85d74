/** A move, of which S3 has none: copy, look, delete. Killed in between, both are there, and it can be done again. */

import type { Connection } from "./connection.ts";
import { copyInParts } from "./copy-in-parts.ts";
import { BucketFault, ObjectChanged, ObjectGone } from "./faults.ts";
import { headObject } from "./head-object.ts";
import type { BucketObject } from "./list-objects.ts";
import { perform } from "./perform.ts";
import { refusalOf } from "./refusal.ts";
import { removeObject } from "./remove-object.ts";
import { encodePart } from "./sign-request.ts";

export type MovedObject = Pick<BucketObject, "key" | "etag" | "sizeBytes">;

/** False when it changed or is gone; then it is left alone. What is at `toKey` already is overwritten. */
export async function moveObject(connection: Connection, object: MovedObject, toKey: string): Promise<boolean> {
    try {
        if (object.sizeBytes > connection.limits.copyBytes) await copyInParts(connection, object, toKey);
        else await copyAtOnce(connection, object, toKey);
    } catch (error) {
        if (error instanceof ObjectChanged || error instanceof ObjectGone) return false;
        throw error;
    }
    const copy = await headObject(connection, toKey);
    if (copy?.sizeBytes !== object.sizeBytes) {
        throw new BucketFault({
            code: "bucket_odd_answer",
            what: `The copy of ${object.key} at ${toKey} has ${copy?.sizeBytes ?? "no"} bytes of ${object.sizeBytes}.`,
            remedy: "The object was left where it is. Look who else writes there.",
            isTransient: true,
        });
    }
    return await removeObject(connection, object);
}

async function copyAtOnce(connection: Connection, object: MovedObject, toKey: string): Promise<void> {
    await perform(connection, {
        ask: () => ({
            method: "PUT",
            key: toKey,
            headers: copySource(connection, object),
            permission: "s3:PutObject",
            silentMs: connection.limits.copyingMs,
        }),
        receive: readCopied,
    });
}

/** The source, on the condition that it is still this version. */
export function copySource({ place }: Connection, { key, etag }: MovedObject): Record<string, string> {
    const path = [place.bucket, ...key.split("/")].map(encodePart).join("/");
    return { "x-amz-copy-source": `/${path}`, "x-amz-copy-source-if-match": `"${etag}"` };
}

/** A copy that fails on the way is answered 200 all the same, with the error in the body. */
export async function readCopied(response: Response): Promise<string> {
    const xml = await response.text();
    if (xml.includes("<Error>")) throw refusalOf(503, response.headers, xml);
    return xml;
}
