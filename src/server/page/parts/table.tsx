import type { ComponentChildren } from "preact";
import { Scroll } from "./scroll.tsx";

export interface Column<Row> {
    head: string;
    /** For the head and the cells. */
    class?: string;
    /** Its cells name their rows. */
    isRowHead?: boolean;
    cell: (row: Row, index: number) => ComponentChildren;
}

interface TableProps<Row> {
    label: string;
    columns: readonly Column<Row>[];
    rows: readonly Row[];
    keyOf: (row: Row) => string | number;
    /** Stays a table on a phone: few columns of numbers. */
    isCompact?: boolean;
    /** The row that the rest of the page is about. */
    isChosen?: (row: Row) => boolean;
}

export function Table<Row>({ label, columns, rows, keyOf, isChosen, isCompact = false }: TableProps<Row>) {
    return (
        <Scroll label={label}>
            <table class={isCompact ? undefined : "rows"}>
                <thead>
                    <tr>
                        {columns.map((column) => (
                            <th key={column.head} scope="col" class={column.class}>
                                {column.head}
                            </th>
                        ))}
                    </tr>
                </thead>
                <tbody>
                    {rows.map((row, index) => (
                        <tr key={keyOf(row)} class={isChosen?.(row) ? "chosen" : undefined}>
                            {columns.map(({ head, isRowHead, cell, ...column }) => {
                                const Cell = isRowHead ? "th" : "td";
                                return (
                                    <Cell
                                        key={head}
                                        class={column.class}
                                        scope={isRowHead ? "row" : undefined}
                                        data-label={head}
                                    >
                                        {cell(row, index)}
                                    </Cell>
                                );
                            })}
                        </tr>
                    ))}
                </tbody>
            </table>
        </Scroll>
    );
}
