/**
 * Records of the model: each is made together with what must become of it, by the rules of docs/data_contract.md. So the
 * model knows because it made them; it reads no CSV and asks nobody.
 */
import type { Random } from "../../../src/shop/generator/random.ts";

/** The seven columns as the table types them, and the attributes sorted by name, as JSON: equal exactly when they are. */
export type TypedContent = string;

export type Fate =
    | { kind: "valid"; eventId: string; content: TypedContent; record: RawRecord | null }
    /** `record`: the raw values that a reject keeps; null when the line could not be split, then `rawText` is its text. */
    | { kind: "rejected"; reasons: string[]; record: RawRecord | null; rawText: string | null };

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
const products = ["p-1", "p,2", 'p "3"', "p\n4", "héma", "🙂", "p-7", "p-8"];
const startOf2024 = Date.UTC(2024, 0, 1) * 1000;
const oneYear = 365 * 86_400 * 1_000_000;

export function isKnown(column: string): column is KnownColumn {
    return (knownColumns as readonly string[]).includes(column.toLowerCase());
}

export function makeRecord(random: Random, style: FileStyle, pool: RecordPool): MadeRecord {
    if (random.chance(style.dirty)) return makeDirtyRecord(random, style, pool);
    const event = makeEvent(random, style, pool);
    pool.events.push(event);
    return writeRecord(random, style, event, {});
}

function makeEvent(random: Random, { columns, quotes, repeated }: FileStyle, { events }: RecordPool): Event {
    const has = (column: KnownColumn) => columns.some((name) => name.toLowerCase() === column);
    const isPlain = quotes === "broken";
    const first = events.length > 0 && random.chance(repeated) ? random.pick(events) : null;
    const fresh: Event = {
        eventId: first?.eventId ?? random.uuid(),
        eventType: random.pick(eventTypes),
        productId: random.pick(isPlain ? products.filter((product) => !/[,"\n]/.test(product)) : products),
        userId: `u-${random.below(50)}`,
        micros: startOf2024 + Math.floor(random.fraction() * oneYear),
        quantity: has("quantity") && random.chance(0.8) ? random.below(100) : null,
        cents: has("price") && random.chance(0.8) ? random.below(1_000_000) : null,
        attributes: columns
            .filter((column) => !isKnown(column) && random.chance(0.7))
            // White space around it is part of it.
            .map((column): [string, string] => [column, random.pick([`v${random.below(9)}`, "v1", " v1\t", "  "])])
            .sort(([a], [b]) => (a < b ? -1 : 1)),
    };
    if (first === null || random.chance(0.4)) return fresh;
    // The same again, as far as this file's columns can say it: else it is a rival after all.
    return {
        ...first,
        productId: isPlain && /[,"\n]/.test(first.productId) ? fresh.productId : first.productId,
        quantity: has("quantity") ? first.quantity : null,
        cents: has("price") ? first.cents : null,
        attributes: first.attributes.filter(([name]) => columns.includes(name)),
    };
}

/** `instead`: raw texts in the place of what the event says. */
function writeRecord(
    random: Random,
    style: FileStyle,
    event: Event,
    instead: Partial<Record<KnownColumn, BadValue>>,
): MadeRecord {
    const raw = rawValues(random, style, event, instead);
    const fields = raw.map((value) => {
        const needsQuotes = /[,"\n]/.test(value);
        const isQuoted = needsQuotes || (style.quotes === "some" && value !== "" && random.chance(0.1));
        return isQuoted ? `"${value.replaceAll('"', '""')}"` : value;
    });
    const reasons = knownColumns.flatMap((column) => instead[column]?.reason ?? []);
    const bytes = Buffer.from(fields.join(","));
    const record = rawRecord(style, raw);
    if (reasons.length > 0) return { bytes, fate: { kind: "rejected", reasons, record, rawText: null } };
    return { bytes, fate: { kind: "valid", eventId: event.eventId, content: typedContent(event), record } };
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
        return isPadded && value !== "" && random.chance(0.3) ? `${random.pick([" ", "\t", "  "])}${value} ` : value;
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

function writeTimestamp(random: Random, micros: number): string {
    const offsetMinutes = random.pick([null, 0, 120, -330]);
    const seconds = Math.floor(micros / 1_000_000) + (offsetMinutes ?? 0) * 60;
    const local = new Date(seconds * 1000)
        .toISOString()
        .slice(0, 19)
        .replace("T", random.pick(["T", " "]));
    const decimals = String(micros % 1_000_000).padStart(6, "0");
    const zones: Record<string, string[]> = {
        null: [""],
        "0": ["Z", "+00"],
        "120": ["+02", "+0200", "+02:00"],
        "-330": ["-05:30"],
    };
    return `${local}.${decimals}${random.pick(zones[String(offsetMinutes)]!)}`;
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
    const record: RawRecord = Object.fromEntries(knownColumns.map((column) => [column, null]));
    for (const [index, column] of columns.entries()) {
        const value = raw[index]!;
        if (isKnown(column)) record[column.toLowerCase()] = value === "" ? null : value;
        else if (value !== "") record[column] = value;
    }
    return record;
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
        ["event_id_invalid", [`{${id}}`, id.replaceAll("-", ""), "no-uuid", `${id}0`]],
    ],
    event_type: [
        ["event_type_missing", [""]],
        ["event_type_unknown", ["wish", "View", "purchases"]],
    ],
    product_id: [
        ["product_id_missing", [""]],
        ["product_id_too_long", ["p".repeat(101)]],
    ],
    user_id: [
        ["user_id_missing", [""]],
        ["user_id_too_long", ["é".repeat(101)]],
    ],
    event_timestamp: [
        ["event_timestamp_missing", [""]],
        ["event_timestamp_invalid", ["2026-02-30 10:00:00", "yesterday", "2024-05-01", "2024-05-01 24:00:00"]],
        ["event_timestamp_too_precise", ["2024-05-01 10:00:00.1234567"]],
        ["event_timestamp_too_early", ["1969-12-31 23:59:59", "1970-01-01 00:30:00+02:00"]],
        ["event_timestamp_in_future", ["9999-12-31 00:00:00"]],
    ],
    quantity: [
        ["quantity_invalid", ["2.0", "1e3", "many"]],
        ["quantity_negative", ["-2"]],
        ["quantity_out_of_range", ["2147483648"]],
    ],
    price: [
        ["price_invalid", ["1e3", "$5", "NaN"]],
        ["price_negative", ["-0.01"]],
        ["price_too_precise", ["12.345"]],
        ["price_out_of_range", ["100000000"]],
    ],
};

/** docs/data_contract.md, "Reasons of the text": how a good line is spoilt. */
const spoilers: Record<string, (line: string, random: Random, style: FileStyle) => Buffer> = {
    too_few_fields(line) {
        const short = line.split(",").slice(0, 2).join(",");
        // With nothing but delimiters it would be a blank line.
        return Buffer.from(/[^,\s]/.test(short) ? short : "p,u");
    },
    too_many_fields: (line) => Buffer.from(`${line},more`),
    nul_byte: (line, random) => insert(line, random, 0x00),
    invalid_utf8: (line, random) => insert(line, random, 0xff),
    record_too_long: (line, _, { maxRecordBytes }) => Buffer.from(line + "x".repeat(maxRecordBytes)),
    stray_quote: (line) => Buffer.from(line.replace("u-", 'u"')),
    unclosed_quote: (line) => Buffer.from(line.replace(/(^|,)(?=u-)/, '$1"')),
};

function insert(line: string, random: Random, byte: number): Buffer {
    // Between two characters: a cut character would be a second fault.
    const at = Buffer.byteLength([...line].slice(0, random.below([...line].length)).join(""));
    const bytes = Buffer.from(line);
    return Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(at)]);
}

function makeDirtyRecord(random: Random, style: FileStyle, pool: RecordPool): MadeRecord {
    const event = makeEvent(random, style, pool);
    if (random.chance(0.7)) {
        const present = knownColumns.filter((known) => style.columns.some((name) => name.toLowerCase() === known));
        const instead: Partial<Record<KnownColumn, BadValue>> = {};
        for (let count = random.chance(0.2) ? 2 : 1; count > 0; count -= 1) {
            const column = random.pick(present);
            const [reason, texts] = random.pick(badValues[column]);
            instead[column] = { reason, text: random.pick(texts) };
        }
        return writeRecord(random, style, event, instead);
    }
    // Without quotes and white space, so that the line is spoilt in one way only.
    const plain = { ...event, productId: "p-1", userId: `u-${random.below(50)}` };
    const line = writeRecord(random, { ...style, quotes: "broken", isPadded: false }, plain, {}).bytes.toString();
    const needsBroken = ["stray_quote", "unclosed_quote"];
    const reason = random.pick(
        Object.keys(spoilers).filter((name) => style.quotes === "broken" || !needsBroken.includes(name)),
    );
    const spoilt = spoilers[reason]!(line, random, style);
    const isText = reason !== "nul_byte" && reason !== "invalid_utf8";
    const rawText = isText ? spoilt.toString() : null;
    return { bytes: spoilt, fate: { kind: "rejected", reasons: [reason], record: null, rawText } };
}
