/** Makes the contract of a stream from what the ledger keeps of it: the catalog's table, else the columns alone. Pure. */
import type { TableColumn } from "../../database/table-shape.ts";
import type { CatalogColumn, CatalogTable } from "../../streams/catalog/catalog-table.ts";
import { takenCode, unknownCode } from "../../streams/conditions.ts";
import type { Stream } from "../../streams/stream.ts";
import type { Contract, ContractCode, ContractColumn } from "./contract-schema.ts";
import type { KnownStream } from "./read-streams.ts";
import { codeOf, codesOfAnyStream, continuedTail, differsFromPath } from "./reason-words.ts";

/** As src/streams/ writes it; every part may be missing in a row of another version. */
interface Shape {
    /** Of several columns, their names joined by `_`. */
    key?: string;
    columns?: TableColumn[];
    contract?: { table: CatalogTable; columns: ShapeColumn[] };
}

interface ShapeColumn {
    name: string;
    type: string;
    isRequired: boolean;
    /** Without the column's name. */
    reasons: readonly string[];
}

/** `builtIn`: the stream that no catalog was read for; its reasons are the program's own. */
export function describeContract(stream: KnownStream, builtIn: Stream): Contract {
    const shape = (stream.shape ?? {}) as Shape;
    const declaration = stream.declaration ?? null;
    const { name, table, mode, files, isActive, problem, problemDetail } = stream;
    const parts =
        stream.streamId === builtIn.id
            ? describeBuiltIn(shape, builtIn)
            : shape.contract
              ? describeCatalog(shape.contract, keyOf(shape))
              : describeColumns(shape);
    const { ignore, partitions } = (declaration ?? {}) as { ignore?: string[]; partitions?: string[] };
    const codesOfPath =
        partitions === undefined ? [] : [{ code: "partition_differs", column: null, ...differsFromPath }];
    return {
        name,
        table,
        mode,
        files,
        isActive,
        problem,
        problemDetail,
        ...parts,
        codes: [...parts.codes, ...codesOfPath],
        ignored: Array.isArray(ignore) ? ignore : [],
        declaration,
    };
}

/** The columns by which a stream tells its records apart. */
export function keyColumnsOf({ shape }: Pick<KnownStream, "shape">): string[] {
    return keyOf((shape ?? {}) as Shape);
}

type Parts = Pick<Contract, "key" | "columns" | "checks" | "foreignKeys" | "uniques" | "codes">;
const noConstraints = { checks: [], foreignKeys: [], uniques: [] };

function keyOf({ key, contract }: Shape): string[] {
    const named = contract?.table.keys.find(({ columns }) => columns.join("_") === key);
    if (named !== undefined) return [...named.columns];
    return key === undefined ? [] : [key];
}

function describeBuiltIn(shape: Shape, { columns, keys }: Stream): Parts {
    const key = keys.map(({ name }) => name);
    const described = (shape.columns ?? []).map((column): ContractColumn => {
        const known = columns.find(({ name }) => name === column.name);
        return {
            ...ofTableColumn(column, key),
            isRequired: known?.isRequired ?? false,
            filledBy: known === undefined ? "table" : "file",
            reasons: known?.reasons.map((reason) => `${column.name}_${reason}`) ?? [],
        };
    });
    const codes = described.flatMap((column) =>
        column.reasons.map((code) => codeOf(column, code.slice(column.name.length + 1))),
    );
    return { key, columns: described, ...noConstraints, codes: [...codes, ...codesOfRecord(key)] };
}

function describeColumns(shape: Shape): Parts {
    const key = keyOf(shape);
    const columns = (shape.columns ?? []).map((column) => ofTableColumn(column, key));
    return { key, columns, ...noConstraints, codes: codesOfRecord(key) };
}

function ofTableColumn({ name, type, notNull, hasDefault }: TableColumn, key: string[]): ContractColumn {
    return {
        name,
        type,
        isKey: key.includes(name),
        isRequired: notNull && !hasDefault,
        default: null,
        filledBy: "file",
        values: null,
        reasons: [],
    };
}

function describeCatalog({ table, columns }: NonNullable<Shape["contract"]>, key: string[]): Parts {
    const described = table.columns.map((column): ContractColumn => {
        const known = columns.find(({ name }) => name === column.name);
        return {
            name: column.name,
            type: column.type,
            isKey: key.includes(column.name),
            isRequired: known?.isRequired ?? false,
            default: column.generatedText ?? defaultOf(column),
            filledBy: known === undefined ? "table" : "file",
            values: column.labels === null ? null : [...column.labels],
            reasons: (known?.reasons ?? []).map((reason) => `${column.name}_${reason}`),
        };
    });
    const codes = described.flatMap((column, index) => {
        const rules = table.columns[index]!.domains.flatMap(({ checks }) => checks);
        return column.reasons.map((code) => codeOf({ ...column, rules }, code.slice(column.name.length + 1)));
    });
    return {
        key,
        columns: described,
        checks: table.checks.map((check) => ({ ...check, columns: [...check.columns] })),
        foreignKeys: table.foreignKeys.map(({ name, columns: own, parentSchema, parentTable, parentColumns }) => ({
            name,
            columns: [...own],
            parent: `${parentSchema}.${parentTable}`,
            parentColumns: [...parentColumns],
        })),
        uniques: table.uniques.map(({ name, columns: own }) => ({ name, columns: [...own] })),
        codes: [
            ...codes,
            ...codesOfChecks(table),
            ...codesOfParents(table),
            ...codesOfUniques(table),
            ...codesOfRecord(key),
        ],
    };
}

function defaultOf({ defaultText, identity }: CatalogColumn): string | null {
    return identity === null ? defaultText : `generated ${identity} as identity`;
}

function codesOfChecks({ checks }: CatalogTable): ContractCode[] {
    return checks.map(({ name, columns, expression }) => ({
        code: name,
        column: columns.length === 1 ? columns[0]! : null,
        sentence: `The table's CHECK must hold: ${expression}.`,
        example: null,
    }));
}

function codesOfParents({ foreignKeys }: CatalogTable): ContractCode[] {
    return foreignKeys.map(({ columns, parentSchema, parentTable, parentColumns }) => ({
        code: unknownCode({ columns }),
        column: columns.length === 1 ? columns[0]! : null,
        sentence:
            `No row of ${parentSchema}.${parentTable} has this ${parentColumns.join(", ")}. ` +
            "The record is replayed automatically once the row exists.",
        example: null,
    }));
}

/** Of a key too: that of the stream is asked before, but for a row that came meanwhile. */
function codesOfUniques({ keys, uniques }: CatalogTable): ContractCode[] {
    return [...keys, ...uniques].map(({ name, columns }) => ({
        code: takenCode(name),
        column: columns.length === 1 ? columns[0]! : null,
        sentence: `Another row has the same values in the unique ${name}${columns.length === 0 ? "" : `: ${columns.join(", ")}`}.`,
        example: null,
    }));
}

function codesOfRecord(key: string[]): ContractCode[] {
    const conflict = {
        code: `${key.join("_")}_conflict`,
        column: key.length === 1 ? key[0]! : null,
        sentence: "The table has a row with this key and other content. The record is kept as a conflict.",
        example: null,
    };
    return [
        ...Object.entries(codesOfAnyStream).map(([code, words]) => ({ code, column: null, ...words })),
        key.length === 0 ? { code: "tail_continued", column: null, ...continuedTail } : conflict,
    ];
}
