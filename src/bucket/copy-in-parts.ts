/** A copy of an object that is too large for one: https://docs.aws.amazon.com/AmazonS3/latest/userguide/CopyingObjectsMPUapi.html */
import type { Ask, Connection } from "./connection.ts";
import { bareEtag } from "./list-objects.ts";
import { copySource, type MovedObject, readCopied } from "./move-object.ts";
import { perform } from "./perform.ts";
import { textOf } from "./xml.ts";

export async function copyInParts(connection: Connection, object: MovedObject, toKey: string): Promise<void> {
    const ask = (request: Omit<Ask, "key" | "permission">) =>
        perform(connection, {
            ask: () => ({
                ...request,
                key: toKey,
                permission: "s3:PutObject",
                silentMs: connection.limits.copyingMs,
            }),
            receive: readCopied,
        });
    const partBytes = connection.limits.copyBytes;
    const uploadId = textOf(await ask({ method: "POST", query: { uploads: "" } }), "UploadId") ?? "";
    try {
        const parts: string[] = [];
        for (let begin = 0; begin < object.sizeBytes; begin += partBytes) {
            const end = Math.min(begin + partBytes, object.sizeBytes) - 1;
            const copied = await ask({
                method: "PUT",
                query: { partNumber: String(parts.length + 1), uploadId },
                headers: { ...copySource(connection, object), "x-amz-copy-source-range": `bytes=${begin}-${end}` },
            });
            parts.push(bareEtag(textOf(copied, "ETag") ?? ""));
        }
        await ask({ method: "POST", query: { uploadId }, body: describeParts(parts) });
    } catch (error) {
        // Parts that no upload completes are paid for. What was wrong is more telling than what is wrong now.
        await ask({ method: "DELETE", query: { uploadId } }).catch(() => {});
        throw error;
    }
}

function describeParts(etags: readonly string[]): string {
    const parts = etags.map((etag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>"${etag}"</ETag></Part>`);
    return `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
}
