/**
 * Random records, each made together with what must become of it, by the rules of docs/data_contract.md. A test knows
 * because it made them; it reads no CSV and asks nobody.
 */
import type { Random } from "../../src/shop/generator/random.ts";
import type { Dialect } from "../../src/streams/dialect.ts";

/** The seven columns as the table types them, and the attributes sorted by name, as JSON: equal exactly when they are. */
export type TypedContent = string;

/** `parent`: the key of the row that it needs in another table, for streams that have a foreign key. */
export type Fate =
    | { kind: "valid"; eventId: string; content: TypedContent; record: RawRecord | null; parent?: string | null }
    /** `record`: the raw values that a reject keeps; null when the line could not be split, then `rawText` is its text. */
    | { kind: "rejected"; reasons: string[]; record: RawRecord | null; rawText: string | null; parent?: string | null };

/** By column, as they stand in the file. */
export type RawRecord = Record<string, string | null>;

export interface MadeRecord {
    /** Without its line end. */
    bytes: Buffer;
    fate: Fate;
}

/** How a file writes its records. `broken`: it has lines with stray or unclosed quotes, and so no quoted values. */
export interface FileStyle {
    /** Known and unknown columns, as the header spells them, in its order. */
    columns: string[];
    dialect: Dialect;
    quotes: "some" | "broken";
    isPadded: boolean;
    /** Share of records that a rule refuses. */
    dirty: number;
    /** Share of records that repeat an id: with the same content, or with another. */
    repeated: number;
    /** A record with this many bytes more than the limit is refused. */
    maxRecordBytes: number;
}

/** One event, as typed values. */
interface Event {
    eventId: string;
    eventType: string;
    productId: string;
    userId: string;
    /** Microseconds since 1970. */
    micros: number;
    quantity: number | null;
    /** Hundredths. */
    cents: number | null;
    attributes: [name: string, value: string][];
}

/** The records made so far: repeated ids come from here. */
export interface RecordPool {
    events: Event[];
}

const knownColumns = [
    "event_id",
    "event_type",
    "product_id",
    "user_id",
    "event_timestamp",
    "quantity",
    "price",
] as const;
export type KnownColumn = (typeof knownColumns)[number];

const eventTypes = ["view", "add_to_cart", "remove_from_cart", "purchase"];
const products = [
    ...["p-7", "p-8", "héma", "Ünï 日本 🙂", "é".repeat(100), "'q'", "x;y|z", "tab\there", "\u0001\u001f"],
    ...["a\\b", "\\N", "\\.", "\\", "p,2", 'p "3"', "p\n4", "two\r\nlines", "a\rb"],
];
/** On PostgreSQL 15, COPY takes such a line for the end of data: such a record is parsed. */
const endMarker = "p\n\\.\n";
const texts = ["v1", "v2", " v1\t", "  ", '{"a":1}', "null", "\\N", "a\\\\b\\t", "ü", "x\ny", "0"];
const startOf2024 = Date.UTC(2024, 0, 1) * 1000;
const secondsOfAYear = 365 * 86_400;

export function isKnown(column: string): column is KnownColumn {
    return (knownColumns as readonly string[]).includes(column.toLowerCase());
}

export function makeRecord(random: Random, style: FileStyle, pool: RecordPool): MadeRecord {
    if (random.chance(style.dirty)) return makeDirtyRecord(random, style, pool);
    const event = makeEvent(random, style, pool);
    pool.events.push(event);
    return writeRecord(random, style, event, {});
}

function makeEvent(random: Random, style: FileStyle, { events }: RecordPool): Event {
    const { columns, quotes, repeated } = style;
    const has = (column: KnownColumn) => columns.some((name) => name.toLowerCase() === column);
    const isFit = (value: string) => quotes === "some" || !needsQuotes(style, value);
    const first = events.length > 0 && random.chance(repeated) ? random.pick(events) : null;
    const pickFit = (values: string[]): string => {
        const value = random.pick(values);
        return isFit(value) ? value : pickFit(values);
    };
    const common = random.chance(0.3) ? "p-1" : pickFit(products);
    const fresh: Event = {
        eventId: first?.eventId ?? random.uuid(),
        eventType: random.pick(eventTypes),
        productId: isFit(endMarker) && random.chance(0.002) ? endMarker.trim() : common,
        userId: `u-${random.below(50)}`,
        micros: random.chance(0.01) ? 0 : makeMicros(random),
        quantity: has("quantity") && random.chance(0.8) ? random.pick([0, 1, 7, 99, 2_147_483_647]) : null,
        cents: has("price") && random.chance(0.8) ? random.pick([0, 50, 9_999_999_999, random.below(1_000_000)]) : null,
        attributes: columns
            .filter((column) => !isKnown(column) && random.chance(0.7))
            // White space around it is part of it.
            .map((column): [string, string] => [column, pickFit(texts)])
            .sort(([a], [b]) => (a < b ? -1 : 1)),
    };
    if (first === null || random.chance(0.4)) return fresh;
    // The same again, as far as this file's columns can say it: else it is a rival after all.
    return {
        ...first,
        productId: isFit(first.productId) ? first.productId : fresh.productId,
        quantity: has("quantity") ? first.quantity : null,
        cents: has("price") ? first.cents : null,
        attributes: first.attributes.filter(([name, value]) => columns.includes(name) && isFit(value)),
    };
}

/** Most are whole seconds, as in most files. */
function makeMicros(random: Random): number {
    const seconds = Math.floor(random.fraction() * secondsOfAYear) * 1_000_000;
    return startOf2024 + seconds + random.pick([0, 0, 500_000, 999_999, random.below(1_000_000)]);
}

/** `instead`: raw texts in the place of what the event says. */
function writeRecord(
    random: Random,
    style: FileStyle,
    event: Event,
    instead: Partial<Record<KnownColumn, BadValue>>,
): MadeRecord {
    const raw = rawValues(random, style, event, instead);
    const fields = raw.map((value) => writeField(random, style, value));
    const reasons = knownColumns.flatMap((column) => instead[column]?.reason ?? []);
    const bytes = Buffer.from(fields.join(style.dialect.delimiter));
    const record = rawRecord(style, raw);
    if (reasons.length > 0) return { bytes, fate: { kind: "rejected", reasons, record, rawText: null } };
    return { bytes, fate: { kind: "valid", eventId: event.eventId, content: typedContent(event), record } };
}

function needsQuotes({ dialect: { delimiter, quote } }: FileStyle, value: string): boolean {
    return isSplitting(value, delimiter) || value.includes(quote!);
}

function isSplitting(value: string, delimiter: string): boolean {
    return value.includes(delimiter) || value.includes("\n") || value.includes("\r");
}

/** A value as a field: quoted where it must be, or all the same; in loose dialects also as they allow. */
function writeField(random: Random, style: FileStyle, value: string): string {
    const { delimiter, quote, hasLenientQuotes, trimsQuoted } = style.dialect;
    const mayStand = hasLenientQuotes && !isSplitting(value, delimiter) && !value.trimStart().startsWith(quote!);
    const mayBeQuoted = style.quotes === "some" && value !== "" && random.chance(0.1);
    const isBare = !needsQuotes(style, value) || (mayStand && random.chance(0.5));
    if (isBare && !mayBeQuoted) return value;
    const blanks = () => (trimsQuoted ? random.pick(["", "", " ", "  "]) : "");
    return blanks() + inQuotes(value, style.dialect) + blanks();
}

export function inQuotes(value: string, { quote, escape: escapeMark }: Dialect): string {
    const escaped = escapeMark === quote ? value : value.replaceAll(escapeMark!, () => escapeMark! + escapeMark!);
    return quote + escaped.replaceAll(quote!, () => escapeMark! + quote!) + quote;
}

function rawValues(
    random: Random,
    { columns, isPadded }: FileStyle,
    event: Event,
    instead: Partial<Record<KnownColumn, BadValue>>,
): string[] {
    const attributes = new Map(event.attributes);
    return columns.map((column) => {
        const name = column.toLowerCase() as KnownColumn;
        if (!isKnown(column)) return attributes.get(column) ?? "";
        const value = instead[name]?.text ?? writeValue(random, name, event);
        return isPadded && value !== "" && random.chance(0.3) ? `${random.pick([" ", "\t", "\f\v"])}${value} ` : value;
    });
}

/** One of the spellings that mean the value. */
function writeValue(random: Random, column: KnownColumn, event: Event): string {
    switch (column) {
        case "event_id":
            return random.chance(0.2) ? event.eventId.toUpperCase() : event.eventId;
        case "event_type":
            return event.eventType;
        case "product_id":
            return event.productId;
        case "user_id":
            return event.userId;
        case "event_timestamp":
            return writeTimestamp(random, event.micros);
        case "quantity":
            return event.quantity === null ? "" : `${random.chance(0.1) ? "00" : ""}${event.quantity}`;
        case "price":
            return event.cents === null ? "" : writePrice(random, event.cents);
    }
}

const zones: Record<number, string[]> = {
    0: ["", "", "", "Z", "+00"],
    120: ["+02", "+0200", "+02:00"],
    959: ["+15:59"],
    [-330]: ["-05:30"],
    [-690]: ["-1130"],
};

function writeTimestamp(random: Random, micros: number): string {
    const offsetMinutes = random.pick([0, 0, 0, ...Object.keys(zones).map(Number)]);
    const seconds = Math.floor(micros / 1_000_000) + offsetMinutes * 60;
    const local = new Date(seconds * 1000)
        .toISOString()
        .slice(0, 19)
        .replace("T", random.pick(["T", " ", " ", " "]));
    const decimals = String(micros % 1_000_000).padStart(6, "0");
    const shortest = decimals.replace(/0+$/, "");
    const written = random.pick([shortest, shortest, shortest, decimals, `${decimals}000`]);
    return `${local}${written && `.${written}`}${random.pick(zones[offsetMinutes]!)}`;
}

function writePrice(random: Random, cents: number): string {
    const text = `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;
    if (random.chance(0.1)) return `0${text}0`;
    return cents % 10 === 0 && random.chance(0.5) ? text.slice(0, -1) : text;
}

function typedContent(event: Event): TypedContent {
    const second = Math.floor(event.micros / 1_000_000);
    const decimals = String(event.micros % 1_000_000).padStart(6, "0");
    return JSON.stringify([
        event.eventId,
        event.eventType,
        event.productId,
        event.userId,
        `${new Date(second * 1000).toISOString().slice(0, 19)}.${decimals}Z`,
        event.quantity === null ? null : String(event.quantity),
        event.cents === null ? null : `${Math.floor(event.cents / 100)}.${String(event.cents % 100).padStart(2, "0")}`,
        event.attributes.length === 0 ? null : event.attributes,
    ]);
}

/** As a reject keeps it: the known columns as they stand in the file, the others too, without empty ones. */
function rawRecord({ columns }: FileStyle, raw: string[]): RawRecord {
    const known = knownColumns.map((column) => {
        const value = raw[columns.findIndex((name) => name.toLowerCase() === column)] ?? "";
        return [column, value === "" ? null : value] as const;
    });
    const others = columns
        .map((column, index) => [column, raw[index]!] as const)
        .filter(([column, value]) => !isKnown(column) && value !== "");
    return Object.fromEntries<string | null>([...known, ...others]);
}

interface BadValue {
    text: string;
    reason: string;
}

const id = "6f1c7b9e-53f0-4a58-9d0e-4b3c0a9f1d22";
/** docs/data_contract.md, "Reasons of the rules". */
const badValues: Record<KnownColumn, [reason: string, texts: string[]][]> = {
    event_id: [
        ["event_id_missing", [""]],
        [
            "event_id_invalid",
            [`{${id}}`, id.replaceAll("-", ""), "no-uuid", `${id}0`, id.replace(/.$/, "g"), "6f1c-53f0"],
        ],
    ],
    event_type: [
        ["event_type_missing", [""]],
        ["event_type_unknown", ["wish", "View", "purchases", "view\u00a0", "null"]],
    ],
    product_id: [
        ["product_id_missing", [""]],
        ["product_id_too_long", ["p".repeat(101), "🙂".repeat(101)]],
    ],
    user_id: [
        ["user_id_missing", [""]],
        ["user_id_too_long", ["é".repeat(101)]],
    ],
    event_timestamp: [
        ["event_timestamp_missing", [""]],
        [
            "event_timestamp_invalid",
            [
                ...["yesterday", "now", "infinity", "2024-05-01", "2024-1-2 3:4:5", "01/02/2024 00:00:00"],
                ...["2026-02-30 10:00:00", "2024-13-01 00:00:00", "2024-05-01 24:00:00", "2024-05-01 00:00:60"],
                ...["", " epoch", " PM", " BC", " America/New_York"].map((end) => `2024-05-01 03:04:05.${end}`),
                ...["+16", "+0160"].map((offset) => `2024-05-01 03:04:05${offset}`),
            ],
        ],
        ["event_timestamp_too_precise", ["2024-05-01 10:00:00.1234567"]],
        ["event_timestamp_too_early", ["1969-12-31 23:59:59", "1970-01-01 00:30:00+02:00"]],
        ["event_timestamp_in_future", ["9999-12-31 00:00:00"]],
    ],
    quantity: [
        ["quantity_invalid", ["2.0", "1e3", "many", "+1", "0x1F", "1_000", "NaN", "٣"]],
        ["quantity_negative", ["-2"]],
        ["quantity_out_of_range", ["2147483648", "99999999999999999999"]],
    ],
    price: [
        ["price_invalid", ["1e3", "$5", "NaN", ".5", "5.", ".", "1.2.3", "Infinity"]],
        ["price_negative", ["-0.01"]],
        ["price_too_precise", ["12.345"]],
        ["price_out_of_range", ["100000000"]],
    ],
};

/** docs/data_contract.md, "Reasons of the text": how a good line is spoilt. */
const spoilers: Record<string, (line: string, random: Random, style: FileStyle) => Buffer> = {
    too_few_fields(line, _, { dialect: { delimiter } }) {
        const short = line.split(delimiter).slice(0, 2).join(delimiter);
        // A line of nothing but delimiters would be a blank one.
        return Buffer.from(/[\p{L}\p{N}]/u.test(short) ? short : `p${delimiter}u`);
    },
    too_many_fields: (line, _, { dialect: { delimiter } }) => Buffer.from(`${line}${delimiter}more`),
    nul_byte: (line, random) => insert(line, random, 0x00),
    invalid_utf8: (line, random) => insert(line, random, 0xff),
    record_too_long: (line, _, { maxRecordBytes }) => Buffer.from(line + "x".repeat(maxRecordBytes)),
    stray_quote: (line, _, { dialect: { quote } }) => Buffer.from(line.replace("u-", `u${quote}`)),
    unclosed_quote: (line, _, { dialect: { delimiter, quote } }) => {
        const at = line.startsWith("u-") ? 0 : line.indexOf(`${delimiter}u-`) + 1;
        return Buffer.from(line.slice(0, at) + quote + line.slice(at));
    },
};

function insert(line: string, random: Random, byte: number): Buffer {
    // Between two characters: a cut character would be a second fault.
    const at = Buffer.byteLength([...line].slice(0, random.below([...line].length)).join(""));
    const bytes = Buffer.from(line);
    return Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(at)]);
}

function makeDirtyRecord(random: Random, style: FileStyle, pool: RecordPool): MadeRecord {
    if (random.chance(0.7)) {
        const present = knownColumns.filter((known) => style.columns.some((name) => name.toLowerCase() === known));
        const instead: Partial<Record<KnownColumn, BadValue>> = {};
        for (let count = random.chance(0.2) ? 2 : 1; count > 0; count -= 1) {
            const column = random.pick(present);
            const [reason, texts] = random.pick(badValues[column]);
            instead[column] = { reason, text: random.pick(texts) };
        }
        return writeRecord(random, style, makeEvent(random, style, pool), instead);
    }
    // Without quotes and white space, so that the line is spoilt in one way only.
    const bare: FileStyle = { ...style, quotes: "broken", isPadded: false };
    const line = writeRecord(random, bare, makeEvent(random, bare, pool), {}).bytes.toString();
    const needsBroken = ["stray_quote", "unclosed_quote"];
    const mayBreak = style.quotes === "broken" && !style.dialect.hasLenientQuotes;
    const reason = random.pick(Object.keys(spoilers).filter((name) => mayBreak || !needsBroken.includes(name)));
    const spoilt = spoilers[reason]!(line, random, style);
    const isText = reason !== "nul_byte" && reason !== "invalid_utf8";
    const rawText = isText ? spoilt.toString() : null;
    return { bytes: spoilt, fate: { kind: "rejected", reasons: [reason], record: null, rawText } };
}
