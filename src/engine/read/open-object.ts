/** An object of a bucket as an input file: of one version to its end, whatever happens to the object meanwhile. */
import type { Bucket, BucketObject } from "../../bucket/bucket.ts";
import { BucketFault, ObjectChanged, ObjectGone } from "../../bucket/faults.ts";
import type { SeenFile } from "../ledger/files.ts";
import { InputChanged, InputFault, type InputFile, inMemory, smallFileBytes } from "./open-input.ts";

type OneObject = Pick<BucketObject, "key" | "etag" | "sizeBytes">;

/** Large ones are read in pieces of this size, one of them ahead. */
const pieceBytes = 4 * 1024 * 1024;
const archivedRetryMs = 60_000;

/** @throws InputChanged, InputFault of the object; BucketFault of the bucket */
export async function openObject(bucket: Bucket, object: OneObject, seen: SeenFile): Promise<InputFile> {
    const facts = { seen, sizeBytes: object.sizeBytes, isCompressed: false, encoding: "utf-8" } as const;
    if (object.sizeBytes <= smallFileBytes) {
        return inMemory(facts, await readPart(bucket, object, 0, object.sizeBytes), object.sizeBytes);
    }
    const pieces = readAhead(bucket, object);
    return {
        ...facts,
        content: null,
        async read(position, length, into = Buffer.allocUnsafe(length)) {
            let filled = 0;
            while (filled < length) filled += await pieces.copy(position + filled, into.subarray(filled, length));
            return into;
        },
        // Of this version it is always the same.
        currentSize: async () => object.sizeBytes,
        close: async () => pieces.drop(),
    };
}

/** The piece that was asked for last, and the one behind it. */
function readAhead(bucket: Bucket, object: OneObject) {
    const pieces = new Map<number, Promise<Buffer>>();
    const begin = (index: number): Promise<Buffer> => {
        const position = index * pieceBytes;
        const piece = readPart(bucket, object, position, Math.min(pieceBytes, object.sizeBytes - position));
        // Asked for ahead, it may be wanted by nobody.
        piece.catch(() => pieces.delete(index));
        pieces.set(index, piece);
        return piece;
    };
    return {
        /** Fills `into` from `position` on, as far as one piece goes. Returns how many bytes. */
        async copy(position: number, into: Buffer): Promise<number> {
            const index = Math.floor(position / pieceBytes);
            for (const other of pieces.keys()) if (other !== index && other !== index + 1) pieces.delete(other);
            const piece = pieces.get(index) ?? begin(index);
            if (!pieces.has(index + 1) && (index + 1) * pieceBytes < object.sizeBytes) void begin(index + 1);
            const bytes = await piece;
            return bytes.copy(into, 0, position - index * pieceBytes);
        },
        drop: () => pieces.clear(),
    };
}

async function readPart(bucket: Bucket, object: OneObject, position: number, length: number): Promise<Buffer> {
    try {
        return await bucket.read(object, position, length);
    } catch (error) {
        throw objectFault(error);
    }
}

/** What is wrong with one object is a fault of the file; what is wrong with the bucket concerns all of them, and is returned as it is. */
export function objectFault(error: unknown): unknown {
    if (error instanceof ObjectChanged) return new InputChanged("The object was replaced while it was read.");
    if (error instanceof ObjectGone) {
        return new InputFault({ problem: "file_vanished", detail: "It has disappeared.", retryAfterMs: null }, error);
    }
    if (!(error instanceof BucketFault)) return error;
    if (error.code === "bucket_key_unsupported") {
        return new InputFault({ problem: "file_name_invalid", detail: error.message, retryAfterMs: null }, error);
    }
    if (error.code === "bucket_object_archived") {
        const failure = { problem: "file_unreadable", detail: error.message, retryAfterMs: archivedRetryMs } as const;
        return new InputFault(failure, error);
    }
    return error;
}
