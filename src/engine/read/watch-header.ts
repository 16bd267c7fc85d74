/**
 * Knows a header that stands among the records, where files were put together or a writer began anew: its values are
 * names of columns. Pure; made once for the files of a shape.
 */
import type { Dialect } from "../../streams/dialect.ts";
import { columnNames } from "../../streams/stream.ts";
import type { FileShape } from "./file-shape.ts";
import { splitNames } from "./find-header.ts";

export const NO_HEADER = 0;
export const SAME_COLUMNS = 1;
export const OTHER_COLUMNS = 2;

export interface HeaderWatch {
    /** Returns NO_HEADER, SAME_COLUMNS or OTHER_COLUMNS for the record [start, end). [keyStart, keyEnd) is its key, or its time. */
    judge(bytes: Uint8Array, start: number, end: number, keyStart: number, keyEnd: number): number;
    /**
     * Whether the line [start, end), which is rejected in any case, ends with a header of other columns: files were put
     * together, and the first has no line end behind its last record.
     */
    endsWithOther(bytes: Uint8Array, start: number, end: number): boolean;
    /** The names that the line has of those that are known, for people: never a value. */
    namesOf(line: Uint8Array): { names: string[]; followsRecord: boolean };
}

/** No header is longer, and no long text is split for nothing. */
const longestHeaderBytes = 1024 * 1024;
const mostSoughtNames = 100;
const digit = /\d/;

/** The names of columns that make a line a header. */
interface Naming {
    /** Those of this file, of the stream and aliases, in lower case. */
    known: ReadonlySet<string>;
    /** The columns that the file's own header names. */
    columns: string[];
    isHeader(names: string[]): boolean;
    /** The names stand for the file's columns, in their order. */
    isSame(names: string[]): boolean;
    /** Most of what is no header has no name in it, and splitting it into values would cost a hundred times as much. */
    mayName(line: Buffer): boolean;
}

/** A record is a header when at least half of its values, and two, are names of columns, whatever their case. */
function createNaming({ stream, header, source }: FileShape): Naming {
    const aliases = Object.entries(source?.aliases ?? {}).map(
        ([name, column]) => [name.toLowerCase(), column] as const,
    );
    const columnOf = new Map<string, string>([...columnNames(stream).map((name) => [name, name] as const), ...aliases]);
    const known = new Set([...columnOf.keys(), ...header.map((name) => name.toLowerCase())]);
    known.delete("");
    const columnNamed = (name: string) => columnOf.get(name) ?? name;
    // A delimiter at the end of the line adds no column.
    const columns = withoutLastEmpty(header).map((name) => columnNamed(name.toLowerCase()));
    const isDeclared = source?.header !== undefined;
    const someNames = known.size <= mostSoughtNames ? [...known] : [...columnOf.keys()];
    const lengths = [...known].map((name) => name.length).sort((left, right) => left - right);
    const shortestHeaderBytes = columns.length < 2 ? lengths[0]! : lengths[0]! + lengths[1]!;
    const anyName = new RegExp(someNames.map((name) => RegExp.escape(name)).join("|"), "i");
    return {
        known,
        columns,
        isHeader(names) {
            const found = new Set(names.filter((name) => known.has(name)));
            return found.size >= Math.min(2, columns.length) && found.size * 2 >= names.length;
        },
        // A declared header says what the columns are: the file's own names for unknown ones may differ.
        isSame: (names) =>
            names.length === columns.length &&
            names.every((name, index) => columnNamed(name) === columns[index] || (isDeclared && !known.has(name))),
        mayName: (line) =>
            line.length >= shortestHeaderBytes && line.length <= longestHeaderBytes && anyName.test(line.toString()),
    };
}

/** A value with a digit where the key stands is an id and no name. */
export function createHeaderWatch(shape: FileShape): HeaderWatch {
    const { dialect } = shape;
    const naming = createNaming(shape);
    const { known, isHeader, isSame, mayName } = naming;
    const hasDigits = [...known].some((name) => digit.test(name));
    const endsWithOther = (line: Buffer) => {
        const names = mayName(line) ? headerAtEnd(line, naming, dialect) : null;
        return names !== null && !isSame(names);
    };
    return {
        judge(bytes, start, end, keyStart, keyEnd) {
            if (!hasDigits && hasDigit(bytes, keyStart, keyEnd)) {
                // An id, unless it was cut off and a name follows it. Nearly all records end here: nothing is made for them.
                const endsAsName = bytes[keyEnd - 1]! >= LETTER_A && bytes[keyEnd - 1]! !== LETTER_Z;
                return endsAsName && endsWithOther(bufferOf(bytes, start, end)) ? OTHER_COLUMNS : NO_HEADER;
            }
            const record = bufferOf(bytes, start, end);
            if (!mayName(record)) return NO_HEADER;
            const names = namesIn(record, dialect);
            if (!isHeader(names)) return NO_HEADER;
            return isSame(names) ? SAME_COLUMNS : OTHER_COLUMNS;
        },
        endsWithOther: (bytes, start, end) => endsWithOther(bufferOf(bytes, start, end)),
        namesOf(line) {
            const names = namesIn(line, dialect);
            const atEnd = isHeader(names) ? null : headerAtEnd(Buffer.from(line), naming, dialect);
            return { names: (atEnd ?? names).filter((name) => known.has(name)), followsRecord: atEnd !== null };
        },
    };
}

/** The header of as many columns as the file has at the end of a line: records below any other would be ragged. */
function headerAtEnd(line: Buffer, { known, columns, isHeader }: Naming, dialect: Dialect): string[] | null {
    const unquoted = namesIn(line, { ...dialect, quote: null });
    const names = unquoted.map((name) => name.replaceAll(dialect.quote ?? "", ""));
    if (columns.length < 2 || names.length < columns.length) return null;
    const [first, ...others] = names.slice(-columns.length) as [string, ...string[]];
    const endings = [...known].filter((name) => first.endsWith(name)).sort((a, b) => b.length - a.length);
    const header = [...endings.slice(0, 1), ...others];
    return header.length === columns.length && isHeader(header) ? header : null;
}

/** Not a copy. */
function bufferOf(bytes: Uint8Array, start: number, end: number): Buffer {
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
}

const LETTER_A = 0x41;
/** A time may end with it. */
const LETTER_Z = 0x5a;

/** The values in lower case, trimmed, and the first without marks before it. */
function namesIn(record: Uint8Array, dialect: Dialect): string[] {
    const isQuoted = dialect.quote !== null && record.includes(dialect.quote.charCodeAt(0));
    const read = isQuoted ? splitNames(record, dialect) : null;
    if (read && "problem" in read) return [];
    const names = read ?? Buffer.from(record).toString().split(dialect.delimiter);
    return withoutLastEmpty(names.map((name) => name.replace(marks, "").trim().toLowerCase()));
}

const marks = /^[\u001a\ufeff]+/;

function withoutLastEmpty(names: string[]): string[] {
    return names.at(-1)?.trim() === "" ? names.slice(0, -1) : names;
}

function hasDigit(bytes: Uint8Array, start: number, end: number): boolean {
    for (let at = start; at < end; at += 1) if (bytes[at]! >= 0x30 && bytes[at]! <= 0x39) return true;
    return false;
}
