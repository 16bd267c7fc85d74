/** The parts that the answers of the API and of `bun run status` share. */
import { z } from "@hono/zod-openapi";

/** ISO 8601 in UTC, to the microsecond where Postgres has it. */
export const instantSchema = z.iso.datetime().openapi({ example: "2026-01-31T07:29:31.250000Z" });
export const countSchema = z.number().int().nonnegative();
export const idSchema = z.number().int().positive();
/** Two decimals, as text: JSON's numbers are binary fractions. */
export const moneySchema = z
    .string()
    .regex(/^-?\d+\.\d{2}$/)
    .openapi({ example: "1299.90" });

/** Where every record of the sum went: read = inserted + duplicate + conflict + rejected, in every response. */
export const recordCounts = {
    read: countSchema,
    inserted: countSchema,
    duplicate: countSchema,
    conflict: countSchema,
    rejected: countSchema,
};
