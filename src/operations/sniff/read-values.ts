/**
 * The values of a file's records, read as an ingest reads them: the engine's own detection of encoding, delimiter and header,
 * and its scanner. The whole file, in pieces of a megabyte, as often as it is asked for.
 */
import { basename, dirname } from "node:path";
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
import {
    HEADER_REPEATED,
    INVALID_UTF8,
    recordKinds,
    STRICT,
    STRICT_QUOTED,
} from "../../engine/read/scanned-records.ts";
import { delimiterCandidates, delimiterName, type Grammar, grammarOf, isEscaped } from "../../streams/dialect.ts";
import type { SourceConfig } from "../../streams/source-config.ts";
import { defineStream } from "../../streams/stream.ts";
import { text } from "../../streams/types/text.ts";
import { trimAsciiSpace } from "../../streams/values/trim-text.ts";

/** What of a source decides how a file is cut into records. */
export type ReadingSettings = Omit<SourceConfig, "match">;

export type ReadConfig = Omit<ContentConfig, "inputDir">;

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
    const inputDir = dirname(path);
    const source: SourceConfig = { match: "*", header: "first-line", newColumns: "ignore", ...settings };
    const file = await openContent({ ...config, inputDir }, basename(path), { source, encoding: null });
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
    if (encodings.length > 0) return encodingQuestion(encodings, "Its header is no UTF-8.");
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
                ? "Its delimiter is not certain: no delimiter cuts all records into the columns of the header."
                : `Its delimiter is not certain: header and records have the same columns with ${names}.`,
        remedy: "Say which it is: --delimiter ';'.",
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
        remedy: `Say in which encoding it is: ${encodings.map((name) => `--encoding ${name}`).join(" or ")}, if that is right.`,
    };
}

/** For a file whose records hold bytes that are no UTF-8. */
export async function askForEncoding(csv: OpenCsv, path: string, config: ReadConfig): Promise<ReadingQuestion> {
    const inputDir = dirname(path);
    const file = await openContent({ ...config, inputDir }, basename(path), {
        source: csv.shape.source,
        encoding: null,
    });
    try {
        const encodings = await likelyEncodings(file);
        return encodingQuestion(
            encodings.length > 0 ? encodings : ["windows-1252"],
            "Some of its records are no UTF-8.",
        );
    } finally {
        await file.close();
    }
}

async function readRecords(
    { maxRecordBytes }: ReadConfig,
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
    };
    const grammar = grammarOf(shape.dialect);
    for await (const piece of recordsOf(file, range, createScanner())) {
        const { bytes, records, recordsBefore } = piece;
        for (let index = 0; index < records.count; index += 1) {
            const recordNo = recordsBefore + index + 1;
            const kind = records.kinds[index]!;
            if (kind > STRICT_QUOTED) {
                broken.count += 1;
                broken.first ??= { recordNo, reason: recordKinds[kind]! };
                if (kind === INVALID_UTF8 && broken.first.reason !== recordKinds[INVALID_UTF8]) {
                    broken.first = { recordNo, reason: recordKinds[INVALID_UTF8] };
                }
                if (kind !== HEADER_REPEATED) continue;
                continue;
            }
            const record = bytes.subarray(records.starts[index], records.ends[index]);
            onRecord(kind === STRICT ? splitPlain(record, shape) : splitQuoted(record, grammar), recordNo);
        }
    }
    return broken;
}

function splitPlain(record: Buffer, { dialect }: FileShape): string[] {
    const values = record.toString().split(dialect.delimiter);
    for (let index = 0; index < values.length; index += 1) values[index] = trimAsciiSpace(values[index]!);
    return values;
}

function splitQuoted(record: Buffer, grammar: Grammar): string[] {
    const values: string[] = [];
    for (const field of fieldsOf(record, grammar)) {
        const value = trimAsciiSpace(Buffer.from(field.buffer, field.byteOffset, field.length).toString());
        values.push(value.charCodeAt(0) === grammar.quote ? trimAsciiSpace(unquoted(value, grammar)) : value);
    }
    return values;
}

function unquoted(value: string, grammar: Grammar): string {
    const inner = value.slice(1, -1);
    const escapeMark = String.fromCharCode(grammar.escapeByte);
    if (!inner.includes(escapeMark)) return inner;
    let out = "";
    for (let at = 0; at < inner.length; at += 1) {
        const code = inner.charCodeAt(at);
        if (code === grammar.escapeByte && isEscaped(inner.charCodeAt(at + 1), grammar)) at += 1;
        out += inner[at];
    }
    return out;
}
