/** A list, newest first, and its pages. A cursor is opaque: which list it belongs to, and the sort key of a page's last row. */
import { z } from "@hono/zod-openapi";
import type { GetRoute } from "./get-route.ts";
import { Problem } from "./problem.ts";
import type { Database } from "./reader.ts";
import { type InstantRange, limitSchema, refuseEmptyRange } from "./shapes.ts";

const pageParameters = {
    limit: limitSchema,
    cursor: z.string().min(1).max(2000).optional().openapi({ description: "nextCursor of the previous page." }),
};

/** The key of a list that is sorted by its id. */
export const idKey = z.tuple([z.number().int().positive()]);

/** `nextCursor` is null on the last page. */
function pageSchema<Row extends z.ZodType>(row: Row) {
    return z.object({ data: z.array(row), nextCursor: z.string().nullable() });
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
}

/** For `addGetRoute`. */
export function listing<
    Filters extends z.ZodRawShape,
    Row extends z.ZodType,
    Key extends [string | number, ...(string | number)[]],
>({ path, summary, filters, row, key, keyOf, select }: Listing<Filters, Row, Key>) {
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
            return { data, nextCursor: last === undefined ? null : encodeCursor(list, keyOf(last)) };
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
