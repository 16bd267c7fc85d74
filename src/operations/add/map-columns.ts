/** Which column of a file goes to which of a table, and what the table asks of it, in words. Pure. */
import type { CatalogColumn, CatalogForeignKey, CatalogTable } from "../../streams/catalog/catalog-table.ts";
import { sqlName } from "../sniff/column-names.ts";
import type { ColumnProposal } from "../sniff/sniff-file.ts";

export interface MappedColumn {
    /** In the table; null: the table has no such column. */
    name: string | null;
    /** In the file; null: the file has none. */
    fileName: string | null;
    type: string | null;
    /** What the table asks of it, and what becomes of it. */
    notes: readonly string[];
    /** A file without it fails. */
    isLacking: boolean;
    /** Of a column of dates or times: how the file may write them, if not as ISO 8601. */
    dateFormats?: readonly string[];
}

export interface Mapping {
    columns: readonly MappedColumn[];
    /** For the stream's file. */
    aliases: Readonly<Record<string, string>>;
    ignore: readonly string[];
}

/** `key`: the columns of the key that the stream goes by. */
export function mapColumns(
    table: CatalogTable,
    seen: readonly ColumnProposal[],
    key: readonly string[],
    declared: {
        aliases?: Readonly<Record<string, string>>;
        ignore?: readonly string[];
        partitions?: readonly string[];
    } = {},
): Mapping {
    const target = (fileName: string) => findColumn(table, fileName, declared.aliases ?? {});
    const ignored = new Set(declared.ignore ?? []);
    const ofFolder = new Set(declared.partitions ?? []);
    const given = new Map<string, ColumnProposal>();
    for (const column of seen) {
        const name = ignored.has(column.fileName) ? null : target(column.fileName);
        if (name !== null && !given.has(name)) given.set(name, column);
    }
    const used = new Set(given.values());
    const fileOnly = seen.filter((column) => !used.has(column)).map(({ fileName }) => fileName);
    const renamed = [...given].filter(([name, { fileName }]) => fileName.toLowerCase() !== name.toLowerCase());
    return {
        columns: [
            ...table.columns.map((column) => {
                const source = ofFolder.has(column.name) ? "folder" : (given.get(column.name) ?? null);
                return describeColumn(table, column, key, source);
            }),
            ...fileOnly.map((fileName) => ({
                name: null,
                fileName,
                type: null,
                notes: ["ignored: the table has no such column"],
                isLacking: false,
            })),
        ],
        aliases: Object.fromEntries(renamed.map(([name, { fileName }]) => [fileName, name])),
        ignore: fileOnly,
    };
}

/** By its name, whatever its case, or as a statement would write it: `Order ID` is order_id. */
function findColumn(
    { columns }: CatalogTable,
    fileName: string,
    aliases: Readonly<Record<string, string>>,
): string | null {
    const lower = fileName.toLowerCase();
    const alias = Object.entries(aliases).find(([name]) => name.toLowerCase() === lower)?.[1];
    if (alias !== undefined) return alias;
    const names = columns.map(({ name }) => name);
    return (
        names.find((name) => name === lower) ??
        names.find((name) => name.toLowerCase() === lower) ??
        names.find((name) => sqlName(name) === sqlName(fileName)) ??
        null
    );
}

function describeColumn(
    table: CatalogTable,
    column: CatalogColumn,
    key: readonly string[],
    source: ColumnProposal | "folder" | null,
): MappedColumn {
    const given = source === "folder" ? null : source;
    const { name, type, labels, generatedText, identity, defaultText, isNotNull } = column;
    const isMade = generatedText !== null || identity === "always";
    const isRequired = key.includes(name) || (isNotNull && defaultText === null && identity === null);
    const isLacking = source === null && isRequired && !isMade;
    const notes = [
        ...(key.includes(name) ? [`key (${keyName(table, key)})`] : isRequired ? ["required"] : []),
        ...(labels === null ? [] : [labels.join(" | ")]),
        ...table.checks
            .filter(({ columns }) => columns.length === 1 && columns[0] === name)
            .map((check) => `check ${check.name}: ${check.expression}`),
        ...table.foreignKeys.filter(({ columns }) => columns.at(-1) === name).map(describeParent),
        ...(isMade ? [generatedText === null ? "made by the table" : `made by the table: ${generatedText}`] : []),
        ...(source === "folder"
            ? [`from the folder ${name}=…/`]
            : given === null
              ? describeAbsence(column, isLacking, isMade)
              : describeGiven(column, given)),
    ];
    return {
        name,
        fileName: given?.fileName ?? null,
        type,
        notes,
        isLacking,
        ...(isTime(column) && given !== null && { dateFormats: given.dateFormats }),
    };
}

function keyName({ keys }: CatalogTable, key: readonly string[]): string {
    return keys.find(({ columns }) => columns.length === key.length && columns.every((name) => key.includes(name)))!
        .name;
}

function describeParent({ columns, parentTable, parentColumns }: CatalogForeignKey): string {
    const parent = `${parentTable}(${parentColumns.join(", ")})`;
    return columns.length === 1 ? `must be in ${parent}` : `(${columns.join(", ")}) must be in ${parent}`;
}

function describeAbsence(
    { defaultText, identity }: CatalogColumn,
    isLacking: boolean,
    isMade: boolean,
): readonly string[] {
    if (isMade) return [];
    if (isLacking) return ["NOT in the file: every file would fail"];
    if (defaultText !== null) return [`not in the file: default ${defaultText}`];
    return [identity === null ? "not in the file: null" : "not in the file: numbered by the table"];
}

const isTime = ({ baseType }: CatalogColumn): boolean => /^pg_catalog\.(?:date|timestamp|timestamptz)$/.test(baseType);

/** What the values of the file say that the type does not. */
function describeGiven(column: CatalogColumn, given: ColumnProposal): readonly string[] {
    const { name, baseType } = column;
    const isRenamed = given.fileName.toLowerCase() !== name.toLowerCase();
    const hasNoOffset = baseType === "pg_catalog.timestamptz" && given.type === "timestamp";
    return [
        ...(isRenamed ? [`"${given.fileName}" in the file`] : []),
        ...(hasNoOffset ? ["the sample has no offset: read as UTC"] : []),
        ...(isTime(column) ? describeDates(given) : []),
    ];
}

function describeDates({ dateFormats }: ColumnProposal): readonly string[] {
    if (dateFormats.length === 0) return [];
    if (dateFormats.length === 1) return [`written as ${dateFormats[0]}`];
    return [`day or month first? ${dateFormats.map((format) => `--date "${format}"`).join(" or ")}`];
}

/** CHECKs over several columns, which belong to none of them. */
export function describeRowChecks({ checks }: CatalogTable): string[] {
    return checks
        .filter(({ columns }) => columns.length !== 1)
        .map(({ name, expression }) => `check ${name}: ${expression}`);
}
