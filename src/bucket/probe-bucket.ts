/** Whether a bucket can be listed and read, by the smallest requests that show it. */

import { connectTo } from "./connect-to.ts";
import type { Connection, Limits } from "./connection.ts";
import { BucketFault, ObjectChanged, ObjectGone } from "./faults.ts";
import { type BucketObject, listObjects } from "./list-objects.ts";
import { readRange } from "./read-range.ts";
import type { BucketSettings } from "./settings.ts";

export interface Probe {
    /** Where it was asked. */
    host: string;
    /** Only the first page is counted: at most 1,000. */
    keys: number;
    /** The first object that `isWanted` and whose first byte was read; null: there was none to try. */
    readKey: string | null;
    /** How far the server's clock is ahead of this machine's; null: it does not say. */
    clockAheadMs: number | null;
}

const attempts = 2;

/** `isWanted`: which objects are to be read. @throws BucketFault with the missing permission, or what else is wrong */
export async function probeBucket(
    settings: BucketSettings,
    prefix: string,
    isWanted: (key: string) => boolean,
    limits: Partial<Limits> = {},
): Promise<Probe> {
    const connection = connectTo(settings, { attempts, ...limits });
    const page = await firstPage(connection, prefix);
    const object = page.find(({ key, sizeBytes }) => sizeBytes > 0 && isWanted(key));
    if (object !== undefined) await readOneByte(connection, object);
    const { place, clock } = connection;
    return { host: place.host, keys: page.length, readKey: object?.key ?? null, clockAheadMs: clock.seenAheadMs };
}

async function firstPage(connection: Connection, prefix: string): Promise<BucketObject[]> {
    for await (const page of listObjects(connection, { prefix })) return page;
    return [];
}

async function readOneByte(connection: Connection, object: BucketObject): Promise<void> {
    try {
        await readRange(connection, object, 0, 1);
    } catch (error) {
        // It has been replaced or taken away since it was listed: it could be asked for.
        if (error instanceof ObjectChanged || error instanceof ObjectGone) return;
        if (error instanceof BucketFault && error.code === "bucket_object_archived") return;
        throw error;
    }
}
