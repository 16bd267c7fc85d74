/** A page of a user's table by its key: quoted names, every value as the text that Postgres writes. */
import type { Sql } from "../../../database/connect.ts";
import { sqlStateOf, sqlStates } from "../../../database/sql-states.ts";
import type { ContractColumn } from "../../../operations/streams/contract-schema.ts";
import type { KnownStream } from "../../../operations/streams/read-streams.ts";
import { quoteIdent } from "../../../streams/catalog/quote-ident.ts";
import { Problem } from "../problem.ts";

interface RowsQuery {
    stream: KnownStream;
    key: string[];
    columns: ContractColumn[];
    /** The key of the last row of the page before, as text. */
    after: string[] | undefined;
    limit: number;
}

export interface TextRow {
    values: Record<string, string | null>;
    /** Columns whose text is too long for a list. */
    omitted: string[];
}

const mostCharacters = 2000;

/**
 * Walks the key's index from `after` on. `next` is null on the last page.
 * @throws Problem table_unreadable, invalid_cursor
 */
export async function readRows(
    sql: Sql,
    { stream, key, columns, after, limit }: RowsQuery,
): Promise<{ rows: TextRow[]; next: string[] | null }> {
    const typeOf = (name: string) => columns.find((column) => column.name === name)!.type;
    // Those of the key whole, since the next page goes on from them: an index bounds them.
    const textOf = ({ name }: ContractColumn) =>
        key.includes(name) ? `${quoteIdent(name)}::text` : `left(${quoteIdent(name)}::text, ${mostCharacters + 1})`;
    const keyList = key.map(quoteIdent).join(", ");
    const given = key.map((name, index) => `$${index + 1}::text::${typeOf(name)}`).join(", ");
    const [row] = await sql
        .unsafe<[{ page: string }]>(
            `select coalesce(json_agg(page.row), '[]')::text as page
            from (
                select array[${columns.map(textOf).join(", ")}] as row
                from ${stream.table}
                ${after === undefined ? "" : `where (${keyList}) > (${given})`}
                order by ${keyList}
                limit ${limit + 1}
            ) as page`,
            after ?? [],
        )
        .catch((error: unknown) => explain(error, stream));
    const found = JSON.parse(row!.page) as (string | null)[][];
    const shown = found.slice(0, limit);
    const last = found.length > limit ? shown.at(-1) : undefined;
    const at = key.map((name) => columns.findIndex((column) => column.name === name));
    return { rows: shown.map((texts) => toRow(texts, columns)), next: last ? at.map((index) => last[index]!) : null };
}

function toRow(texts: (string | null)[], columns: ContractColumn[]): TextRow {
    const isLong = (text: string | null) => text !== null && [...text].length > mostCharacters;
    const values = columns.map(({ name }, index) => [name, isLong(texts[index]!) ? null : texts[index]!]);
    return {
        values: Object.fromEntries(values),
        omitted: columns.filter((_, index) => isLong(texts[index]!)).map(({ name }) => name),
    };
}

const unreadable: ReadonlySet<string> = new Set([
    sqlStates.undefinedTable,
    sqlStates.undefinedColumn,
    sqlStates.insufficientPrivilege,
    sqlStates.invalidSchemaName,
]);

function explain(error: unknown, { table, problemDetail }: KnownStream): never {
    const state = sqlStateOf(error) ?? "";
    // What the cursor holds is no value of the key.
    if (state.startsWith("22"))
        throw new Problem("invalid_cursor", "Use nextCursor from an answer of this address.", { parameter: "cursor" });
    if (!unreadable.has(state)) throw error;
    const detail = problemDetail ?? `${table} is gone, or has other columns, or this login may not select from it.`;
    // Without its cause, by whose code it would be taken for a database that is not ready.
    throw new Problem("table_unreadable", detail);
}
