/**
 * The values of a file's records, read as an ingest reads them: the engine's own detection of encoding, delimiter and header,
 * and its scanner. The whole file, in pieces of a megabyte, as often as it is asked for.
 */
import { locateFile } from "../../engine/discover/locate-file.ts";
import { guessEncodings } from "../../engine/read/dialect/guess-encoding.ts";
import { fieldsOf } from "../../engine/read/fields.ts";
import type { FileShape, HeaderFault } from "../../engine/read/file-shape.ts";
import { type ContentConfig, openContent } from "../../engine/read/open-content.ts";
import { InputFault, type InputFile } from "../../engine/read/open-input.ts";
import { readHeader } from "../../engine/read/read-header.ts";
import { recordsOf } from "../../engine/read/read-records.ts";
import { readShape } from "../../engine/read/read-shape.ts";
import { scanOptionsOf } from "../../engine/read/scan-options.ts";
import { createScanner } from "../../engine/read/scan-records.ts";
import { INVALID_UTF8, recordKinds, STRICT, STRICT_QUOTED } from "../../engine/read/scanned-records.ts";
import {
    type Dialect,
    delimiterCandidates,
    delimiterName,
    type Grammar,
    grammarOf,
    isLoose,
} from "../../streams/dialect.ts";
import type { SourceConfig } from "../../streams/source-config.ts";
import { defineStream } from "../../streams/stream.ts";
import { text } from "../../streams/types/text.ts";
import { trimAsciiSpace } from "../../streams/values/trim-text.ts";

/** What of a source decides how a file is cut into records. */
export type ReadingSettings = Omit<SourceConfig, "match">;

export type ReadConfig = ContentConfig & {
    /** Told after each piece, in each pass. */
    onRead?: (bytes: number, ofBytes: number) => void;
};

/** Something that has to be said before the file can be read. */
export interface ReadingQuestion {
    about: "header" | "delimiter" | "encoding";
    what: string;
    remedy: string;
}

export interface BrokenRecords {
    count: number;
    /** The first: its number, and why it cannot be split. */
    first: { recordNo: number; reason: string } | null;
}

export interface OpenCsv {
    header: readonly string[];
    shape: FileShape;
    /** Calls `onRecord` for each record that can be split, with its values without white space around them. */
    readAll(onRecord: (values: readonly string[], recordNo: number) => void): Promise<BrokenRecords>;
    close(): Promise<void>;
}

export const notText = recordKinds[INVALID_UTF8]!;

/** Knows no column, and takes any. */
const anyStream = defineStream({
    id: -1,
    name: "any",
    table: "any",
    columns: [{ name: "\u0000", type: text, isRequired: false, reasons: [] }],
    key: "\u0000",
    time: null,
    extras: "extras",
});

/** @throws InputFault when the file cannot be opened or expanded */
export async function openCsv(
    config: ReadConfig,
    path: string,
    settings: ReadingSettings,
): Promise<OpenCsv | ReadingQuestion> {
    const source: SourceConfig = { match: "*", header: "first-line", newColumns: "ignore", ...settings };
    const located = locateFile(path);
    const file = await openContent(located.inbox, config, located.path, { source, encoding: null });
    try {
        const shape = await shapeOf(config, file, source);
        if ("about" in shape) {
            await file.close();
            return shape;
        }
        return {
            header: shape.header,
            shape,
            readAll: (onRecord) => readRecords(config, file, shape, onRecord),
            close: () => file.close(),
        };
    } catch (error) {
        await file.close();
        throw error;
    }
}

async function shapeOf(
    config: ReadConfig,
    file: InputFile,
    source: SourceConfig,
): Promise<FileShape | ReadingQuestion> {
    const read = (changed: SourceConfig) =>
        readShape((bytes, atEnd, options) => readHeader(anyStream, bytes, atEnd, options), file, true, {
            source: changed,
            encoding: file.encoding,
            maxRecordBytes: config.maxRecordBytes,
        });
    const shape = await read(source);
    if (!("problem" in shape)) return shape;
    if (shape.problem === "dialect_ambiguous" && source.delimiter === undefined) {
        return await chooseDelimiter(config, file, (delimiter) => read({ ...source, delimiter }));
    }
    const encodings = source.encoding === undefined ? await likelyEncodings(file) : [];
    if (encodings.length > 0) return encodingQuestion(encodings, "Its header is not valid UTF-8.");
    throw new InputFault({ problem: shape.problem, detail: shape.detail, retryAfterMs: null });
}

/** The header can be cut by several delimiters: the records tell, when all of them have the columns of one header only. */
async function chooseDelimiter(
    config: ReadConfig,
    file: InputFile,
    read: (delimiter: string) => Promise<FileShape | HeaderFault>,
): Promise<FileShape | ReadingQuestion> {
    const fitting: FileShape[] = [];
    for (const delimiter of delimiterCandidates) {
        const shape = await read(delimiter);
        if ("problem" in shape || shape.header.length < 2) continue;
        const broken = await readRecords(config, file, shape, () => {});
        if (broken.count === 0) fitting.push(shape);
    }
    if (fitting.length === 1) return fitting[0]!;
    const names = fitting.map(({ dialect }) => delimiterName(dialect.delimiter)).join(", ");
    return {
        about: "delimiter",
        what:
            fitting.length === 0
                ? "The delimiter is ambiguous: no delimiter splits all records into the columns of the header."
                : `The delimiter is ambiguous: header and records have the same columns with ${names}.`,
        remedy: "Name it: --delimiter ';'.",
    };
}

async function likelyEncodings(file: InputFile): Promise<string[]> {
    const bytes = await file.read(0, Math.min(file.sizeBytes, 1024 * 1024));
    const end = bytes.lastIndexOf(0x0a) + 1 || bytes.length;
    const whole = bytes.subarray(0, end);
    return Buffer.from(whole).toString().includes("\ufffd") ? guessEncodings(whole) : [];
}

function encodingQuestion(encodings: readonly string[], what: string): ReadingQuestion {
    return {
        about: "encoding",
        what,
        remedy: `Name the encoding: ${encodings.map((name) => `--encoding ${name}`).join(" or ")}, if that is right.`,
    };
}

/** For a file whose records hold bytes that are no UTF-8. */
export async function askForEncoding(csv: OpenCsv, path: string, config: ReadConfig): Promise<ReadingQuestion> {
    const located = locateFile(path);
    const file = await openContent(located.inbox, config, located.path, { source: csv.shape.source, encoding: null });
    try {
        const encodings = await likelyEncodings(file);
        return encodingQuestion(
            encodings.length > 0 ? encodings : ["windows-1252"],
            "Some of its records are not valid UTF-8.",
        );
    } finally {
        await file.close();
    }
}

async function readRecords(
    { maxRecordBytes, onRead }: ReadConfig,
    file: InputFile,
    shape: FileShape,
    onRecord: (values: readonly string[], recordNo: number) => void,
): Promise<BrokenRecords> {
    const broken: BrokenRecords = { count: 0, first: null };
    const range = {
        ...scanOptionsOf(shape),
        firstByte: 0,
        recordsFrom: shape.headerBytes,
        stopAt: Number.MAX_SAFE_INTEGER,
        sizeBytes: file.sizeBytes,
        takeTail: true,
        maxRecordBytes,
        // Nobody asks for it.
        contentHash: "",
        // It would split nearly every record of a file whose key is not known. What it finds is found below.
        header: null,
    };
    const grammar = grammarOf(shape.dialect);
    for await (const piece of recordsOf(file, range, createScanner())) {
        const { bytes, records, recordsBefore } = piece;
        for (let index = 0; index < records.count; index += 1) {
            const recordNo = recordsBefore + index + 1;
            const kind = records.kinds[index]!;
            if (kind > STRICT_QUOTED) {
                addBroken(broken, recordNo, recordKinds[kind]!);
                continue;
            }
            const [start, end] = [records.starts[index]!, records.ends[index]!];
            const values =
                kind === STRICT
                    ? splitPlain(bytes.toString("utf8", start, end), shape, records.isPadded)
                    : splitQuoted(bytes, start, end, grammar, shape);
            if (isHeader(values, shape.header)) addBroken(broken, recordNo, "header_repeated");
            else onRecord(values, recordNo);
        }
        onRead?.(piece.firstByte + records.consumedBytes, file.sizeBytes);
    }
    return broken;
}

/** Bytes that are no UTF-8 are what is asked about, wherever they come. */
function addBroken(broken: BrokenRecords, recordNo: number, reason: string): void {
    broken.count += 1;
    if (broken.first === null || (reason === notText && broken.first.reason !== notText)) {
        broken.first = { recordNo, reason };
    }
}

function isHeader(values: readonly string[], header: readonly string[]): boolean {
    return values[0] === header[0] && header.every((name, place) => name === values[place]);
}

function splitPlain(record: string, { dialect }: FileShape, isPadded: boolean): string[] {
    const values = record.split(dialect.delimiter);
    // Nearly no file is, and to look at every value takes a sixth of the time.
    if (!isPadded) return values;
    for (let index = 0; index < values.length; index += 1) values[index] = trimAsciiSpace(values[index]!);
    return values;
}

function splitQuoted(bytes: Buffer, start: number, end: number, grammar: Grammar, { dialect }: FileShape): string[] {
    if (!isLoose(dialect)) return splitStrict(bytes.toString("utf8", start, end), dialect);
    const values: string[] = [];
    for (const field of fieldsOf(bytes.subarray(start, end), grammar)) {
        const value = trimAsciiSpace(Buffer.from(field).toString());
        const isQuoted = value.charCodeAt(0) === grammar.quote;
        values.push(isQuoted ? trimAsciiSpace(unescaped(value.slice(1, -1), dialect)) : value);
    }
    return values;
}

/** A quote opens at the beginning of a value, and only a delimiter follows the one that closes it. */
function splitStrict(record: string, dialect: Dialect): string[] {
    const { delimiter } = dialect;
    const values: string[] = [];
    for (let start = 0; start <= record.length; ) {
        if (record[start] === dialect.quote) {
            const end = closingQuote(record, start + 1, dialect);
            values.push(trimAsciiSpace(unescaped(record.slice(start + 1, end), dialect)));
            start = end + 2;
            continue;
        }
        const found = record.indexOf(delimiter, start);
        const end = found === -1 ? record.length : found;
        values.push(trimAsciiSpace(record.slice(start, end)));
        start = end + 1;
    }
    return values;
}

function closingQuote(record: string, from: number, { quote, escape: escapeMark }: Dialect): number {
    for (let at = from; at < record.length; at += 1) {
        const isMark = record[at] === escapeMark && (record[at + 1] === quote || record[at + 1] === escapeMark);
        if (isMark) at += 1;
        else if (record[at] === quote) return at;
    }
    return record.length;
}

function unescaped(inner: string, { quote, escape: escapeMark }: Dialect): string {
    if (escapeMark === null || !inner.includes(escapeMark)) return inner;
    let out = "";
    for (let at = 0; at < inner.length; at += 1) {
        if (inner[at] === escapeMark && (inner[at + 1] === quote || inner[at + 1] === escapeMark)) at += 1;
        out += inner[at];
    }
    return out;
}
