/** Aligned plain tables: no frames, two spaces between columns, numbers to the right with thousands separators. */
import { formatNumber } from "./format.ts";
import { sanitize } from "./sanitize.ts";

/** Numbers are formatted; texts are sanitized; null is an empty cell. */
export type Cell = string | number | bigint | null;

export interface TableOptions {
    /** Titles of the columns; without them there is no header line. */
    header?: readonly string[];
    /** Before each line. */
    indent?: string;
    /** Columns (from 0) that are aligned to the right although they hold texts, such as sizes and shares. */
    rightAligned?: readonly number[];
}

/**
 * Rows → lines without line ends and without trailing spaces. A column is aligned to the right when every cell of it
 * that is not null is a number.
 */
export function formatTable(
    rows: readonly (readonly Cell[])[],
    { header, indent = "", rightAligned = [] }: TableOptions = {},
): string[] {
    const lines = [...(header ? [header] : []), ...rows].map((row) => row.map(showCell));
    const columnCount = Math.max(0, ...lines.map((line) => line.length));
    const columns = Array.from({ length: columnCount }, (_, column) => ({
        width: Math.max(...lines.map((line) => Bun.stringWidth(line[column] ?? ""))),
        toRight: rightAligned.includes(column) || isNumeric(rows, column),
    }));
    return lines.map((line) => {
        const cells = columns.map(({ width, toRight }, column) => pad(line[column] ?? "", width, toRight));
        return `${indent}${cells.join("  ")}`.trimEnd();
    });
}

function showCell(cell: Cell): string {
    if (cell === null) return "";
    return typeof cell === "string" ? sanitize(cell) : formatNumber(cell);
}

function isNumeric(rows: readonly (readonly Cell[])[], column: number): boolean {
    const cells = rows.map((row) => row[column] ?? null).filter((cell) => cell !== null);
    return cells.length > 0 && cells.every((cell) => typeof cell !== "string");
}

/** By columns of the terminal, not by UTF-16 units: `日本` is four wide. */
function pad(text: string, width: number, toRight: boolean): string {
    const spaces = " ".repeat(width - Bun.stringWidth(text));
    return toRight ? spaces + text : text + spaces;
}
