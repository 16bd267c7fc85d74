/** What requests and responses are made of, and how the database's values become it. */
import { z } from "@hono/zod-openapi";
import { type AnyColumn, type SQL, sql } from "drizzle-orm";

export { countSchema, idSchema, instantSchema, moneySchema, recordCounts } from "../../operations/value-schemas.ts";

/** A page of a list: `nextCursor` is null on the last one. */
export function pageSchema<Row extends z.ZodType>(row: Row) {
    return z.object({ data: z.array(row), nextCursor: z.string().nullable() });
}

export const maxLimit = 200;

export const limitSchema = z
    .string()
    .regex(/^\d{1,3}$/, `must be a whole number from 1 to ${maxLimit}`)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= maxLimit, `must be a whole number from 1 to ${maxLimit}`)
    .optional()
    .transform((limit) => limit ?? 50)
    .openapi({ type: "integer", minimum: 1, maximum: maxLimit, default: 50 });

/** A whole number in a query. */
export function wholeNumberSchema(least: number, most: number) {
    const message = `must be a whole number from ${least} to ${most}`;
    return z
        .string()
        .regex(/^\d{1,9}$/, message)
        .transform(Number)
        .refine((value) => value >= least && value <= most, message)
        .openapi({ type: "integer", minimum: least, maximum: most });
}

export const cursorSchema = z.string().min(1).max(2000).optional().openapi({
    description: "nextCursor of the page before.",
});

/** A filter by exact value. NUL can be in no text of the database. */
export function textSchema(maxLength: number) {
    return z
        .string()
        .min(1, "must not be empty")
        .max(maxLength, `must have at most ${maxLength} characters`)
        .refine((text) => !text.includes("\0"), "must not hold a NUL");
}

/** An id in a path or a filter: decimal digits, nothing that `Number()` would be lenient about. */
export const idParameterSchema = z
    .string()
    .regex(/^[1-9]\d{0,15}$/, "must be a positive whole number")
    .transform(Number)
    .refine(Number.isSafeInteger, "must be a positive whole number")
    .openapi({ type: "integer", minimum: 1 });

/** ISO 8601 allows the year 0, offsets of up to 23:59 and any number of decimals; Postgres takes none of them. */
export function isPostgresInstant(text: string): boolean {
    const offset = /[+-](\d\d):\d\d$/.exec(text);
    return !text.startsWith("0000-") && Number(offset?.[1] ?? 0) < 16 && text.length <= 40;
}

export const instantParameterSchema = z.iso
    .datetime({ offset: true, error: "must be an ISO 8601 instant such as 2026-01-31T07:00:00Z (write + as %2B)" })
    .refine(
        isPostgresInstant,
        "must be from the year 1 on, with an offset from UTC of less than 16 hours and at most 40 characters",
    )
    .openapi({ format: "date-time" });

/** With microseconds: of one width, so that text order is time order, and no digit of a sort key is lost. */
export function isoInstant(value: AnyColumn | SQL): SQL<string> {
    return sql<string>`to_char(${value} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

/** For a column that may be null. */
export function isoInstantOrNull(value: AnyColumn | SQL): SQL<string | null> {
    return isoInstant(value) as SQL<string | null>;
}

interface OutcomeColumns {
    read: AnyColumn;
    inserted: AnyColumn;
    duplicate: AnyColumn;
    conflict: AnyColumn;
    rejected: AnyColumn;
}

/** The five counts of `recordCounts`, summed; 0 over no rows. */
export function sumOutcomes({ read, inserted, duplicate, conflict, rejected }: OutcomeColumns) {
    const total = (column: AnyColumn) => sql`coalesce(sum(${column}), 0)`.mapWith(Number);
    return {
        read: total(read),
        inserted: total(inserted),
        duplicate: total(duplicate),
        conflict: total(conflict),
        rejected: total(rejected),
    };
}

/** One more row than the page holds was read: it tells whether there is a next page. */
export function toPage<Row>(rows: Row[], limit: number, toCursor: (row: Row) => string) {
    const data = rows.slice(0, limit);
    const last = data.at(-1);
    return { data, nextCursor: rows.length > limit && last ? toCursor(last) : null };
}
