/** Opaque cursors: the sort key of the last row of a page, with the name of the list it belongs to. */
import type { z } from "@hono/zod-openapi";
import { Problem } from "./problem.ts";

export function encodeCursor(list: string, keys: readonly (string | number)[]): string {
    return Buffer.from(JSON.stringify([list, ...keys])).toString("base64url");
}

/**
 * The keys that `encodeCursor` was given for the same list.
 *
 * @throws Problem invalid_cursor, whatever was done to the text: nothing of it reaches SQL unchecked.
 */
export function decodeCursor<Keys>(
    list: string,
    cursor: string,
    keysSchema: z.ZodType<Keys>,
    parameter = "cursor",
): Keys {
    const [decodedList, ...keys] = parseArray(cursor);
    const checked = keysSchema.safeParse(keys);
    if (decodedList !== list || !checked.success) {
        throw new Problem({
            code: "invalid_cursor",
            detail: "Take it from an answer of this same address, or leave it out to begin with the newest.",
            parameter,
        });
    }
    return checked.data;
}

function parseArray(cursor: string): unknown[] {
    try {
        const parsed: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
        return Array.isArray(parsed) ? parsed : [];
    } catch {
        return [];
    }
}
