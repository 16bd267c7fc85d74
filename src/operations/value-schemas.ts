/** The parts that the answers of the API and of `bun run status` share. */
import { z } from "@hono/zod-openapi";
import type { RecordCounts } from "../terminal/record-counts.ts";

/** ISO 8601 in UTC, to the microsecond where Postgres has it. */
export const instantSchema = z.iso.datetime().openapi({ example: "2026-01-31T07:29:31.250000Z" });
export const countSchema = z.number().int().nonnegative();
export const idSchema = z.number().int().positive();
/** Two decimals, as text: JSON's numbers are binary fractions. */
export const moneySchema = z
    .string()
    .regex(/^-?\d+\.\d{2}$/)
    .openapi({ example: "1299.90" });

/** Where every record of the sum went: read is the sum of all outcomes, in every response. */
export const recordCounts = {
    read: countSchema,
    inserted: countSchema,
    updated: countSchema.openapi({ description: "Took the place of a row (upsert, snapshot)." }),
    duplicate: countSchema,
    superseded: countSchema.openapi({ description: "Older than another record or the row with its key (upsert)." }),
    deleted: countSchema.openapi({ description: "Deleted the row with its key (upsert)." }),
    conflict: countSchema,
    rejected: countSchema,
    removed: countSchema.openapi({ description: "Rows, not records, that a snapshot no longer has." }),
} satisfies Record<keyof RecordCounts, unknown>;
