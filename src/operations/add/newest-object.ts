/** The newest object that a glob takes. A page of a listing is held at a time. */
import { openBucket } from "../../bucket/bucket.ts";
import { parseBucketUrl } from "../../bucket/bucket-url.ts";
import { locateFile } from "../../engine/discover/locate-file.ts";
import { isArchive, memberPath, splitMember } from "../../streams/archive-path.ts";
import { isHiddenPath } from "../../streams/input-names.ts";
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
            const isHidden = isHiddenPath(start === "" ? key : address.slice(start.length));
            const writtenMs = lastModified.getTime();
            if (isHidden || (newest !== null && writtenMs < newest.writtenMs)) continue;
            const taken = isArchive(key) && mayBeIn(glob) ? await memberOf(address, glob, start) : address;
            if (taken !== null && claims(glob, taken.slice(start.length))) newest = { address: taken, writtenMs };
        }
    }
    return newest?.address ?? null;
}

/** Only a glob that names archives has them read: there may be many. */
const mayBeIn = (glob: string) => /\.zip(!\/|$)/i.test(glob);

/** The last file of the archive that the glob takes. */
async function memberOf(archive: string, glob: string, start: string): Promise<string | null> {
    const { inbox, path } = locateFile(archive);
    const members = (await inbox.filesOf(path)).map((file) => splitMember(file.path)?.member);
    const addresses = members.filter((name) => name !== undefined).map((name) => memberPath(archive, name));
    return addresses.findLast((address) => claims(glob, address.slice(start.length))) ?? null;
}
