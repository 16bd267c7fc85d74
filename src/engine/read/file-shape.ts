/** From the names of a header to the columns of staging that its values go to. Pure. */

import {
    type EventColumn,
    eventColumns,
    keyColumn,
    requiredColumns,
    stagedExtraColumns,
} from "../../streams/contract.ts";
import type { Dialect } from "../../streams/dialect.ts";
import type { ColumnAlias, SourceConfig } from "../../streams/source-config.ts";

/** Where the values of one field go: an event column, events.attributes (null), or nowhere. */
export type Target = EventColumn | null | "ignored";

export interface FileShape {
    /** Column names as the file spells them, trimmed. */
    header: string[];
    /** For each field of a record. */
    targets: Target[];
    /** The names we don't know and keep, in the order of the file; null when there are none. */
    extraColumns: string[] | null;
    /** The fields whose columns have no name, and that must be empty; absent when there are none. */
    unnamedFields?: number[];
    /** The event columns that neither the file nor the configuration has. */
    missingColumns: EventColumn[] | null;
    dialect: Dialect;
    /** What the configuration says of this file; null when it says nothing. */
    source: SourceConfig | null;
    /** Values are changed on the way. */
    isMapped: boolean;
    /** Values are changed, there are too many unknown columns, or COPY does not know the dialect. */
    needsTolerantWay: boolean;
    /** Bytes before the first record: BOM, blank lines and the header line itself. */
    headerBytes: number;
    headerLines: number;
    /** False when the file ends with its header, unfinished. */
    hasLineEnd: boolean;
}

export interface HeaderFault {
    problem:
        | "empty_file"
        | "header_unfinished"
        | "header_too_long"
        | "header_unreadable"
        | "header_missing_columns"
        | "header_duplicate_columns"
        | "header_new_columns"
        | "header_unrecognized"
        | "header_unnamed_columns"
        | "dialect_ambiguous";
    detail: string;
}

export type Shape = Omit<FileShape, "headerBytes" | "headerLines" | "hasLineEnd">;

/** `isBegun`: records of the file are in the ledger, so that this line was taken for its header. */
export function shapeOf(
    header: string[],
    dialect: Dialect,
    source: SourceConfig | null,
    isBegun = false,
): Shape | (HeaderFault & { missing?: number }) {
    const targets = targetsOf(header, source);
    const given = new Set<Target>([...targets, ...givenColumns(source)]);
    const missing = requiredColumns.filter((column) => !given.has(column));
    const lost = missingSources(header, targets, source);
    if (missing.length > 0 || lost.length > 0) {
        return {
            problem: "header_missing_columns",
            detail: `The header lacks ${[...missing, ...lost].join(", ")}; ${describeNames(header, source)}.`,
            missing: missing.length + lost.length,
        };
    }
    if (!isBegun && !isCertain(header, source)) {
        const detail =
            "None of the names in the first line is known, so it may be a record. In sluice.config.ts, " +
            'write header: "first-line" if it is the header, or header: [ … ] with the names if the file has none.';
        return { problem: "header_unrecognized", detail, missing: 0 };
    }
    const renamed = namesOf(source);
    const extraColumns = header.flatMap((name, index) => (targets[index] === null ? [renamed(name)] : []));
    const fault = faultOfNames(header, targets, extraColumns, source);
    if (fault) return fault;
    const missingColumns = eventColumns.filter((column) => !given.has(column));
    const isMapped = changesValues(source, targets);
    const unnamedFields = unnamedOf(header, source);
    const unknownColumns = targets.filter((target) => target === null || target === "ignored").length;
    return {
        header,
        targets,
        extraColumns: extraColumns.length > 0 ? extraColumns : null,
        ...(unnamedFields.length > 0 && { unnamedFields }),
        missingColumns: missingColumns.length > 0 ? missingColumns : null,
        dialect,
        source,
        isMapped,
        needsTolerantWay: isMapped || unknownColumns > stagedExtraColumns || dialect.quote === null,
    };
}

function faultOfNames(
    header: string[],
    targets: Target[],
    extraColumns: string[],
    source: SourceConfig | null,
): HeaderFault | null {
    const known = targets.filter((target) => target !== null && target !== "ignored");
    const seen = new Set<string>();
    const repeated = [...known, ...extraColumns].find((name) => seen.has(name) || !seen.add(name));
    if (repeated !== undefined) {
        return { problem: "header_duplicate_columns", detail: `The header names ${repeated} twice.` };
    }
    const constant = Object.keys(source?.constants ?? {}).find((column) => known.includes(column as EventColumn));
    if (constant !== undefined) {
        const detail = `The header has ${constant}, which sluice.config.ts sets as a constant: ignore the column, or set a default.`;
        return { problem: "header_duplicate_columns", detail };
    }
    const newColumns = header.filter((name, index) => targets[index] === null && !isNamed(name, source));
    if (source?.newColumns === "reject-file" && newColumns.length > 0) {
        const detail = `The header has new columns: ${newColumns.join(", ")}. sluice.config.ts says newColumns: "reject-file".`;
        return { problem: "header_new_columns", detail };
    }
    return null;
}

/** The fields whose columns have no name, and of which the configuration says nothing. */
function unnamedOf(header: string[], source: SourceConfig | null): number[] {
    if (source?.newColumns === "ignore" || isNamed("", source)) return [];
    return header.flatMap((name, index) => (name === "" ? [index] : []));
}

/** Whether the names are a header's: of a line that has no known name only the configuration can say so. */
function isCertain(header: string[], source: SourceConfig | null): boolean {
    return source?.header !== undefined || header.some((name) => isKnown(name, source));
}

/** One of ours, or one that the configuration names. */
function isKnown(name: string, source: SourceConfig | null): boolean {
    const { rules, deriveEventId } = source ?? {};
    const from = deriveEventId?.from;
    const conditions = (rules ?? []).flatMap(({ when }) => (when ? [when.column] : []));
    const named = [...eventColumns, ...conditions, ...(Array.isArray(from) ? from : [])];
    return isNamed(name, source) || named.some((known) => known.toLowerCase() === name.toLowerCase());
}

/** The configuration says where the column goes. */
function isNamed(name: string, source: SourceConfig | null): boolean {
    const named = [...Object.keys(source?.aliases ?? {}), ...(source?.ignore ?? [])];
    return named.some((known) => known.toLowerCase() === name.toLowerCase());
}

function describeNames(header: string[], source: SourceConfig | null): string {
    // Messages are logged, and values of records must not be.
    if (isCertain(header, source)) return `it has ${header.slice(0, 20).join(", ")}`;
    return (
        `none of the ${header.length} names in the first line is known. If the file has no header, ` +
        "declare the names of its columns in sluice.config.ts (header); if it has one, say what they mean (aliases)"
    );
}

function targetsOf(header: string[], source: SourceConfig | null): Target[] {
    const aliases = aliasesOf(source);
    const ignored = new Set((source?.ignore ?? []).map((name) => name.toLowerCase()));
    return header.map((name) => {
        const lowerName = name.toLowerCase();
        if (ignored.has(lowerName)) return "ignored";
        const alias = aliases.get(lowerName);
        if (alias !== undefined) return isAttribute(alias) ? null : alias;
        const known = eventColumns.find((column) => column === lowerName) ?? null;
        return name === "" || (known === null && source?.newColumns === "ignore") ? "ignored" : known;
    });
}

function aliasesOf(source: SourceConfig | null): Map<string, ColumnAlias> {
    return new Map(Object.entries(source?.aliases ?? {}).map(([name, alias]) => [name.toLowerCase(), alias]));
}

function isAttribute(alias: ColumnAlias): alias is Exclude<ColumnAlias, EventColumn> {
    return alias.startsWith("attributes");
}

/** The name in events.attributes of a column that is kept there. */
function namesOf(source: SourceConfig | null): (name: string) => string {
    const aliases = aliasesOf(source);
    return (name) => aliases.get(name.toLowerCase())?.replace(/^attributes\.?/, "") || name;
}

/** The columns that the configuration fills. */
function givenColumns(source: SourceConfig | null): EventColumn[] {
    const filled = [source?.constants, source?.defaults, ...(source?.rules ?? []).map(({ set }) => set)];
    const columns = filled.flatMap((values) => Object.keys(values ?? {}) as EventColumn[]);
    return source?.deriveEventId ? [...columns, keyColumn] : columns;
}

/** Columns that an event_id is to be derived from and that the file does not have. */
function missingSources(header: string[], targets: Target[], source: SourceConfig | null): string[] {
    const from = source?.deriveEventId?.from;
    if (!Array.isArray(from) || targets.includes(keyColumn)) return [];
    return from.filter((name) => findColumn(header, targets, name) === -1);
}

/** The place of a column by the file's name for it or by ours; -1 when the file does not have it. */
export function findColumn(header: string[], targets: Target[], name: string): number {
    const lowerName = name.toLowerCase();
    const place = header.findIndex((column) => column.toLowerCase() === lowerName);
    return place === -1 ? targets.indexOf(lowerName as EventColumn) : place;
}

function changesValues(source: SourceConfig | null, targets: Target[]): boolean {
    if (source === null) return false;
    const { constants, defaults, values, rules, timestamps, numbers, nulls, deriveEventId } = source;
    const isDeriving = deriveEventId !== undefined && !targets.includes(keyColumn);
    return (
        isDeriving ||
        [constants, defaults, values, rules, timestamps, numbers, nulls].some((setting) => setting !== undefined)
    );
}
