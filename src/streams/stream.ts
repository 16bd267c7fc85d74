/** A stream: records of one kind, which files bring and which end in one table. A value: whoever works on a stream is given it. */
import type { ColumnType } from "./types/column-type.ts";

export interface Column {
    /** As the table names it, and files do unless they are declared otherwise: in lower case. */
    name: string;
    type: ColumnType;
    /** A file without it fails; others are null when a file lacks them. */
    isRequired: boolean;
    /** The reject reasons of its values, without the column's name: `missing` is `<name>_missing`. */
    reasons: readonly string[];
}

export interface Stream {
    /** Its number in the ledger (ingest.streams). */
    id: number;
    name: string;
    /** In the schema public. */
    table: string;
    /** In the order of the table. */
    columns: readonly Column[];
    /** Records with the same key are the same; it also decides their slice. */
    key: Column;
    /** The timestamp that the loader hands to the merge as a number where it is plain (src/engine/read/is-plain.ts). */
    time: Column | null;
    /** The jsonb column that keeps the values of a file's other columns. */
    extras: string;
}

type Definition = Pick<Stream, "id" | "name" | "table" | "columns" | "extras"> & { key: string; time: string | null };

/** @throws TypeError when key or time is none of the columns */
export function defineStream({ key, time, ...definition }: Definition): Stream {
    const named = (name: string) => {
        const column = findColumn(definition, name);
        if (column === null) throw new TypeError(`The stream ${definition.name} has no column ${name}.`);
        return column;
    };
    return { ...definition, key: named(key), time: time === null ? null : named(time) };
}

export function findColumn({ columns }: Pick<Stream, "columns">, name: string): Column | null {
    return columns.find((column) => column.name === name) ?? null;
}

export function columnNames({ columns }: Stream): string[] {
    return columns.map(({ name }) => name);
}

/** The most columns that a stream does not have and that can be staged verbatim (extra_1 …). */
export const stagedExtraColumns = 16;
