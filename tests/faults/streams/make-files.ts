/** Random files of the model's streams, each record made together with what must become of it. */
import { isUtf8 } from "node:buffer";
import type { Random } from "../../../src/shop/generator/random.ts";
import { splitRecords } from "../../support/oracle/split-records.ts";
import type { Content, ContentOptions, PlacedRecord } from "../../support/random-files.ts";
import { type FileLife, type FileMaker, makeEventFiles } from "../model/make-schedule.ts";
import type { CutReader } from "../model/read-ranges.ts";
import { fileColumns, judge, type ModelStream, type StreamPool } from "./model-stream.ts";
import { chooseStreams } from "./streams.ts";

/** Those of events, and of some other streams. */
export const makeAllFiles = (random: Random): FileMaker[] => [
    makeEventFiles(),
    ...makeStreamFiles(chooseStreams(random)),
];

/** One of each stream, over one pool. */
export function makeStreamFiles(streams: readonly ModelStream[]): FileMaker[] {
    const pool: StreamPool = { orders: 0, readings: 0 };
    return streams.map((stream) => makerOf(stream, pool));
}

function makerOf(stream: ModelStream, pool: StreamPool): FileMaker {
    const made: Record<string, string>[] = [];
    return {
        prefix: stream.prefix,
        make: (random, options) => makeContent(random, stream, pool, made, options),
        makeBad: (random, options) =>
            makeBad(random, stream, makeContent(random, stream, pool, made, { ...options, dirty: 0 })),
        change: (random, content) => changeNote(random, stream, content),
        // No other mode asks how far a file was read.
        ...(stream.mode.name === "append" ? { lives: logLives } : {}),
    };
}

const logLives: readonly FileLife[] = ["grow", "grow", "grow", "replace", "overwrite", "truncate", "remove", "rename"];

function makeContent(
    random: Random,
    stream: ModelStream,
    pool: StreamPool,
    made: Record<string, string>[],
    options: ContentOptions,
): Content {
    const { dirty, repeated } = options;
    const columns = makeColumns(random, stream);
    const mostly = random.pick(["\n", "\n", "\r\n"]);
    const isPadded = random.chance(0.3);
    const names = random.chance(0.2) ? columns.map((name) => name.toUpperCase()) : columns;
    const pieces = [Buffer.from((random.chance(0.1) ? "\ufeff" : "") + names.join(",") + mostly)];
    const headerBytes = pieces[0]!.length;
    const records: PlacedRecord[] = [];
    let at = headerBytes;
    const append = (text: string) => {
        const piece = Buffer.from(text);
        pieces.push(piece);
        at += piece.length;
    };
    for (const record of makeRecords(random, stream, pool, made, options)) {
        for (const column of columns) if (isPadded && random.chance(0.2)) record[column] = ` ${record[column]}\t`;
        const start = at;
        append(columns.map((column) => writeValue(random, record[column]!)).join(","));
        const end = at;
        append(mostly);
        records.push({ start, end, next: at, fate: judge(stream, record) });
        if (random.chance(0.01)) append(random.pick(["", " , ", ","]) + mostly);
    }
    const style = { columns, quotes: "some", isPadded, dirty, repeated } as unknown as Content["style"];
    return { bytes: Buffer.concat(pieces), headerBytes, records, problem: null, style };
}

function makeColumns(random: Random, stream: ModelStream): string[] {
    const { last } = stream;
    const columns = fileColumns(stream);
    if (random.chance(0.7)) return columns;
    const ending = random.pick(last);
    const others = columns.filter((column) => column !== ending);
    const from = random.below(others.length);
    return [...others.slice(from), ...others.slice(0, from), ending];
}

function makeRecords(
    random: Random,
    stream: ModelStream,
    pool: StreamPool,
    made: Record<string, string>[],
    options: ContentOptions,
): Record<string, string>[] {
    if (stream.fillFile) return stream.fillFile(random, made, options);
    return Array.from({ length: options.records }, () => makeRecord(random, stream, pool, made, options));
}

function makeRecord(
    random: Random,
    stream: ModelStream,
    pool: StreamPool,
    made: Record<string, string>[],
    { dirty, repeated }: ContentOptions,
): Record<string, string> {
    if (made.length > 0 && random.chance(repeated)) {
        const record = { ...random.pick(made) };
        if (random.chance(0.3)) record.note = random.pick(["n-1", "n-5", ""]);
        for (const [column, respell] of Object.entries(stream.respell))
            if (record[column] !== "" && random.chance(0.5)) record[column] = respell(record[column]!);
        return record;
    }
    const record = stream.fill(random, pool);
    // In a dirty record one value is bad, in some two.
    if (random.chance(dirty)) {
        for (let left = random.chance(0.2) ? 2 : 1; left > 0; left -= 1) {
            const [column, value] = random.pick(stream.spoils);
            record[column] = value;
        }
        // A line of blanks alone is no record.
        if (Object.values(record).every((text) => text.trim() === "")) record.note = "n-1";
        return record;
    }
    made.push({ ...record });
    return record;
}

function writeValue(random: Random, value: string): string {
    const must = /[",\n]/.test(value);
    return must || (value.trim() === value && value !== "" && random.chance(0.05))
        ? `"${value.replaceAll('"', '""')}"`
        : value;
}

function makeBad(random: Random, { rules }: ModelStream, good: Content): Content {
    const rows = good.bytes.subarray(good.headerBytes);
    const bad: [problem: string, bytes: Buffer][] = [
        ["empty_file", Buffer.alloc(0)],
        ["header_duplicate_columns", Buffer.concat([Buffer.from(`${good.style.columns.join(",")},note\n`), rows])],
    ];
    const needsMore = Object.entries(rules).some(([name, rule]) => name !== "note" && "problem" in rule(null));
    if (needsMore) bad.splice(1, 0, ["header_missing_columns", Buffer.concat([Buffer.from("note\n"), rows])]);
    const [problem, bytes] = random.pick(bad);
    return { ...good, bytes, headerBytes: 0, records: [], problem };
}

/** Of the same length, and small, so that no reader sees half of it. */
function changeNote(random: Random, stream: ModelStream, content: Content): { content: Content; at: number } | null {
    const fit = content.records.flatMap(({ fate }, index) =>
        fate.kind === "valid" && fate.record!.note!.trim() === "n-1" ? [index] : [],
    );
    if (fit.length === 0) return null;
    const index = random.pick(fit);
    const record = content.records[index]!;
    const at = content.bytes.indexOf("n-1", record.start) + 2;
    const bytes = Buffer.from(content.bytes);
    bytes[at] = "9".charCodeAt(0);
    const raw = record.fate.record as Record<string, string>;
    const fate = judge(stream, { ...raw, note: raw.note!.replace("n-1", "n-9") });
    return { content: { ...content, bytes, records: content.records.with(index, { ...record, fate }) }, at };
}

/** What the rules say of part of a line. */
export function cutReaderOf(stream: ModelStream): CutReader {
    return (header, bytes, maxRecordBytes) => {
        const names = header
            .toString("utf8")
            .replace(/^\ufeff/, "")
            .trim()
            .toLowerCase()
            .split(",");
        const rejected = { eventId: null, content: null, parent: null, reasons: null, record: null, rawText: null };
        return [...splitRecords(bytes.toString("latin1"), { delimiter: ",", maxRecordBytes })].map(({ values }) => {
            if (values === null || values.length !== names.length || !isUtf8(bytes)) return rejected;
            const texts = values.map((value) => Buffer.from(value, "latin1").toString("utf8"));
            const fate = judge(stream, Object.fromEntries(names.map((name, index) => [name, texts[index]!])));
            return fate.kind === "valid"
                ? { ...rejected, ...fate, parent: fate.parent ?? null, reasons: [], record: null }
                : { ...rejected, reasons: fate.reasons, parent: fate.parent ?? null };
        });
    };
}
