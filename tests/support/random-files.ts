/** Random files, made of records, with the place of each: what a byte range holds is looked up, not parsed. */
import type { Random } from "../../src/shop/generator/random.ts";
import { type Dialect, defaultDialect } from "../../src/streams/dialect.ts";
import { type Fate, type FileStyle, inQuotes, makeRecord, type RecordPool } from "./random-records.ts";

export interface PlacedRecord {
    /** Byte offsets: of its first byte, behind its last one, and behind its line end. */
    start: number;
    end: number;
    next: number;
    fate: Fate;
}

export interface Content {
    bytes: Buffer;
    /** Bytes up to the first record. */
    headerBytes: number;
    records: PlacedRecord[];
    /** Why the file fails as a whole, as docs/data_contract.md names it; null when it is good. */
    problem: string | null;
    style: FileStyle;
}

export interface ContentOptions {
    records: number;
    dirty: number;
    repeated: number;
    maxRecordBytes: number;
    dialect?: Dialect;
}

const requiredColumns = ["event_id", "event_type", "product_id", "user_id", "event_timestamp"];

export function makeContent(random: Random, pool: RecordPool, options: ContentOptions): Content {
    const { dialect = defaultDialect, dirty, repeated, maxRecordBytes } = options;
    const style: FileStyle = {
        columns: makeColumns(random),
        dialect,
        quotes: random.chance(0.3) ? "broken" : "some",
        isPadded: random.chance(0.3),
        ...{ dirty, repeated, maxRecordBytes },
    };
    const lineEnds = dialect.lineEnd === "any" ? ["\n", "\r\n", "\r"] : ["\n", "\n", "\r\n"];
    const mostly = random.pick(lineEnds);
    const lineEnd = () => (random.chance(0.95) ? mostly : random.pick(lineEnds));
    const mark = random.chance(0.1) ? "\ufeff" : "";
    const pieces: Uint8Array[] = [Buffer.from(mark + writeHeader(style) + mostly)];
    const headerBytes = pieces[0]!.length;
    const records: PlacedRecord[] = [];
    let at = headerBytes;
    const append = (bytes: Buffer) => {
        pieces.push(bytes);
        at += bytes.length;
    };
    for (let made = 0; made < options.records; made += 1) {
        const { bytes, fate } = makeRecord(random, style, pool);
        const start = at;
        append(bytes);
        const end = at;
        append(Buffer.from(lineEnd()));
        records.push({ start, end, next: at, fate });
        // A line without a value is no record.
        const { delimiter } = dialect;
        const blank = ["", delimiter, ` ${delimiter} `, delimiter.repeat(style.columns.length - 1)];
        if (random.chance(0.01)) append(Buffer.from(random.pick(blank) + lineEnd()));
    }
    return { bytes: Buffer.concat(pieces), headerBytes, records, problem: null, style };
}

function writeHeader({ columns, dialect }: FileStyle): string {
    const names = columns.map((name) => (/^\w+$/.test(name) ? name : inQuotes(name, dialect)));
    return names.join(dialect.delimiter);
}

const awkwardNames = ["Größe", 'a "b"', "x\\y", "__proto__", "two\nlines", "events"];

function makeColumns(random: Random): string[] {
    const optional = ["quantity", "price"].filter(() => random.chance(0.9));
    // More than sixteen unknown columns are parsed.
    const unknownCount = random.chance(0.3)
        ? random.chance(0.1)
            ? random.pick([15, 16, 17])
            : random.between(1, 3)
        : 0;
    const unknown = Array.from({ length: unknownCount }, (_, index) => `c${index}`);
    if (unknownCount > 0 && random.chance(0.3)) unknown[0] = random.pick(awkwardNames);
    const columns = [...requiredColumns, ...optional, ...unknown];
    if (random.chance(0.3)) shuffle(random, columns);
    return random.chance(0.2)
        ? columns.map((column) => (unknown.includes(column) ? column : column.toUpperCase()))
        : columns;
}

function shuffle(random: Random, items: string[]): void {
    for (let index = items.length - 1; index > 0; index -= 1) {
        const other = random.below(index + 1);
        [items[index], items[other]] = [items[other]!, items[index]!];
    }
}

/** A file that fails as a whole. */
export function makeBadContent(random: Random, pool: RecordPool, options: ContentOptions): Content {
    const good = makeContent(random, pool, { ...options, records: 3, dirty: 0 });
    const rows = good.bytes.subarray(good.headerBytes);
    const bad: [problem: string, bytes: Buffer][] = [
        ["empty_file", Buffer.alloc(0)],
        ["header_missing_columns", Buffer.concat([Buffer.from("event_id,event_type,user_id,event_timestamp\n"), rows])],
        ["header_duplicate_columns", Buffer.concat([Buffer.from(`${requiredColumns.join(",")},price,price\n`), rows])],
    ];
    const [problem, bytes] = random.pick(bad);
    return { ...good, bytes, headerBytes: 0, records: [], problem };
}

/**
 * The same content with another last digit in one record's product: of the same length, so it can be written in place, and
 * small, so that no reader sees half of it. Null when no record is fit for it.
 */
export function changeOneRecord(random: Random, content: Content): { content: Content; at: number } | null {
    const fit = content.records.flatMap(({ fate }, index) =>
        fate.kind === "valid" && JSON.parse(fate.content)[2] === "p-1" ? [index] : [],
    );
    if (fit.length === 0) return null;
    const index = random.pick(fit);
    const record = content.records[index]!;
    const at = content.bytes.indexOf("p-1", record.start) + 2;
    const bytes = Buffer.from(content.bytes);
    bytes[at] = "9".charCodeAt(0);
    const { content: typedBefore, record: rawBefore } = record.fate as Fate & { kind: "valid" };
    const typed = JSON.parse(typedBefore);
    typed[2] = "p-9";
    const raw = { ...rawBefore, product_id: rawBefore!.product_id!.replace("p-1", "p-9") };
    const fate = { kind: "valid", eventId: typed[0], content: JSON.stringify(typed), record: raw } as const;
    return { content: { ...content, bytes, records: content.records.with(index, { ...record, fate }) }, at };
}

const awkwardTexts = [
    ...['"', "'", "\n", "\r", ",", ";", "\t", "|", "\0", '""', "\r\n", '"\n', "é", " ", "\u00a0", "\\", "\\.", "\\.\n"],
    ...["\n\\.\n", '\n"\n', '\n"open,a,b\n', '\n"a"b,c\n', "\n\ufeffx,y\n", "\x1a", `\n${",".repeat(30)}\n`],
].map((text) => Buffer.from(text));
const awkward = [...awkwardTexts, Buffer.of(0xff), Buffer.of(0x61, 0xc3, 0x2c)];

/** One to five changes from `firstByte` on: bits, bytes, awkward texts, and ranges that go, repeat or move. */
export function mutate(random: Random, valid: Buffer, firstByte: number): Buffer {
    let bytes = valid;
    for (let left = random.between(1, 5); left > 0; left -= 1) {
        const at = Math.min(bytes.length, firstByte + random.below(Math.max(1, bytes.length - firstByte)));
        const end = Math.min(bytes.length, at + random.below(40));
        const [before, range, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
        const rest = bytes.subarray(at);
        const changes: (() => Uint8Array[])[] = [
            () => [before, Buffer.of((rest[0] ?? 0) ^ (1 << random.below(8))), rest.subarray(1)],
            () => [before, Buffer.of(random.below(256)), rest],
            () => [before, random.pick(awkward), rest],
            () => [before, random.pick(awkward), rest.subarray(1)],
            () => [before, after],
            () => [before, range, range, after],
            () => [before, after, range],
            () => [before],
        ];
        bytes = Buffer.concat(random.pick(changes)());
    }
    return bytes;
}
