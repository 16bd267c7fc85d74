/**
 * Where a reader of the live stream is: which batches it has, said in snapshots. Opaque to clients.
 *
 * After a long absence there are more batches than fit one read. Then the cursor also says up to which snapshot this
 * catching up goes and how far it has come in it, because the order inside, by transaction, is not the order of commits.
 */
import { z } from "@hono/zod-openapi";
import { decodeCursor, encodeCursor } from "../listing.ts";
import { parseSnapshot, type Snapshot } from "./snapshots.ts";

export interface LiveCursor {
    /** The database's own identity, and its tables': after others were put in their place, the numbers mean nothing. */
    system: string;
    seen: Snapshot;
    catchingUp?: { upTo: Snapshot; transactionId: string; batchId: number } | undefined;
}

const snapshot = z.string().transform((text, context) => {
    const parsed = parseSnapshot(text);
    if (parsed) return parsed;
    context.addIssue({ code: "custom", message: "no snapshot" });
    return z.NEVER;
});
// In one step: zod runs a second check on what the first one refused, and BigInt throws.
const transaction = z.string().refine((text) => /^\d{1,20}$/.test(text) && BigInt(text) < 2n ** 64n);
const system = z.string().regex(/^\d{1,20}(-\d{1,10})?$/);
const keys = z.union([
    z.tuple([system, snapshot]),
    z.tuple([system, snapshot, snapshot, transaction, z.number().int().positive()]),
]);

export function encodeLiveCursor({ system, seen, catchingUp }: LiveCursor): string {
    const rest = catchingUp ? [catchingUp.upTo.text, catchingUp.transactionId, catchingUp.batchId] : [];
    return encodeCursor("stream", [system, seen.text, ...rest]);
}

/** @throws Problem invalid_cursor */
export function decodeLiveCursor(text: string, parameter: string): LiveCursor {
    const [system, seen, upTo, transactionId, batchId] = decodeCursor("stream", text, keys, parameter);
    if (upTo === undefined) return { system, seen };
    return { system, seen, catchingUp: { upTo, transactionId: transactionId!, batchId: batchId! } };
}
