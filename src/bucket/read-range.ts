/** A part of an object, of the one version that was listed, whatever breaks meanwhile. */
import type { Connection } from "./connection.ts";
import { CutShort } from "./explain-broken.ts";
import { BucketFault, ObjectChanged } from "./faults.ts";
import { type BucketObject, bareEtag } from "./list-objects.ts";
import { perform } from "./perform.ts";

export type ReadObject = Pick<BucketObject, "key" | "etag" | "sizeBytes">;

/**
 * Exactly `length` bytes from `position`. A request that breaks is followed by one for what is missing. Each carries If-Match,
 * and the ETag and size of each answer are compared too: some servers take no notice of it.
 * @throws ObjectChanged, ObjectGone, BucketFault
 */
export async function readRange(
    connection: Connection,
    object: ReadObject,
    position: number,
    length: number,
    into: Buffer = Buffer.allocUnsafe(length),
): Promise<Buffer> {
    const { key, etag } = object;
    let received = 0;
    if (length === 0) return into.subarray(0, 0);
    if (position + length > object.sizeBytes) throw new RangeError(`${key} has ${object.sizeBytes} bytes.`);
    await perform(connection, {
        ask: () => ({
            method: "GET",
            key,
            headers: {
                range: `bytes=${position + received}-${position + length - 1}`,
                "if-match": `"${etag}"`,
                // Without it Google's servers expand what was stored with `Content-Encoding: gzip`.
                "accept-encoding": "gzip",
            },
            permission: "s3:GetObject",
        }),
        progress: () => received,
        receive: async (response, alive) => {
            refuseOther(response, object, position + received, connection.place.host);
            for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
                alive();
                if (received + bytes.length > length) throw new CutShort();
                into.set(bytes, received);
                received += bytes.length;
            }
            if (received < length) throw new CutShort();
        },
    });
    return into.subarray(0, length);
}

/** A range of this version, from there on, and nothing else. */
function refuseOther(response: Response, object: ReadObject, from: number, host: string): void {
    const { headers, status } = response;
    const isWhole = status === 200 && from === 0;
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
    const size = isWhole ? headers.get("content-length") : range?.[2];
    const etag = headers.get("etag");
    if ((etag !== null && bareEtag(etag) !== object.etag) || Number(size) !== object.sizeBytes) {
        if (isWhole || range !== null) throw new ObjectChanged(object.key);
    }
    if (isWhole || Number(range?.[1]) === from) return;
    throw new BucketFault({
        code: "bucket_odd_answer",
        what: `${host} answered a request for a range of ${object.key} with something else.`,
        remedy: "Sluice needs a server that gives ranges of objects.",
    });
}
