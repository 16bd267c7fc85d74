/** A stream as the templates of the merge see it. */
import type { TableColumn } from "../../database/table-shape.ts";
import { lines, list, sql } from "./sql-text.ts";

export interface StreamSql {
    /** ingest.streams.stream_id */
    streamId: number;
    /** With its schema: `public.events`. */
    table: string;
    /** The data columns, in the order of the table; the key is the first. */
    columns: readonly ColumnSql[];
    /** A jsonb column for what a file says in columns that nobody knows. */
    extras: string;
    /** Columns that tell when a row was written: Postgres fills them. */
    stamped: readonly string[];
    /** Every column that the table must have. */
    shape: readonly TableColumn[];
    /** The reject code of a record whose key is taken by other content. */
    conflictCode: string;
    /** The name of a row in messages. */
    rowName: string;
    /** Facts that the rules need beside the values, read once a merge: a composite type, and a function of the same name. */
    facts: string;
    /** The column whose value `plain_second` tells, as seconds since 1970, where the loader has seen that all are well-formed. */
    plainColumn: string;
    /** By column of a stored row, a condition that holds where no record may have its value. */
    brokenColumns(stored: string, facts: string): [name: string, condition: string][];
    /** A verdict that is known before the rules are asked, as a condition on `plain_second` and the values. */
    knownToPass(facts: string): string;
    /** Rollups that are fed by every row that comes or goes. */
    rollups: RollupsSql;
}

export interface ColumnSql {
    name: string;
    /** As in `create table`. */
    type: string;
    /** Null, or the code of the first rule that the trimmed text breaks: an expression. */
    reason(value: string, facts: string): string;
}

export interface RollupsSql {
    /** The columns of a row that they are made from. */
    columns: readonly string[];
    /** Facts that they need beside the rows, as `facts` above. */
    facts: string;
    /** A statement that adds what rows bring, or with -1 take, to the session's table of gains. */
    gains(rows: string, sign: 1 | -1): string;
}

export const keyOf = ({ columns }: StreamSql): string => columns[0]!.name;
export const names = ({ columns }: StreamSql): string[] => columns.map(({ name }) => name);
/** `events` of `public.events`: how a column of the table is qualified. */
export const rowOf = ({ table }: StreamSql): string => table.split(".").at(-1)!;

export const keyType = ({ columns }: StreamSql): string => columns[0]!.type;

/** The columns that the rollups are made from, in their order. */
export const watchedColumns = ({ columns, rollups }: StreamSql): ColumnSql[] =>
    rollups.columns.map((name) => columns.find((column) => column.name === name)!);

/** `'12.5'` → numeric: what passed the rules, cast. Text stays. */
export function cast(value: string, { type }: ColumnSql): string {
    return type === "text" ? value : `${value}::${type}`;
}

/** All that the merge writes of a record. */
export const written = (stream: StreamSql): string[] => [...names(stream), stream.extras, "chunk_id", "record_no"];

/** All that makes two records of a key the same. */
export const compared = (stream: StreamSql): string[] => [...names(stream).slice(1), stream.extras];

/** A scalar: whether a row has the key of these records. */
export const rowOfKey = (stream: StreamSql, records: string): string =>
    `select true from ${stream.table} where ${rowOf(stream)}.${keyOf(stream)} = ${records}.${keyOf(stream)}`;

/** An update that gives rows the values of records with their keys; what it wrote, in the columns of written_rows. */
export function exchanged(stream: StreamSql, records: string): string {
    const row = rowOf(stream);
    const watched = ["chunk_id", "record_no", ...stream.rollups.columns];
    const given = [...compared(stream), "chunk_id", "record_no"].map((name) => `${name} = ${records}.${name}`);
    return sql`
update ${stream.table}
set
    ${lines([...given, ...stream.stamped.map((name) => `${name} = now()`)], String)}
from ${records}
where ${row}.${keyOf(stream)} = ${records}.${keyOf(stream)}
returning
    case
        when (${row}.chunk_id, ${row}.record_no) = (${records}.chunk_id, ${records}.record_no)
        then ${records}.${keyOf(stream)}
    end as told_key,
    ${row}.${keyOf(stream)} as record_key,
    ${list(watched, (name) => `${row}.${name}`)}`;
}
