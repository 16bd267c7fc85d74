/** The rows of a table in the form of expected.json. */
import type { Sql } from "../../src/database/connect.ts";
import type { TableCase } from "./read-table-case.ts";

export async function readRows(sql: Sql, { table, columns, rows: expected }: TableCase): Promise<(string | null)[][]> {
    const values = columns.map((column) => `"${column.replaceAll('"', '""')}"::text`);
    const rows = await sql.unsafe<{ row: (string | null)[] }[]>(`select array[${values}] as row from ${table}`);
    const wanted = ordered(expected);
    return ordered(rows.map(({ row }) => [...row])).map((row, index) =>
        row.map((value, column) => (value !== null && wanted[index]?.[column] === "*" ? "*" : value)),
    );
}

/** By the columns of the key, which are the first ones. */
export function ordered(rows: (string | null)[][]): (string | null)[][] {
    const textOf = (row: (string | null)[]) => JSON.stringify(row);
    return rows.toSorted((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
}
