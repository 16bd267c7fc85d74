/** A list, newest first, and its pages. A cursor is opaque: which list it belongs to, and the sort key of a page's last row. */
import { z } from "@hono/zod-openapi";
import { type AnyColumn, desc, type SQL, sql } from "drizzle-orm";
import type { GetRoute } from "./get-route.ts";
import { Problem } from "./problem.ts";
import type { Database } from "./reader.ts";
import { type InstantRange, instantParameterSchema, limitSchema, refuseEmptyRange } from "./shapes.ts";

const pageParameters = {
    limit: limitSchema,
    cursor: z.string().min(1).max(2000).optional().openapi({ description: "nextCursor of the previous page." }),
};

const id = z.number().int().positive();

/** The key of a list that is sorted by its id. */
export const idKey = z.tuple([id]);

/** The key of a list that is sorted by its id, and by a time when it is of a time range: `orderOf`. */
export const timedKey = z.tuple([id, instantParameterSchema]);
export type TimedKey = z.output<typeof timedKey>;

/**
 * Newest first, by the id; of a time range by the time, which an index enters where the range ends: by the id all that is newer
 * would be walked. `past` is the condition of the rows after a key, `upTo` of those up to it.
 */
export function orderOf(idColumn: AnyColumn, timeColumn: AnyColumn, { from, to }: InstantRange) {
    const isTimed = from !== undefined || to !== undefined;
    const place = isTimed ? sql`(${timeColumn}, ${idColumn})` : sql`${idColumn}`;
    const keyOf = ([rowId, at]: TimedKey) => (isTimed ? sql`(${at}::timestamptz, ${rowId}::bigint)` : sql`${rowId}`);
    return {
        by: isTimed ? [desc(timeColumn), desc(idColumn)] : [desc(idColumn)],
        past: (key: TimedKey): SQL => sql`${place} < ${keyOf(key)}`,
        upTo: (key: TimedKey): SQL => sql`${place} >= ${keyOf(key)}`,
    };
}

/** `nextCursor` is null on the last page. */
function pageSchema<Row extends z.ZodType>(row: Row) {
    return z.object({
        data: z.array(row),
        nextCursor: z.string().nullable(),
        isPartial: z.literal(true).optional().openapi({
            description:
                "Present if the search stopped at its limit: rows that match may be missing from here on, and nextCursor goes on with the search.",
        }),
    });
}

type Filtered<Filters extends z.ZodRawShape, Key> = z.output<z.ZodObject<Filters>> & {
    limit: number;
    after: Key | undefined;
};

interface Listing<
    Filters extends z.ZodRawShape,
    Row extends z.ZodType,
    Key extends [string | number, ...(string | number)[]],
> {
    path: string;
    summary: string;
    filters: Filters;
    row: Row;
    key: z.ZodType<Key>;
    keyOf(row: z.input<Row>): Key;
    /** One row more than `limit`: it tells whether there is a next page. */
    select(db: Database, query: Filtered<Filters, Key>): PromiseLike<z.input<Row>[]>;
    /** After a page that `select` did not fill: where it stopped although there may be more; undefined when it saw all. */
    stoppedAt?(db: Database, query: Filtered<Filters, Key>): Promise<Key | undefined>;
}

/** For `addGetRoute`. */
export function listing<
    Filters extends z.ZodRawShape,
    Row extends z.ZodType,
    Key extends [string | number, ...(string | number)[]],
>({ path, summary, filters, row, key, keyOf, select, stoppedAt }: Listing<Filters, Row, Key>) {
    const list = path.split("/").at(-1)!;
    return {
        path,
        summary,
        query: { ...pageParameters, ...filters },
        answer: { description: "A page", schema: pageSchema(row) },
        toQuestion(parameters) {
            const { cursor, ...query } = parameters as { cursor?: string } & InstantRange;
            refuseEmptyRange(query);
            const after = cursor === undefined ? undefined : decodeCursor(list, cursor, key);
            return { ...query, after } as Filtered<Filters, Key>;
        },
        async read(db, query) {
            const rows = await select(db, query);
            const data = rows.slice(0, query.limit);
            const last = rows.length > query.limit ? data.at(-1) : undefined;
            if (last !== undefined) return { data, nextCursor: encodeCursor(list, keyOf(last)) };
            const end = await stoppedAt?.(db, query);
            if (end === undefined) return { data, nextCursor: null };
            return { data, nextCursor: encodeCursor(list, end), isPartial: true as const };
        },
    } satisfies GetRoute<Filters & typeof pageParameters, ReturnType<typeof pageSchema<Row>>, Filtered<Filters, Key>>;
}

export function encodeCursor(list: string, key: readonly (string | number)[]): string {
    return Buffer.from(JSON.stringify([list, ...key])).toString("base64url");
}

/**
 * The key that `encodeCursor` was given for the same list.
 *
 * @throws Problem invalid_cursor, whatever was done to the text: nothing of it reaches SQL unchecked.
 */
export function decodeCursor<Key>(list: string, cursor: string, keySchema: z.ZodType<Key>, parameter = "cursor"): Key {
    const [decodedList, ...key] = parseArray(cursor);
    const checked = keySchema.safeParse(key);
    if (decodedList === list && checked.success) return checked.data;
    throw new Problem(
        "invalid_cursor",
        "Use nextCursor from an answer of this address, or omit it to start with the newest.",
        { parameter },
    );
}

function parseArray(cursor: string): unknown[] {
    try {
        const parsed: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
        return Array.isArray(parsed) ? parsed : [];
    } catch {
        return [];
    }
}
