/** ListObjectsV2, page by page: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
import type { Connection } from "./connection.ts";
import { BucketFault } from "./faults.ts";
import { perform } from "./perform.ts";
import { elementsOf, textOf } from "./xml.ts";

/** One object, as a listing or a HEAD shows it. */
export interface BucketObject {
    key: string;
    sizeBytes: number;
    /** What the server calls this content, without quotes. It says nothing beyond that: two servers give one content two. */
    etag: string;
    /** Of large objects when the upload began, in whole seconds. */
    lastModified: Date;
}

export interface ListOptions {
    prefix: string;
    /** Only keys behind this one. */
    startAfter?: string;
    signal?: AbortSignal;
}

/** Pages of at most 1,000, in the order of the keys' UTF-8 bytes; one page is held at a time. */
export async function* listObjects(connection: Connection, options: ListOptions): AsyncGenerator<BucketObject[]> {
    const { prefix, startAfter, signal } = options;
    let token: string | null = null;
    do {
        const query: Record<string, string> = {
            "list-type": "2",
            // A key may hold characters that XML cannot.
            "encoding-type": "url",
            "max-keys": String(connection.limits.pageKeys),
            ...(prefix !== "" && { prefix }),
            ...(startAfter && { "start-after": startAfter }),
            ...(token !== null && { "continuation-token": token }),
        };
        const xml: string = await perform(connection, {
            ask: () => ({ method: "GET", query, permission: "s3:ListBucket" }),
            receive: (response) => response.text(),
            signal,
        });
        const page = readPage(xml, connection.place.host);
        token = page.token;
        if (page.objects.length > 0) yield page.objects;
    } while (token !== null);
}

/** @throws BucketFault bucket_odd_answer */
export function readPage(xml: string, host: string): { objects: BucketObject[]; token: string | null } {
    const isTruncated = textOf(xml, "IsTruncated") === "true";
    const token = textOf(xml, "NextContinuationToken");
    if (!xml.includes("<ListBucketResult") || (isTruncated && token === null)) {
        throw new BucketFault({
            code: "bucket_odd_answer",
            what: `${host} answered a listing with something else.`,
            remedy: "Check that the endpoint is an S3 server's.",
        });
    }
    const isEncoded = textOf(xml, "EncodingType") === "url";
    const objects = elementsOf(xml, "Contents").map((content) => readObject(content, isEncoded));
    return { objects, token: isTruncated ? token : null };
}

function readObject(content: string, isEncoded: boolean): BucketObject {
    const key = textOf(content, "Key") ?? "";
    return {
        key: isEncoded ? decodeURIComponent(key.replaceAll("+", "%20")) : key,
        sizeBytes: Number(textOf(content, "Size")),
        etag: bareEtag(textOf(content, "ETag") ?? ""),
        lastModified: new Date(textOf(content, "LastModified") ?? 0),
    };
}

/** Without quotes, and without the mark of a proxy that has compressed what it passed on: listings and headers differ in those. */
export const bareEtag = (given: string): string => given.replace(/^W\//, "").replaceAll('"', "");
