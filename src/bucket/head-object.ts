import type { Connection } from "./connection.ts";
import { ObjectGone } from "./faults.ts";
import { type BucketObject, bareEtag } from "./list-objects.ts";
import { perform } from "./perform.ts";

/** Null: there is no such object. */
export async function headObject(connection: Connection, key: string): Promise<BucketObject | null> {
    try {
        return await perform(connection, {
            ask: () => ({ method: "HEAD", key, permission: "s3:GetObject" }),
            receive: async ({ headers }) => ({
                key,
                sizeBytes: Number(headers.get("content-length")),
                etag: bareEtag(headers.get("etag") ?? ""),
                lastModified: new Date(headers.get("last-modified") ?? 0),
            }),
        });
    } catch (error) {
        if (error instanceof ObjectGone) return null;
        throw error;
    }
}
