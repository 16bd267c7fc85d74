import type { Connection } from "./connection.ts";
import { BucketFault, ObjectChanged, ObjectGone } from "./faults.ts";
import { headObject } from "./head-object.ts";
import type { BucketObject } from "./list-objects.ts";
import { perform } from "./perform.ts";

/**
 * Deletes it if it is still this version; false when it changed or is gone. Servers without conditional deletes refuse the
 * condition, or take no notice of it: the HEAD before is what they can do.
 */
export async function removeObject(
    connection: Connection,
    { key, etag }: Pick<BucketObject, "key" | "etag">,
): Promise<boolean> {
    const now = await headObject(connection, key);
    if (now?.etag !== etag) return false;
    const remove = (headers: Record<string, string>) =>
        perform(connection, {
            ask: () => ({ method: "DELETE", key, headers, permission: "s3:DeleteObject" }),
            receive: async (response) => void (await response.arrayBuffer()),
        });
    try {
        await remove({ "if-match": `"${etag}"` }).catch((error) => {
            if (error instanceof BucketFault && error.code === "bucket_refused") return remove({});
            throw error;
        });
        return true;
    } catch (error) {
        if (error instanceof ObjectChanged || error instanceof ObjectGone) return false;
        throw error;
    }
}
