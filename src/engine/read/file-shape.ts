/** From the names of a header to the columns of staging that its values go to. Pure. */

import type { FileProblem } from "../../database/file-problems.ts";
import { deriveKey } from "../../streams/derive-key.ts";
import type { Dialect } from "../../streams/dialect.ts";
import type { SourceConfig } from "../../streams/source-config.ts";
import { type Column, columnNames, findColumn, type Stream, stagedExtraColumns } from "../../streams/stream.ts";

/** Where the values of one field go: a column of the stream, its extras (null), or nowhere. */
export type Target = Column | null | "ignored";

export function isColumn(target: Target): target is Column {
    return target !== null && target !== "ignored";
}

export interface PathColumn {
    column: Column;
    value: string | null;
}

export interface FileShape {
    stream: Stream;
    /** Column names as the file spells them, trimmed. */
    header: string[];
    /** For each field of a record. */
    targets: Target[];
    /** The names we don't know and keep, in the order of the file; null when there are none. */
    extraColumns: string[] | null;
    /** The fields whose columns have no name, and that must be empty; absent when there are none. */
    unnamedFields?: number[];
    /** The stream's columns that neither the file nor the configuration has. */
    missingColumns: string[] | null;
    dialect: Dialect;
    /** The source that the file belongs to; null without one. */
    source: SourceConfig | null;
    /** Columns whose value the file's folders give every record; absent when there are none. */
    pathColumns?: readonly PathColumn[];
    /** Values are changed on the way. */
    isMapped: boolean;
    /** Values are changed, there are too many unknown columns, or COPY does not know the dialect. */
    needsParsing: boolean;
    /** Bytes before the first record: BOM, blank lines and the header line itself. */
    headerBytes: number;
    headerLines: number;
    /** False when the file ends with its header, unfinished. */
    hasLineEnd: boolean;
}

export interface HeaderFault {
    problem: FileProblem;
    detail: string;
}

export type Shape = Omit<FileShape, "headerBytes" | "headerLines" | "hasLineEnd">;

/** `isBegun`: records of the file are in the ledger, so that this line was taken for its header. */
export function shapeOf(
    stream: Stream,
    header: string[],
    dialect: Dialect,
    source: SourceConfig | null,
    isBegun = false,
): Shape | (HeaderFault & { missing?: number }) {
    const targets = targetsOf(stream, header, source);
    const given = new Set([...targets.filter(isColumn).map(({ name }) => name), ...givenColumns(stream, source)]);
    const missingColumns = stream.columns.filter(({ name }) => !given.has(name));
    const missing = missingColumns.filter(({ isRequired }) => isRequired).map(({ name }) => name);
    const lost = missingSources(stream, header, targets, source);
    if (missing.length > 0 || lost.length > 0) {
        return {
            problem: "header_missing_columns",
            detail: `The header lacks ${[...missing, ...lost].join(", ")}; ${describeNames(stream, header, source)}.`,
            missing: missing.length + lost.length,
        };
    }
    if (!isBegun && !isCertain(stream, header, source)) {
        const detail =
            "None of the names in the first line is known, so it may be a record. In sluice.config.ts, " +
            'write header: "first-line" if it is the header, or header: [ … ] with the names if the file has none.';
        return { problem: "header_unrecognized", detail, missing: 0 };
    }
    const renamed = namesOf(stream, source);
    const extraColumns = header.flatMap((name, index) => (targets[index] === null ? [renamed(name)] : []));
    const fault = faultOfNames(stream, header, targets, extraColumns, source);
    if (fault) return fault;
    const pathColumns = pathColumnsOf(stream, source);
    // What the file says of such a column is compared.
    const isCompared = pathColumns.some(({ column }) => targets.includes(column));
    const isMapped = isCompared || changesValues(stream, source, targets);
    const unnamedFields = unnamedOf(header, source);
    const unknownColumns = targets.filter((target) => !isColumn(target)).length;
    return {
        stream,
        header,
        targets,
        extraColumns: extraColumns.length > 0 ? extraColumns : null,
        ...(unnamedFields.length > 0 && { unnamedFields }),
        missingColumns: missingColumns.length > 0 ? missingColumns.map(({ name }) => name) : null,
        dialect,
        source,
        ...(pathColumns.length > 0 && { pathColumns }),
        isMapped,
        needsParsing: isMapped || unknownColumns > stagedExtraColumns || dialect.quote === null,
    };
}

function pathColumnsOf(stream: Stream, source: SourceConfig | null): PathColumn[] {
    return Object.entries(source?.pathValues ?? {}).flatMap(([name, value]) => {
        const column = findColumn(stream, name);
        return column === null ? [] : [{ column, value }];
    });
}

function faultOfNames(
    stream: Stream,
    header: string[],
    targets: Target[],
    extraColumns: string[],
    source: SourceConfig | null,
): HeaderFault | null {
    const known = targets.filter(isColumn).map(({ name }) => name);
    // An attribute may have the name of one of the stream's columns.
    const repeated = firstRepeated(known) ?? firstRepeated(extraColumns);
    if (repeated !== undefined) {
        return { problem: "header_duplicate_columns", detail: `The header names ${repeated} twice.` };
    }
    const constant = Object.keys(source?.constants ?? {}).find((column) => known.includes(column));
    if (constant !== undefined) {
        const detail = `The header has ${constant}, which sluice.config.ts sets as a constant: ignore the column, or set a default.`;
        return { problem: "header_duplicate_columns", detail };
    }
    const newColumns = header.filter((name, index) => targets[index] === null && !isNamed(name, source));
    if (source?.newColumns === "reject-file" && newColumns.length > 0) {
        const why = stream.keepsExtras
            ? 'sluice.config.ts says newColumns: "reject-file"'
            : `The table ${stream.table} has no column of that name: say where it goes (aliases), or leave it out (ignore)`;
        const detail = `The header has new columns: ${newColumns.join(", ")}. ${why}.`;
        return { problem: "header_new_columns", detail };
    }
    return null;
}

function firstRepeated(names: string[]): string | undefined {
    const seen = new Set<string>();
    return names.find((name) => seen.has(name) || !seen.add(name));
}

/** The fields whose columns have no name, and of which the configuration says nothing. */
function unnamedOf(header: string[], source: SourceConfig | null): number[] {
    if (source?.newColumns === "ignore" || isNamed("", source)) return [];
    return header.flatMap((name, index) => (name === "" ? [index] : []));
}

/** Whether the names are a header's: of a line that has no known name only the configuration can say so. */
function isCertain(stream: Stream, header: string[], source: SourceConfig | null): boolean {
    return source?.header !== undefined || header.some((name) => isKnown(stream, name, source));
}

/** One of the stream's, or one that the configuration names. */
function isKnown(stream: Stream, name: string, source: SourceConfig | null): boolean {
    const from = source?.[deriveKey]?.from;
    const conditions = (source?.rules ?? []).flatMap(({ when }) => (when ? [when.column] : []));
    const named = [...columnNames(stream), ...conditions, ...(Array.isArray(from) ? from : [])];
    return isNamed(name, source) || named.some((known) => known.toLowerCase() === name.toLowerCase());
}

/** The configuration says where the column goes. */
function isNamed(name: string, source: SourceConfig | null): boolean {
    const named = [...Object.keys(source?.aliases ?? {}), ...(source?.ignore ?? [])];
    return named.some((known) => known.toLowerCase() === name.toLowerCase());
}

function describeNames(stream: Stream, header: string[], source: SourceConfig | null): string {
    // Messages are logged, and values of records must not be.
    if (isCertain(stream, header, source)) {
        const names = header.slice(0, 20).join(", ");
        return `it has ${names}. If one of these is meant, say so in sluice.config.ts (aliases)`;
    }
    return (
        `none of the ${header.length} names in the first line is known. If the file has no header, ` +
        "declare the names of its columns in sluice.config.ts (header); if it has one, say what they mean (aliases)"
    );
}

function targetsOf(stream: Stream, header: string[], source: SourceConfig | null): Target[] {
    const aliases = aliasesOf(source);
    const ignored = new Set((source?.ignore ?? []).map((name) => name.toLowerCase()));
    return header.map((name) => {
        const lowerName = name.toLowerCase();
        if (ignored.has(lowerName)) return "ignored";
        const alias = aliases.get(lowerName);
        if (alias !== undefined) return findColumn(stream, alias);
        const known = namedColumn(stream, name);
        return name === "" || (known === null && source?.newColumns === "ignore") ? "ignored" : known;
    });
}

/** The column that a name of a file means: in any case, unless the table has names that differ in nothing else. */
function namedColumn(stream: Stream, name: string): Column | null {
    const exact = findColumn(stream, name);
    if (exact !== null) return exact;
    const alike = stream.columns.filter((column) => column.name.toLowerCase() === name.toLowerCase());
    return alike.length === 1 ? alike[0]! : null;
}

function aliasesOf(source: SourceConfig | null): Map<string, string> {
    return new Map(Object.entries(source?.aliases ?? {}).map(([name, alias]) => [name.toLowerCase(), alias]));
}

/** The name among the extras of a column that is kept there: for `attributes.size` it is `size`. */
function namesOf({ extras }: Stream, source: SourceConfig | null): (name: string) => string {
    const aliases = aliasesOf(source);
    return (name) => aliases.get(name.toLowerCase())?.slice(`${extras}.`.length) || name;
}

/** The columns that the configuration fills. */
function givenColumns({ key }: Stream, source: SourceConfig | null): string[] {
    const filled = [
        source?.constants,
        source?.defaults,
        source?.pathValues,
        ...(source?.rules ?? []).map(({ set }) => set),
    ];
    const columns = filled.flatMap((values) => Object.keys(values ?? {}));
    return source?.[deriveKey] && key !== null ? [...columns, key.name] : columns;
}

/** Columns that a key is to be derived from and that the file does not have. */
function missingSources({ key }: Stream, header: string[], targets: Target[], source: SourceConfig | null): string[] {
    const from = source?.[deriveKey]?.from;
    if (!Array.isArray(from) || key === null || targets.includes(key)) return [];
    const ofPath = new Set(Object.keys(source?.pathValues ?? {}).map((name) => name.toLowerCase()));
    return from.filter((name) => !ofPath.has(name.toLowerCase()) && findField(header, targets, name) === -1);
}

/** The place of a column by the file's name for it or by ours; -1 when the file does not have it. */
export function findField(header: string[], targets: Target[], name: string): number {
    const lowerName = name.toLowerCase();
    const place = header.findIndex((column) => column.toLowerCase() === lowerName);
    return place === -1 ? targets.findIndex((target) => isColumn(target) && target.name === lowerName) : place;
}

function changesValues({ key }: Stream, source: SourceConfig | null, targets: Target[]): boolean {
    if (source === null) return false;
    const { constants, defaults, values, rules, timestamps, numbers, nulls } = source;
    const isDeriving = source[deriveKey] !== undefined && key !== null && !targets.includes(key);
    return (
        isDeriving ||
        [constants, defaults, values, rules, timestamps, numbers, nulls].some((setting) => setting !== undefined)
    );
}
