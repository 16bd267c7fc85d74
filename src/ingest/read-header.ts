/** From a file's first line to the columns of staging its values go to. Pure; csv-parse reads the line. */
import { CsvError, parse } from "csv-parse/sync";
import { type EventColumn, eventColumns, requiredColumns, stagedExtraColumns } from "../contract.ts";
import { findStrictEnd, recordKinds } from "./scan-records.ts";

export interface FileShape {
    /** Column names as the file spells them, trimmed. */
    header: string[];
    /** For each field of a record: the event column it fills, or null for one we don't know. */
    targets: (EventColumn | null)[];
    /** The names we don't know, in the order of the file; null when there are none. */
    extraColumns: string[] | null;
    /** Too many unknown columns for the raw way. */
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
        | "header_duplicate_columns";
    detail: string;
}

const maxHeaderBytes = 64 * 1024;
const bom = [0xef, 0xbb, 0xbf];

/**
 * The shape of a file that begins with `bytes` (64 KiB are enough). `atEnd` says that nothing follows: then a header
 * without a line end counts, and an empty file is a fault of its own.
 */
export function readHeader(bytes: Uint8Array, atEnd: boolean): FileShape | HeaderFault {
    let start = bom.every((byte, index) => bytes[index] === byte) ? bom.length : 0;
    let headerLines = 1;
    while (bytes[start] === 0x0a || (bytes[start] === 0x0d && bytes[start + 1] === 0x0a)) {
        start += bytes[start] === 0x0a ? 1 : 2;
        headerLines += 1;
    }
    // The header is a record like others: a quoted name may hold a line end.
    const found = findStrictEnd(bytes, start, bytes.length);
    if (found.outcome === "broken") {
        // Not for csv-parse to judge: a file whose lines end with carriage returns alone would be all header, no record.
        const reason = recordKinds[found.reason]!.replaceAll("_", " ");
        return { problem: "header_unreadable", detail: `The first line is no strict CSV: it has a ${reason}.` };
    }
    const lineEnd = found.outcome === "strict" ? found.next - 1 : bytes.indexOf(0x0a, start);
    if (lineEnd === -1 || (found.outcome === "open" && !atEnd)) {
        if (bytes.length - start > maxHeaderBytes) {
            return { problem: "header_too_long", detail: `The first line has no end within ${maxHeaderBytes} bytes.` };
        }
        if (!atEnd) return { problem: "header_unfinished", detail: "The header has no line end yet." };
        if (start >= bytes.length) return { problem: "empty_file", detail: "The file has no header." };
    }
    const end = lineEnd === -1 ? bytes.length : lineEnd;
    const names = splitHeader(bytes.subarray(start, end));
    if ("problem" in names) return names;
    const shape = shapeOf(names.header);
    if ("problem" in shape) return shape;
    return {
        ...shape,
        headerBytes: lineEnd === -1 ? bytes.length : lineEnd + 1,
        headerLines: headerLines - 1 + (found.outcome === "strict" ? found.lines : 1),
        hasLineEnd: lineEnd !== -1,
    };
}

function splitHeader(line: Uint8Array): { header: string[] } | HeaderFault {
    try {
        const text = new TextDecoder("utf-8", { fatal: true }).decode(line);
        if (text.includes("\0")) throw new TypeError("It holds a NUL byte.");
        const rows = parse(text.replace(/\r$/, ""), { relax_column_count: true, record_delimiter: "\n" });
        return { header: (rows[0] ?? []).map((name) => name.trim()) };
    } catch (error) {
        if (!(error instanceof CsvError || error instanceof TypeError)) throw error;
        return { problem: "header_unreadable", detail: `The first line is no CSV header in UTF-8: ${error.message}` };
    }
}

function shapeOf(header: string[]): Omit<FileShape, "headerBytes" | "headerLines" | "hasLineEnd"> | HeaderFault {
    const targets = header.map((name) => eventColumns.find((column) => column === name.toLowerCase()) ?? null);
    const missing = requiredColumns.filter((column) => !targets.includes(column));
    if (missing.length > 0) {
        return {
            problem: "header_missing_columns",
            detail: `The header lacks ${missing.join(", ")}; it has ${header.slice(0, 20).join(", ")}.`,
        };
    }
    const extraColumns = header.filter((_, index) => targets[index] === null);
    const known = targets.filter((target) => target !== null);
    const repeated = [...known, ...extraColumns].find((name, index, names) => names.indexOf(name) !== index);
    if (repeated !== undefined || extraColumns.includes("")) {
        const detail = repeated ? `The header names ${repeated} twice.` : "The header has a column without a name.";
        return { problem: "header_duplicate_columns", detail };
    }
    return {
        header,
        targets,
        extraColumns: extraColumns.length > 0 ? extraColumns : null,
        needsTolerantWay: extraColumns.length > stagedExtraColumns,
    };
}
