/** The newest object that a glob takes. A page of a listing is held at a time. */
import { openBucket } from "../../bucket/bucket.ts";
import { parseBucketUrl } from "../../bucket/bucket-url.ts";
import { isUnfinishedName } from "../../engine/discover/input-names.ts";
import { claims, isInBucket, literalStart } from "../../streams/route-files.ts";

/**
 * `glob`: of addresses; else of paths under `inputDir`, which is a bucket's then. Returns its address.
 * @throws BucketFault
 */
export async function newestObject(glob: string, inputDir: string): Promise<string | null> {
    const start = isInBucket(glob) ? "" : `${inputDir.replace(/\/+$/, "")}/`;
    const { bucket: name, pattern } = parseBucketUrl(start + glob)!;
    const bucket = openBucket({ bucket: name });
    let newest: { address: string; writtenMs: number } | null = null;
    for await (const page of bucket.list({ prefix: literalStart(pattern) })) {
        for (const { key, lastModified } of page) {
            const address = `${bucket.name}/${key}`;
            const path = address.slice(start.length);
            const isHidden = (start === "" ? key : path).split("/").some(isUnfinishedName);
            if (isHidden || !claims(glob, path)) continue;
            const writtenMs = lastModified.getTime();
            if (newest === null || writtenMs >= newest.writtenMs) newest = { address, writtenMs };
        }
    }
    return newest?.address ?? null;
}
