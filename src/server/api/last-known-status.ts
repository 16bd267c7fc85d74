/** The status for all who show it: one read a second at most, and what it was when the database last answered. */
import { readStatus } from "../../operations/status/read-status.ts";
import type { Status } from "../../operations/status/status-schema.ts";
import { sharedForMs } from "./get-route.ts";
import type { Reader } from "./reader.ts";

export interface StatusReader {
    /** Throws a Problem when the database is away or slow. */
    read(): Promise<Status>;
    /** Bears its own time, `asOf`; null before the first answer. To be shown as old, never in the place of a new one. */
    lastKnown(): Status | null;
}

export function createStatusReader(reader: Reader): StatusReader {
    let lastKnown: Status | null = null;
    return {
        read: () =>
            reader.share("status", sharedForMs.live, async () => {
                lastKnown = await readStatus(reader.sql);
                return lastKnown;
            }),
        lastKnown: () => lastKnown,
    };
}
