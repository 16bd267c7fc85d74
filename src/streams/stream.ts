/** A stream: records of one kind, which files bring and which end in one table. A value: whoever works on a stream is given it. */
import type { Mode } from "./mode.ts";
import type { SourceConfig } from "./source-config.ts";
import type { ColumnType } from "./types/column-type.ts";

export interface Column {
    /** As the table names it, and files do unless they are declared otherwise: compared without regard to case. */
    name: string;
    /** Its column in staging, as SQL writes it: quoted where it must be. */
    ident: string;
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
    /** The schema of its staging table and functions: `ingest`, or `ingest_orders`. */
    home: string;
    mode: Mode;
    /** As SQL writes it, with its schema unless that is public. */
    table: string;
    /** In the order of the table. */
    columns: readonly Column[];
    /** Records that agree in all of these are the same. None: no two records are. */
    keys: readonly Column[];
    /** The one of them that decides the slice of a record. */
    key: Column | null;
    /** Whether a record's number decides its slice: no record is in another's way. */
    isSlicedByNumber: boolean;
    /** The timestamp that the loader hands to the merge as a number where it is plain (src/engine/read/is-plain.ts). */
    time: Column | null;
    /** The column of staging for the values of a file's other columns. */
    extras: string;
    /** Whether the table has a column for those; else a file must not have any that is not ignored. */
    keepsExtras: boolean;
    /** How a COPY writes records straight into the table; null: only a merge may. */
    direct: DirectTable | null;
    /** By name of a column, its place in staging for values that COPY makes typed; null: staging has text alone. */
    typed: Readonly<Record<string, string>> | null;
    /** Its indexes may be dropped while a backlog is loaded (src/engine/load/defer-indexes.ts). */
    defersIndexes: boolean;
    /** Which files are its: a glob of paths in the watched folder. Null: those that no other stream claims. */
    files: string | null;
    /** How its files are read; null: as the sources of sluice.config.ts say. */
    source: SourceConfig | null;
}

export interface DirectTable {
    /** With its schema, as SQL writes it. */
    table: string;
    /** By name, as SQL writes them; null for one that has a default, which a COPY would not take for an empty value. */
    columns: Readonly<Record<string, string | null>>;
}

type Definition = Pick<Stream, "id" | "name" | "table" | "extras"> & {
    home?: string;
    mode?: Mode;
    columns: readonly (Omit<Column, "ident"> & { ident?: string })[];
    /** Of several, the first that is sliceable decides the slice. */
    key: string | readonly string[];
    isSlicedByNumber?: boolean;
    time: string | null;
    keepsExtras?: boolean;
    direct?: DirectTable | null;
    typed?: Readonly<Record<string, string>> | null;
    defersIndexes?: boolean;
    files?: string | null;
    source?: SourceConfig | null;
};

/** @throws TypeError when key or time is none of the columns */
export function defineStream(definition: Definition): Stream {
    const columns = definition.columns.map((column) => ({ ident: column.name, ...column }));
    const named = (name: string) => {
        const column = findColumn({ columns }, name);
        if (column === null) throw new TypeError(`The stream ${definition.name} has no column ${name}.`);
        return column;
    };
    const keys = [definition.key].flat().map(named);
    return {
        home: "ingest",
        mode: { name: "insert" },
        keepsExtras: true,
        direct: null,
        typed: null,
        defersIndexes: false,
        isSlicedByNumber: false,
        files: null,
        source: null,
        ...definition,
        columns,
        keys,
        key: keys.find(({ type }) => type.slices !== null) ?? keys[0] ?? null,
        time: definition.time === null ? null : named(definition.time),
    };
}

export function findColumn({ columns }: Pick<Stream, "columns">, name: string): Column | null {
    return columns.find((column) => column.name === name) ?? null;
}

/** The column whose second the loader hands to the merge (staging.plain_second): the stream's time, or the first that can be told. */
export function timedColumn({ columns, time }: Pick<Stream, "columns" | "time">): Column | null {
    return time ?? columns.find(({ type }) => type.plainSecond !== undefined) ?? null;
}

export function columnNames({ columns }: Stream): string[] {
    return columns.map(({ name }) => name);
}

/** The most columns that a stream does not have and that can be staged verbatim (extra_1 …). */
export const stagedExtraColumns = 16;
