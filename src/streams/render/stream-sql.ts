/** A stream as the templates of the merge see it. */
import type { TableColumn } from "../../database/table-shape.ts";
import type { Mode } from "../mode.ts";
import { lines, list, sql } from "./sql-text.ts";

export interface StreamSql {
    /** ingest.streams.stream_id */
    streamId: number;
    mode: Mode;
    /** The column whose value `plain_second` tells, as seconds since 1970 where that is positive. Null: none. */
    timed: string | null;
    /** As SQL writes it, with its schema: `public.events`, `sales."Order"`. */
    table: string;
    /** The name of a row in messages. */
    rowName: string;
    /** The data columns, in the order of the table. */
    columns: readonly ColumnSql[];
    /** Those that identify a row; none: the mode is `append`. */
    keys: readonly ColumnSql[];
    /** The name of the index that keeps them unique; null: any. */
    keyIndex: string | null;
    /** The column of staging for what a file says in columns that nobody knows. */
    extras: string;
    /** The reject code of a record whose key is taken by other content; null: there is no key. */
    conflictCode: string | null;
    /** Facts that the rules need beside the values, read once a merge: a composite type, and a function of the same name. */
    facts: string;
    /** A verdict that is known before the rules are asked, as a condition on the columns of `record`; null when there is none. */
    knownToPass(record: string, facts: string): string | null;
    /** The same of a record that may have typed values: then they pass. */
    knownAsTyped(record: string): string | null;
    /** What a record of which every column passes must fulfil besides. */
    conditions: RowConditions | null;
    /** Whether a typed record deletes the row of its key, by the mode's `deleteWhen`; null: none does. */
    deletes: ((record: string) => string) | null;
    /** The reject codes of records that the table refuses, by the constraint that it names. */
    refusals: readonly { constraint: string; code: string }[];
    /** What else must be unique in the table, by columns. */
    uniques: readonly (readonly ColumnSql[])[];
    /** Codes of records that wait for a row of another table. */
    waiting: readonly string[];
    /** Whether those rows are there. Null: there are none that a record could wait for. */
    parents: RowConditions | null;
    /** What only a table that Sluice made has; null for one that it found. */
    made: MadeTable | null;
}

export interface ColumnSql {
    /** In a record: as files name it. */
    name: string;
    /** In staging and in what the merge makes of it, as SQL writes it. */
    ident: string;
    /** In staging, for a value that COPY has made typed; null: there is none. */
    typed: string | null;
    /** In the table, as SQL writes it. */
    column: string;
    /** As in `create table`. */
    type: string;
    /** By which its values are compared and ordered, as SQL writes it; null: that of the database, or its type has none. */
    collation: string | null;
    /** Null, or the code of the first rule that the trimmed text breaks: an expression. */
    reason(value: string, facts: string): string;
    /** Whether the trimmed text breaks no rule: an expression that is true, or anything else. */
    passes(value: string, facts: string): string;
    /**
     * The operator by which two keys are one. With its schema where that is not pg_catalog: a replay has no other schema in its
     * search_path, and `=` would compare citext as text.
     */
    equals: string;
    /** The typed value of a text that broke none. */
    cast(value: string): string;
    /** The text that would make the typed value. */
    text(value: string): string;
    /** What of the typed value tells two apart. */
    distinct(value: string): string;
    /** What the table takes where a record says nothing; null: null. */
    fallback: string | null;
    /** The default that replaces an empty value, also in `cast`. Null: an empty value is null, or `fallback`. */
    steady: string | null;
}

/** Conditions over a row, each with the code of the records that break it. */
export interface RowConditions {
    /** A query of one row: the typed values under the table's own names. `value` gives the typed value of a column. */
    row(value: (column: ColumnSql) => string): string;
    /** Over the columns of that row. True or null where it holds. */
    rules: readonly { code: string; condition: string }[];
}

export interface MadeTable {
    /** Its jsonb column for what a file says in columns that nobody knows is named as that of staging. Postgres fills these: */
    stamped: readonly string[];
    /** Every column that the table must have. */
    shape: readonly TableColumn[];
    /** By column of a stored row, a condition that holds where no record may have its value. */
    brokenColumns(stored: string, facts: string): [name: string, condition: string][];
    /** Rollups that are fed by every row that comes or goes. */
    rollups: RollupsSql;
}

export interface RollupsSql {
    /** The columns of a row that they are made from. */
    columns: readonly string[];
    /** Facts that they need beside the rows, as `facts` above. */
    facts: string;
    /** A statement that adds what rows bring, or with -1 take, to the session's table of gains. */
    gains(rows: string, sign: 1 | -1): string;
}

/** The columns that have a second place in staging, for values that COPY has made typed: all, or none. */
export const typedColumns = ({ columns }: StreamSql): { typed: string; type: string }[] =>
    columns.flatMap(({ typed, type }) => (typed === null ? [] : [{ typed, type }]));

export const names = ({ columns }: StreamSql): string[] => columns.map(({ name }) => name);
export const idents = ({ columns }: StreamSql): string[] => columns.map(({ ident }) => ident);
export const keyIdents = ({ keys }: StreamSql): string[] => keys.map(({ ident }) => ident);
/** `event_id`, or `order_id, line_no` */
export const keyList = (stream: StreamSql): string => keyIdents(stream).join(", ");

/** By what records of one key are found together: where a collation says what is equal, by that of the table. */
export const keyOrder = ({ keys }: StreamSql, records = ""): string => orderOf(keys, records);

export const orderOf = (columns: readonly ColumnSql[], records: string): string =>
    columns
        .map(({ ident, collation }) => `${records}${ident}${collation === null ? "" : ` collate ${collation}`}`)
        .join(", ");

/** `events` of `public.events`: how a column of the table is qualified. */
export const rowOf = ({ table }: StreamSql): string => /(?:[^."]+|"(?:[^"]|"")*")$/.exec(table)![0];

/** For an index, a temporary table's comment and the like: a key's columns in one name. */
export const keyName = ({ keys }: StreamSql): string => keys.map(({ name }) => name).join("_");

/** Whether a row has the key of these records. */
export const hasKeyOf = (stream: StreamSql, records: string): string => isOfKey(stream, rowOf(stream), records);

/** The same of a row that is called `row`. */
export const isOfKey = ({ keys }: StreamSql, row: string, records: string): string =>
    keys.map(({ column, equals, ident }) => `${row}.${column} ${equals} ${records}.${ident}`).join(" and ");

/** The columns of the table that the merge fills from a record; where a record came from, where the table keeps it. */
export const written = (stream: StreamSql): string[] => [
    ...stream.columns.map(({ column }) => column),
    ...(stream.made === null ? [] : [stream.extras, "chunk_id", "record_no"]),
];

const fallbackOf = ({ fallback }: ColumnSql) => fallback;

/** What it fills them with, of `records`; `instead` where a record says nothing. */
export const given = (
    stream: StreamSql,
    records = "",
    instead: (column: ColumnSql) => string | null = fallbackOf,
): string[] => [
    ...stream.columns.map((column) => {
        const other = instead(column);
        return other === null ? records + column.ident : `coalesce(${records}${column.ident}, ${other})`;
    }),
    ...(stream.made === null ? [] : [stream.extras, "chunk_id", "record_no"].map((name) => records + name)),
];

/** How columns are called in a record, and in what it is compared with. */
const inTable = { told: ({ ident }: ColumnSql) => ident, kept: ({ column }: ColumnSql) => column };

/** The columns that are not of the key. */
const others = ({ columns, keys }: StreamSql): ColumnSql[] => columns.filter((column) => !keys.includes(column));

/**
 * Whether a record of `records` says something else than the row `stored`. Where a record says nothing the row has what the
 * table takes then, which may be another value each time.
 */
export function saysOther(
    stream: StreamSql,
    records: string,
    stored: string,
    { told: toldName, kept: keptName } = inTable,
): string {
    const extras = stream.made === null ? [] : [stream.extras];
    const compared = others(stream).filter(({ fallback }) => fallback === null);
    const defaulted = others(stream).filter(({ fallback }) => fallback !== null);
    const told = [
        ...compared.map((column) => column.distinct(`${records}.${toldName(column)}`)),
        ...extras.map((name) => `${records}.${name}`),
    ];
    const kept = [
        ...compared.map((column) => column.distinct(`${stored}.${keptName(column)}`)),
        ...extras.map((name) => `${stored}.${name}`),
    ];
    const ofCompared = sql`
(
    ${list(told)}
) is distinct from (
    ${list(kept)}
)`;
    const ofDefaulted = defaulted.map((column) => {
        const value = `${records}.${toldName(column)}`;
        return `${value} is not null and ${column.distinct(value)} is distinct from ${column.distinct(`${stored}.${keptName(column)}`)}`;
    });
    const differences = [...(told.length === 0 ? [] : [ofCompared]), ...ofDefaulted];
    return differences.length === 0 ? "false" : differences.join("\nor ");
}

/** The columns that the rollups are made from, in their order. */
export const watchedColumns = ({ columns, made }: StreamSql): ColumnSql[] =>
    (made?.rollups.columns ?? []).map((name) => columns.find((column) => column.name === name)!);

/**
 * An update that gives rows the values of records with their keys, of those that `only` holds for; what it wrote, in the columns
 * of written_rows, or what `told` says.
 */
export function exchanged(
    stream: StreamSql,
    records: string,
    { only = null, told = null }: { only?: string | null; told?: readonly string[] | null } = {},
): string {
    const row = rowOf(stream);
    const { made, keys } = stream;
    // A row keeps what the table took where its record said nothing.
    const kept = ({ fallback, column }: ColumnSql) => (fallback === null ? null : `${row}.${column}`);
    const values = given(stream, `${records}.`, kept);
    const sets = written(stream)
        .map((column, index) => `${column} = ${values[index]}`)
        .filter((_, index) => !keys.includes(stream.columns[index]!));
    // A table of nothing but its key has no conflicts; the statement is made all the same.
    if (sets.length === 0) sets.push(`${keys[0]!.column} = ${row}.${keys[0]!.column}`);
    const returned =
        made === null
            ? stream.keys.map(({ ident }) => `${records}.${ident}`)
            : [
                  sql`
case
    when (${row}.chunk_id, ${row}.record_no) = (${records}.chunk_id, ${records}.record_no)
    then ${records}.${keyList(stream)}
end as told_key`,
                  `${row}.${keyList(stream)} as record_key`,
                  list(["chunk_id", "record_no", ...made.rollups.columns], (name) => `${row}.${name}`),
              ];
    return sql`
update ${stream.table}
set
    ${lines([...sets, ...(made?.stamped ?? []).map((name) => `${name} = now()`)], String)}
from ${records}
where ${hasKeyOf(stream, records)}${only === null ? "" : ` and ${only}`}
returning
    ${lines(told ?? returned, String)}`;
}
