/** Parts of requests and responses, and the SQL that gives a value its form. */
import { z } from "@hono/zod-openapi";
import { type AnyColumn, type SQL, sql } from "drizzle-orm";

import { countNames, type RecordCounts } from "../../terminal/record-counts.ts";
import { Problem } from "./problem.ts";

export { countSchema, idSchema, instantSchema, moneySchema, recordCounts } from "../../operations/value-schemas.ts";

/** A whole number in a query. */
export function wholeNumberSchema(least: number, most: number) {
    const message = `must be a whole number from ${least} to ${most}`;
    return z
        .string()
        .regex(new RegExp(`^\\d{1,${String(most).length}}$`), message)
        .transform(Number)
        .refine((value) => value >= least && value <= most, message)
        .openapi({ type: "integer", minimum: least, maximum: most });
}

export const limitSchema = wholeNumberSchema(1, 200)
    .optional()
    .transform((limit) => limit ?? 50)
    .openapi({ type: "integer", minimum: 1, maximum: 200, default: 50 });

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

/** Two filters of a list: from this instant on, and before that one. */
export const rangeParameters = { from: instantParameterSchema.optional(), to: instantParameterSchema.optional() };

export interface InstantRange {
    from?: string | undefined;
    to?: string | undefined;
}

/** @throws Problem invalid_parameter for a range that nothing can be in */
export function refuseEmptyRange({ from, to }: InstantRange): void {
    if (from === undefined || to === undefined || Date.parse(from) < Date.parse(to)) return;
    throw new Problem("invalid_parameter", "`to` must be later than `from`.", { parameter: "to" });
}

export function within(column: AnyColumn, { from, to }: InstantRange): (SQL | undefined)[] {
    return [
        from === undefined ? undefined : sql`${column} >= ${from}::timestamptz`,
        to === undefined ? undefined : sql`${column} < ${to}::timestamptz`,
    ];
}

/** With microseconds: of one width, so that text order is time order, and no digit of a sort key is lost. */
export function isoInstant(value: AnyColumn | SQL): SQL<string> {
    return sql<string>`to_char(${value} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

/** For a column that may be null. */
export function isoInstantOrNull(value: AnyColumn | SQL): SQL<string | null> {
    return isoInstant(value) as SQL<string | null>;
}

/** The name of the stream that a row of this table of the ledger is of. Its columns may be unqualified: drizzle leaves that away. */
export function streamNameIn(table: string): SQL<string> {
    return sql<string>`(select streams.name from ingest.streams where streams.stream_id = ${sql.raw(table)}.stream_id)`;
}

/** The counts of `recordCounts`, summed; 0 over no rows. */
export function sumOutcomes(columns: Record<keyof RecordCounts, AnyColumn>) {
    const total = (column: AnyColumn) => sql`coalesce(sum(${column}), 0)`.mapWith(Number);
    const sums = countNames.map((name) => [name, total(columns[name])]);
    return Object.fromEntries(sums) as Record<keyof RecordCounts, SQL<number>>;
}

/** Splits the columns of an answer: the schema of each value, and the column or SQL that it comes from. */
export function splitColumns<const Columns extends Record<string, readonly [z.ZodType, AnyColumn | SQL]>>(
    columns: Columns,
) {
    const pick = (index: 0 | 1) =>
        Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column[index]]));
    return {
        shape: pick(0) as { [Name in keyof Columns]: Columns[Name][0] },
        fields: pick(1) as { [Name in keyof Columns]: Columns[Name][1] },
    };
}

/** The fields as one JSON object, for a statement that gives more than a row. */
export function jsonOf(fields: Record<string, AnyColumn | SQL>): SQL {
    const pairs = Object.entries(fields).map(([name, value]) => sql`${sql.raw(`'${name}'`)}, ${value}`);
    return sql`json_build_object(${sql.join(pairs, sql`, `)})`;
}
