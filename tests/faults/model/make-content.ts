/** Whole contents of files, made of records, with the place of each: what a byte range holds is looked up, not parsed. */
import type { Random } from "../../../src/shop/generator/random.ts";
import { type Fate, type FileStyle, makeRecord, type RecordPool } from "./make-records.ts";

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
}

const requiredColumns = ["event_id", "event_type", "product_id", "user_id", "event_timestamp"];

export function makeContent(random: Random, pool: RecordPool, options: ContentOptions): Content {
    const style: FileStyle = {
        columns: makeColumns(random),
        quotes: random.chance(0.3) ? "broken" : "some",
        isPadded: random.chance(0.3),
        dirty: options.dirty,
        repeated: options.repeated,
        maxRecordBytes: options.maxRecordBytes,
    };
    const lineEnd = random.chance(0.2) ? "\r\n" : "\n";
    const bom = random.chance(0.1) ? "\ufeff" : "";
    const pieces: Uint8Array[] = [Buffer.from(`${bom}${style.columns.join(",")}${lineEnd}`)];
    const headerBytes = pieces[0]!.length;
    const records: PlacedRecord[] = [];
    let at = headerBytes;
    for (let made = 0; made < options.records; made += 1) {
        const { bytes, fate } = makeRecord(random, style, pool);
        const end = at + bytes.length;
        records.push({ start: at, end, next: end + lineEnd.length, fate });
        pieces.push(bytes, Buffer.from(lineEnd));
        at = end + lineEnd.length;
        // A line without a value is no record.
        if (random.chance(0.01)) {
            const blank = Buffer.from(random.pick(["", ",", " , ", ",".repeat(style.columns.length - 1)]) + lineEnd);
            pieces.push(blank);
            at += blank.length;
        }
    }
    return { bytes: Buffer.concat(pieces), headerBytes, records, problem: null, style };
}

function makeColumns(random: Random): string[] {
    const optional = ["quantity", "price"].filter(() => random.chance(0.9));
    // More than sixteen unknown columns are parsed.
    const unknownCount = random.chance(0.3) ? (random.chance(0.1) ? 20 : random.between(1, 3)) : 0;
    const unknown = Array.from({ length: unknownCount }, (_, index) => `extra_${index}`);
    const columns = [...requiredColumns, ...optional, ...unknown];
    if (random.chance(0.3)) shuffle(random, columns);
    return random.chance(0.2)
        ? columns.map((column) => (column.startsWith("extra") ? column : column.toUpperCase()))
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
