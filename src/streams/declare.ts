/** From a table of the catalog and what was declared of it to a stream: the value for the loader, and the one for the templates. Pure. */
import type { TableColumn } from "../database/table-shape.ts";
import type { CatalogColumn, CatalogKey, CatalogTable } from "./catalog/catalog-table.ts";
import { quoteIdent } from "./catalog/quote-ident.ts";
import { conditionsOf, deletesOf, isSteady, parentsOf, refusalsOf, unknownCode } from "./conditions.ts";
import { type Mode, versionOf } from "./mode.ts";
import { hideText } from "./render/hidden-text.ts";
import type { ColumnSql, StreamSql } from "./render/stream-sql.ts";
import type { SourceConfig } from "./source-config.ts";
import { type Column, type DirectTable, defineStream, type Stream, timedColumn } from "./stream.ts";
import { ruleOf } from "./types/rule-of.ts";
import type { TypeRule } from "./types/type-rule.ts";

/** What of a stream its table does not say. */
export interface Declared {
    name: string;
    /** A glob of paths in the watched folder. */
    files: string;
    /** How its files are read. */
    source: SourceConfig;
    /** The columns of a unique index; null: those of the primary key, or of the only one there is. */
    key: readonly string[] | null;
    mode: Mode;
    /** Default: false. */
    defersIndexes?: boolean;
}

export interface DeclaredStream {
    stream: Stream;
    sql: StreamSql;
}

/** What belongs to a stream, beside its staging table. */
export const homeOf = (name: string): string => `ingest_${name}`;

/** @throws TypeError when the table has no such key, or a column that no rule takes: refusalOf is asked before */
export function declareStream(table: CatalogTable, declared: Declared, streamId: number): DeclaredStream {
    const { stream } = declare(table, declared, streamId);
    const { key, mode, source } = declared;
    const hidden = {
        ...declared,
        key: hideText(key),
        mode: hideText(mode),
        source: { ...source, ignore: hideText(source.ignore), partitions: hideText(source.partitions) },
    };
    return { stream, sql: declare(hideText(table), hidden, streamId).sql };
}

function declare(table: CatalogTable, declared: Declared, streamId: number): DeclaredStream {
    const key = keyOf(table, declared);
    if (key === null && hasKey(declared)) throw new TypeError(`The table ${table.name} has no key.`);
    const keyColumns = key?.columns ?? [];
    const filled = table.columns
        .filter((column) => isFilled(column, declared.source))
        .map((column) => ({ column, rule: ruleFor(column) }));
    const idents = chooseIdents(filled.map(({ column }) => column.name));
    const rivals = rivalsOf(table, key, declared);
    const isOrdered = rivals.length > 0 || table.foreignKeys.some(({ isSelf }) => isSelf);
    const columns = filled.map(({ column, rule }): Column & { rule: TypeRule } => {
        const isRequired =
            keyColumns.includes(column.name) || isMissed(column) || column.name === versionOf(declared.mode);
        return {
            name: column.name,
            ident: idents.get(column.name)!,
            type: isOrdered ? { ...rule.loader, slices: null } : rule.loader,
            isRequired,
            reasons: [...(isRequired ? ["missing"] : []), ...rule.reasons],
            rule,
        };
    });
    const tableText = `${quoteIdent(table.schema)}.${quoteIdent(table.name)}`;
    // A domain may refuse the null that stands there for a record staged as text.
    const isTyped =
        declared.mode.name === "snapshot" &&
        filled.every(({ column, rule }) => isKept(rule) && column.domains.length === 0);
    const stream = defineStream({
        id: streamId,
        name: declared.name,
        home: homeOf(declared.name),
        table: tableText,
        key: keyColumns,
        isSlicedByNumber: key === null && !isOrdered,
        time: null,
        extras: idents.get("")!,
        keepsExtras: false,
        defersIndexes: declared.defersIndexes ?? false,
        files: declared.files,
        mode: declared.mode,
        source: readingSource(table, declared.source),
        direct: isOrdered ? null : directTable(tableText, filled, declared.mode),
        typed: isTyped ? Object.fromEntries(filled.map(({ column }, index) => [column.name, typedIdent(index)])) : null,
        columns: columns.map(({ rule: _, ...column }) => column),
    });
    const sqlColumns = filled.map(({ column }, index) => ({
        ...columnSql(table, column, columns[index]!, declared.mode),
        typed: isTyped ? typedIdent(index) : null,
    }));
    return {
        stream,
        sql: {
            streamId,
            mode: declared.mode,
            timed: timedColumn(stream)?.name ?? null,
            table: tableText,
            rowName: "row",
            columns: sqlColumns,
            keys: keyColumns.map((name) => sqlColumns.find((column) => column.name === name)!),
            keyIndex: key?.name ?? null,
            extras: stream.extras,
            conflictCode: key === null ? null : `${keyColumns.join("_")}_conflict`,
            facts: "ingest.facts",
            knownToPass: (record) => knownToPass(columns, sqlColumns, record),
            knownAsTyped: (record) => knownAsTyped(columns, sqlColumns, record),
            conditions: conditionsOf(table, sqlColumns),
            deletes: deletesOf(table, sqlColumns, declared.mode),
            refusals: refusalsOf(table),
            uniques: furtherUniques(table, rivals, sqlColumns),
            waiting: table.foreignKeys.map(unknownCode),
            parents: parentsOf(table, sqlColumns),
            made: null,
        },
    };
}

/** Whether a COPY stores a plain value as a merge does. */
const isKept = ({ loader }: TypeRule): boolean => loader.plainEnd !== null || loader.isKept === true;

/** In staging, for the typed values of a column. */
const typedIdent = (index: number): string => `typed_${index + 1}`;

/** Null where a record whose key is new may change what another is, or some value may not be stored as its file has it. */
function directTable(
    table: string,
    filled: readonly { column: CatalogColumn; rule: TypeRule }[],
    mode: Mode,
): DirectTable | null {
    if (mode.name !== "insert" || !filled.every(({ rule }) => isKept(rule))) return null;
    const columns = filled.map(({ column }): [string, string | null] => {
        const hasDefault = column.defaultText !== null || column.identity !== null;
        return [column.name, hasDefault ? null : quoteIdent(column.name)];
    });
    // No Map: a stream is compared as JSON.
    return { table, columns: Object.fromEntries(columns) };
}

/** Whether records of the mode are told apart. */
const hasKey = ({ mode }: Pick<Declared, "mode">): boolean => mode.name !== "append";

/** The key that a stream goes by: the named one, else the first that files can give. Null when there is none, or its mode asks for none. */
export function keyOf(table: CatalogTable, { key, source, mode }: Declared): CatalogKey | null {
    if (!hasKey({ mode })) return null;
    const filled = new Set(table.columns.filter((column) => isFilled(column, source)).map(({ name }) => name));
    const isNamed = ({ columns }: CatalogKey) =>
        key === null || (columns.length === key.length && columns.every((name) => key.includes(name)));
    const fit = table.keys.filter(({ unfit, columns }) => unfit === null && columns.every((name) => filled.has(name)));
    return fit.find(isNamed) ?? null;
}

/** None where the order of records matters beyond them: a parent in the same table, what must not overlap, triggers. */
function furtherUniques(
    table: CatalogTable,
    others: readonly CatalogKey[],
    columns: readonly ColumnSql[],
): ColumnSql[][] {
    const isPlain = ({ unfit }: CatalogKey) => unfit === null || unfit.startsWith("it takes nulls");
    const isOrdered = table.foreignKeys.some(({ isSelf }) => isSelf) || table.triggers.length > 0;
    if (isOrdered || !others.every(isPlain)) return [];
    return others
        .map((other) => other.columns.flatMap((name) => columns.find((column) => column.name === name) ?? []))
        .filter((found) => found.length > 0);
}

/**
 * What beside the key puts a row in another's way: then one worker at a time merges, so that the first record wins. Without a key a
 * unique index is in nobody's way if Postgres alone fills one of its columns, each time with another value.
 */
function rivalsOf(
    { keys, uniques, columns }: CatalogTable,
    key: CatalogKey | null,
    { source }: Declared,
): CatalogKey[] {
    const others = [...keys, ...uniques].filter((other) => other !== key);
    if (key !== null) return others;
    const isAlwaysNew = ({ name, identity, generatedText, defaultText }: CatalogColumn) =>
        identity === "always" ||
        (generatedText === null &&
            ignoredColumns(source).includes(name) &&
            (identity !== null || isDrawn(defaultText)));
    const drawn = columns.filter(isAlwaysNew).map(({ name }) => name);
    return others.filter((other) => !other.columns.some((name) => drawn.includes(name)));
}

/** A default that gives each row another value. */
const isDrawn = (defaultText: string | null): boolean =>
    defaultText !== null && /^(?:pg_catalog\.)?(?:nextval|gen_random_uuid|uuidv4|uuidv7)\(/.test(defaultText);

/** Whether a merge writes the column. Postgres alone writes the others. */
function isFilled({ name, identity, generatedText }: CatalogColumn, source: SourceConfig): boolean {
    return identity !== "always" && generatedText === null && !ignoredColumns(source).includes(name);
}

/** Of a column that the folders give, only what a file says of it is ignored. */
export const ignoredColumns = ({ ignore = [], partitions = [] }: SourceConfig): string[] =>
    ignore.filter((name) => !partitions.includes(name));

/** Whether a record without a value cannot be inserted. */
function isMissed({ isNotNull, defaultText, identity, domains }: CatalogColumn): boolean {
    // A domain that is NOT NULL has no null that a default could stand in for.
    if (domains.some((domain) => domain.isNotNull)) return true;
    return isNotNull && defaultText === null && identity === null;
}

/** Values of a file for columns that Postgres alone fills are left out: its own are not theirs. */
function readingSource({ columns }: CatalogTable, source: SourceConfig): SourceConfig {
    const unfilled = columns.filter((column) => !isFilled(column, source)).map(({ name }) => name);
    const ignore = [...new Set([...(source.ignore ?? []), ...unfilled])];
    return ignore.length === 0 ? source : { ...source, ignore };
}

function ruleFor(column: CatalogColumn): TypeRule {
    const rule = ruleOf(column);
    if ("refused" in rule) throw new TypeError(`The column ${column.name} ${rule.refused}.`);
    return rule;
}

function columnSql(
    table: CatalogTable,
    column: CatalogColumn,
    declared: Column & { rule: TypeRule },
    mode: Mode,
): Omit<ColumnSql, "typed"> {
    const { name, ident, isRequired, rule } = declared;
    // A record that says nothing replaces a value with its default, where that is always the same: what a row is must not
    // depend on the records of its key that came before.
    const replaces = mode.name === "upsert" || mode.name === "snapshot";
    const steady = replaces && !isRequired && isSteady(column.defaultText) ? fallbackOf(table, column) : null;
    const code = (reason: string) => `'${`${name}_${reason}`.replaceAll("'", "''")}'`;
    const ruled = (value: string) => `'${`${name}_`.replaceAll("'", "''")}' || (${rule.reason(value)})`;
    return {
        name,
        ident,
        column: quoteIdent(name),
        type: column.type,
        reason: (value) =>
            `case when ${value} is null then ${isRequired ? code("missing") : "null"} else ${ruled(value)} end`,
        passes: (value) =>
            isRequired
                ? `(${value} is not null and (${rule.reason(value)}) is null)`
                : `(${value} is null or (${rule.reason(value)}) is null)`,
        equals: equalityOf(column),
        cast: steady === null ? rule.cast : (value) => `coalesce(${rule.cast(value)}, ${steady})`,
        text: rule.text,
        collation: column.collation,
        // What a collation calls equal may say different things.
        distinct: column.isDeterministic ? rule.compared : (value) => `(${rule.compared(value)})::text collate "C"`,
        fallback: isRequired || steady !== null ? null : fallbackOf(table, column),
        steady,
    };
}

/** That of enums, arrays, ranges and composite types is in pg_catalog. */
function equalityOf({ baseType, kind, category }: CatalogColumn): string {
    const schema = baseType.slice(0, baseType.lastIndexOf("."));
    return kind !== "b" || category === "A" || schema === "pg_catalog" ? "=" : `operator(${schema}.=)`;
}

function fallbackOf(table: CatalogTable, { name, defaultText, looseType, identity }: CatalogColumn): string | null {
    if (identity !== null) {
        const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;
        const sequence = `pg_get_serial_sequence(${literal(`${quoteIdent(table.schema)}.${quoteIdent(table.name)}`)}, ${literal(name)})`;
        return `nextval(${sequence})`;
    }
    // Postgres does not write the cast from what a default gives to the type of its column. Beside another type, as random()
    // beside a bigint, the values of records would take that one.
    return defaultText === null ? null : `(${defaultText})::${looseType}`;
}

/** A verdict for records that the loader calls plain: what it did not look at is asked. */
function knownToPass(columns: readonly Column[], sqlColumns: readonly ColumnSql[], record: string): string | null {
    if (columns.every(({ type }) => type.plainEnd === null)) return null;
    const asked = columns.flatMap(({ type, isRequired, ident }, index) => {
        if (type.plainEnd === null) return [sqlColumns[index]!.passes(`${record}.${ident}`, "")];
        return isRequired ? [`${record}.${ident} is not null`] : [];
    });
    return [`${record}.plain_second is not null`, ...asked].join("\nand ");
}

/** COPY takes no other: what must not be missing is asked, of which a key is a part. */
function knownAsTyped(columns: readonly Column[], sqlColumns: readonly ColumnSql[], record: string): string | null {
    if (sqlColumns.every(({ typed }) => typed === null)) return null;
    const required = sqlColumns.filter((_, index) => columns[index]!.isRequired);
    return required.map(({ typed }) => `${record}.${typed} is not null`).join("\nand ");
}

/** Names that templates use for themselves beside a record's columns: of columns, variables and parameters. */
const taken = new Set(
    `
    accept_conflicts answer bare chunk_id cmax cmin ctid definition done_slices end_page expected extra_columns facts fate first_page
    first_position found has_padded has_refused holds idle_lanes is_exchange is_padded is_suspect is_valid is_watched kept_chunks kept_rows
    kind lane last_position left_out load_id moved_before next_position no_batch older_than ordinality part place plain_second
    position problem reasons record record_no records refusal refused row_count said_column said_constraint said_context
    said_detail said_message said_table samples scan slice_no sql_state sqlerrm sqlstate staged staging stored stored_rows table_name tableoid
    has_row says_other stored_version gone_version gone_chunk gone_record is_deletion is_repeated outcome is_first is_last row_id
    is_late is_piece is_restaged same_key
    this_batch_id this_load_id traced_chunk_id traced_key traced_path traced_record_no tried tried_slice triggers
    updated_rows wanted_slices xmax xmin
`.match(/\w+/g),
);

/** The column's own name, unless the merge has it: then with `_` behind it. Under "" the name for other columns' values. */
function chooseIdents(names: readonly string[]): Map<string, string> {
    const used = new Set(names);
    const free = (wanted: string): string => {
        let name = wanted;
        while (
            taken.has(name) ||
            /^(?:extra|named|typed)_(?:\d+|key)$/.test(name) ||
            (name !== wanted && used.has(name))
        ) {
            // A name has 63 bytes at the most.
            name = `${name.slice(0, 50)}_`;
        }
        used.add(name);
        return name;
    };
    const idents = new Map(names.map((name) => [name, quoteIdent(free(name))]));
    let extras = "extras";
    while (used.has(extras)) extras += "_";
    return idents.set("", extras);
}

/** What the ledger keeps of the columns, for whoever compares the table later. */
export function shapeColumns({ columns }: CatalogTable): TableColumn[] {
    return columns.map(({ name, type, isNotNull, defaultText, identity }) => ({
        name,
        type,
        notNull: isNotNull,
        hasDefault: defaultText !== null || identity !== null,
    }));
}
