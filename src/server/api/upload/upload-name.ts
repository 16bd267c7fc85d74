/** The name of an uploaded file in the watched folder. Pure. */
import { createHash, randomUUID } from "node:crypto";
import { Problem } from "../problem.ts";

/**
 * `upload_ID.csv` with an id made from the Idempotency-Key, so that the same key means the same file; without one the id is
 * new, and the name begins with that of the client's file. Never a name that the client could choose whole.
 * @throws Problem invalid_file_name for anything that could lead elsewhere, or that the ingest would pass over
 */
export function chooseUploadName(key: string | undefined, clientName: string | undefined): string {
    const stem = clientName ? stemOf(clientName) : "upload";
    if (key === undefined) return `${stem}_${randomUUID()}.csv`;
    return `upload_${createHash("sha256").update(key).digest("hex").slice(0, 32)}.csv`;
}

/** Without its ending. @throws Problem invalid_file_name */
export function stemOf(clientName: string): string {
    const stem = /^([A-Za-z0-9][A-Za-z0-9 _.-]{0,99})\.csv$/i.exec(clientName)?.[1];
    if (stem === undefined || stem.includes("..")) {
        throw new Problem(
            "invalid_file_name",
            "Send a plain name that ends in .csv: letters, digits, spaces, and _ . - after the first character.",
            { parameter: "filename" },
        );
    }
    return stem;
}
