/**
 * What a table asks of a whole row: its CHECKs and foreign keys, as conditions of the verdict. They are a shortcut: the table
 * decides, and what it refuses besides is found by trial (src/streams/render/try-candidates.ts).
 */
import type { CatalogColumn, CatalogForeignKey, CatalogTable } from "./catalog/catalog-table.ts";
import { quoteIdent } from "./catalog/quote-ident.ts";
import type { Mode } from "./mode.ts";
import type { ColumnSql, RowConditions } from "./render/stream-sql.ts";

/** Null when the table asks nothing. */
export function conditionsOf(table: CatalogTable, columns: readonly ColumnSql[]): RowConditions | null {
    const row = quoteIdent(table.name);
    const checks = table.checks.map(({ name, expression }) => ({ code: name, condition: expression }));
    const known = table.foreignKeys.filter(isAskedBefore).map((foreignKey) => ({
        code: unknownCode(foreignKey),
        condition: hasParent(foreignKey, row),
    }));
    const rules = [...checks, ...known];
    return rules.length === 0 ? null : { rules, row: (value) => rowText(table, columns, value) };
}

export const unknownCode = ({ columns }: Pick<CatalogForeignKey, "columns">): string => `${columns.join("_")}_unknown`;

export const takenCode = (name: string): string => `${name}_taken`;

/** The code of a record that the table refuses by name. */
export function refusalsOf({
    checks,
    foreignKeys,
    keys,
    uniques,
}: CatalogTable): { constraint: string; code: string }[] {
    return [
        ...checks.map(({ name }) => ({ constraint: name, code: name })),
        ...foreignKeys.map((foreignKey) => ({ constraint: foreignKey.name, code: unknownCode(foreignKey) })),
        ...[...keys, ...uniques].map(({ name }) => ({ constraint: name, code: takenCode(name) })),
    ];
}

/** That every row which its foreign keys name is there; null when it has none. A parent that we may not read may be. */
export function parentsOf(table: CatalogTable, columns: readonly ColumnSql[]): RowConditions | null {
    const known = table.foreignKeys.filter(({ isReadable }) => isReadable);
    if (table.foreignKeys.length === 0) return null;
    const own = new Set(table.foreignKeys.flatMap((foreignKey) => foreignKey.columns));
    return {
        rules: known.map((foreignKey) => ({
            code: unknownCode(foreignKey),
            condition: hasParent(foreignKey, quoteIdent(table.name)),
        })),
        row: (value) =>
            rowText(table, columns, (column) => (own.has(column.name) ? value(column) : column.cast("null::text"))),
    };
}

/** A parent may come in the same batch, where the table is its own parent, or in the same transaction. */
function isAskedBefore({ isSelf, isDeferrable, isReadable }: CatalogForeignKey): boolean {
    return !isSelf && !isDeferrable && isReadable;
}

function hasParent(foreignKey: CatalogForeignKey, row: string): string {
    const { columns, parentSchema, parentTable, parentColumns, isMatchFull } = foreignKey;
    const own = columns.map((name) => `${row}.${quoteIdent(name)}`);
    const pairs = own.map((column, index) => `sluice_parent.${quoteIdent(parentColumns[index]!)} = ${column}`);
    const exists = `exists (select from ${quoteIdent(parentSchema)}.${quoteIdent(parentTable)} as sluice_parent where ${pairs.join(" and ")})`;
    const nulls = own.map((column) => `${column} is null`).join(isMatchFull ? " and " : " or ");
    return `${nulls} or ${exists}`;
}

/** By the declaration's `deleteWhen`: whether a record of typed values deletes its row. */
export function deletesOf(
    table: CatalogTable,
    columns: readonly ColumnSql[],
    mode: Mode,
): ((record: string) => string) | null {
    if (mode.name !== "upsert" || mode.deleteWhen === null) return null;
    const { deleteWhen } = mode;
    return (record) => {
        const row = rowText(table, columns, ({ ident }) => `${record}.${ident}`);
        // A line of its own, so that a comment ends.
        return `coalesce((select (${deleteWhen}\n) from ${row}), false)`;
    };
}

/** A row as the table would have it, under its name. */
function rowText(table: CatalogTable, columns: readonly ColumnSql[], value: (column: ColumnSql) => string): string {
    const stored = table.columns.filter(({ generatedText }) => generatedText === null);
    const generated = table.columns.filter(({ generatedText }) => generatedText !== null);
    const typedValue = (column: CatalogColumn) => {
        const filled = columns.find(({ name }) => name === column.name);
        if (filled === undefined) return `null::${column.type}`;
        // A condition compares as the table does.
        const collated = filled.collation === null ? value(filled) : `${value(filled)} collate ${filled.collation}`;
        if (!isSteady(column.defaultText)) return collated;
        return `coalesce(${collated}, (${column.defaultText})::${column.looseType})`;
    };
    const base = `(select ${stored.map((column) => `${typedValue(column)} as ${quoteIdent(column.name)}`).join(", ")})`;
    if (generated.length === 0) return `${base} as ${quoteIdent(table.name)}`;
    const made = generated.map(({ name, generatedText }) => `${generatedText} as ${quoteIdent(name)}`).join(", ");
    return `(select sluice_row.*, ${made} from ${base} as sluice_row) as ${quoteIdent(table.name)}`;
}

/** A default that is the same whenever it is asked, and takes nothing from a sequence. */
export function isSteady(defaultText: string | null): boolean {
    return (
        defaultText !== null &&
        /^(?:'(?:[^']|'')*'(?:::[\w ."[\](),]+)?|\(?-?[\d.]+\)?(?:::[\w ]+)?|true|false)$/.test(defaultText)
    );
}
