/**
 * The streams of the mixed model, beside events: a text key, a key of two columns whose first one is a foreign key to the
 * other table, a number, and a uuid that no file has. Each comes with the rules of its table, as the model knows them.
 */
import type { Random } from "../../../src/shop/generator/random.ts";
import { type Rule, readText } from "../../support/oracle/read-values.ts";
import type { Fate, RawRecord } from "../../support/random-records.ts";
import { applyRules, date, double, instant, integer, label, numeric, optional, required, text, uuid } from "./rules.ts";

/** What the streams of a schedule have in common: an order may be named before it is made, or never made. */
export interface StreamPool {
    orders: number;
    readings: number;
}

export interface ModelStream {
    name: string;
    /** What the names of its files begin with. */
    prefix: string;
    table: string;
    /** In the order of the table, those of the key first. */
    rules: Record<string, Rule>;
    keys: string[];
    /** The key is made of these columns: no file has it. */
    derived: { key: string; from: string[]; namespace: string } | null;
    /** What the table checks beside the types: by the constraint's name. */
    checks: Record<string, (typed: Record<string, string | null>) => boolean>;
    /** The foreign key, and the reason when the row is not there. */
    parent: { column: string; reason: string } | null;
    /** Only these columns stand last in a file: half a number with decimals is not clear. */
    last: string[];
    /** A new record that its rules accept. */
    fill(random: Random, pool: StreamPool): Record<string, string>;
    /** Values that its rules refuse. */
    spoils: [column: string, value: string][];
    /** The same values in other words. */
    respell: Record<string, (value: string) => string>;
    /** How the model writes a column of the table, where it is not its text. */
    written: Record<string, string>;
}

export const schema = `
    create schema trade;
    create type trade.order_status as enum ('new', 'paid', 'sent');
    create table trade.orders (
        order_no text primary key,
        status trade.order_status not null,
        total numeric(10, 2) not null constraint total_not_negative check (total >= 0),
        placed_on date,
        note text
    );
    create table trade.order_lines (
        order_no text not null references trade.orders,
        line_no integer not null,
        sku varchar(12) not null,
        quantity smallint not null constraint quantity_positive check (quantity > 0),
        price numeric(8, 2),
        note text,
        primary key (order_no, line_no)
    );
    create table public.readings (
        reading_id bigint primary key,
        device text not null,
        value double precision,
        taken_at timestamptz not null,
        note text
    );
    create table trade.visits (
        visit_id uuid primary key,
        page text not null,
        visited_at timestamptz not null,
        seconds integer constraint seconds_not_negative check (seconds >= 0),
        note text
    );`;

const notes = ["", "", "n-1", "n-1", "n-7", "Grüße", "two words", 'say "it"', "a, b"];
const withZeros = (value: string) => value.replace(/^([+-]?)(?=\d)/, "$100");
const withDecimals = (value: string) => (value === "" ? "" : value.includes(".") ? `${value}0` : `${value}.0`);
const writtenAsInstant = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
const cents = (random: Random) => (random.below(1_000_000) / 100).toFixed(2);

const orders: ModelStream = {
    name: "orders",
    prefix: "orders-",
    table: "trade.orders",
    rules: {
        order_no: required(text()),
        status: required(label("new", "paid", "sent")),
        total: required(numeric(10, 2)),
        placed_on: optional(date),
        note: optional(text()),
    },
    keys: ["order_no"],
    derived: null,
    checks: { total_not_negative: ({ total }) => !total!.startsWith("-") },
    parent: null,
    last: ["order_no", "note"],
    fill(random, pool) {
        pool.orders += 1;
        return {
            order_no: `O-${pool.orders}`,
            status: random.pick(["new", "paid", "sent"]),
            total: cents(random),
            placed_on: random.chance(0.2) ? "" : `2026-0${random.between(1, 9)}-1${random.below(10)}`,
            note: random.pick(notes),
        };
    },
    spoils: [
        ["order_no", ""],
        ["status", "lost"],
        ["status", "New"],
        ["total", "12.345"],
        ["total", "123456789.00"],
        ["total", "-0.01"],
        ["total", "NaN"],
        ["placed_on", "2026-02-30"],
        ["placed_on", "today"],
    ],
    respell: { total: (value) => withZeros(withDecimals(value)) },
    written: {},
};

const orderLines: ModelStream = {
    name: "order_lines",
    prefix: "lines-",
    table: "trade.order_lines",
    rules: {
        order_no: required(text()),
        line_no: required(integer(32)),
        sku: required(text(12)),
        quantity: required(integer(16)),
        price: optional(numeric(8, 2)),
        note: optional(text()),
    },
    keys: ["order_no", "line_no"],
    derived: null,
    checks: { quantity_positive: ({ quantity }) => Number(quantity) > 0 },
    parent: { column: "order_no", reason: "order_no_unknown" },
    last: ["order_no", "line_no", "sku", "quantity", "note"],
    fill(random, pool) {
        const isNever = random.chance(0.03);
        return {
            order_no: isNever ? `X-${random.below(9)}` : `O-${random.between(1, pool.orders + 30)}`,
            line_no: String(random.between(1, 9)),
            sku: random.pick(["sku-1", "sku-22", "Käse", "twelve chars"]),
            quantity: String(random.between(1, 32_767)),
            price: random.chance(0.3) ? "" : cents(random),
            note: random.pick(notes),
        };
    },
    spoils: [
        ["order_no", " "],
        ["line_no", "one"],
        ["line_no", "2147483648"],
        ["sku", "thirteen char"],
        ["sku", ""],
        ["quantity", "0"],
        ["quantity", "32768"],
        ["quantity", "1.5"],
        ["price", "0.999"],
        ["price", "1000000"],
    ],
    respell: { line_no: withZeros, quantity: withZeros, price: withDecimals },
    written: {},
};

const readings: ModelStream = {
    name: "readings",
    prefix: "readings-",
    table: "readings",
    rules: {
        reading_id: required(integer(64)),
        device: required(text()),
        value: optional(double),
        taken_at: required(instant),
        note: optional(text()),
    },
    keys: ["reading_id"],
    derived: null,
    checks: {},
    parent: null,
    last: ["reading_id", "device", "note"],
    fill(random, pool) {
        pool.readings += random.between(1, 9);
        return {
            reading_id: String(9_007_199_254_740_000n + BigInt(pool.readings)),
            device: random.pick(["dev-1", "dev-22", "Fühler"]),
            value: random.chance(0.2) ? "" : String(random.between(-99, 99) / 8),
            taken_at: `2026-0${random.between(1, 9)}-1${random.below(10)} 10:00:0${random.below(10)}.25`,
            note: random.pick(notes),
        };
    },
    spoils: [
        ["reading_id", ""],
        ["reading_id", "9223372036854775808"],
        ["reading_id", "12a"],
        ["device", "  "],
        ["value", "warm"],
        ["value", "1,5"],
        ["taken_at", "2026-02-30 10:00:00"],
        ["taken_at", "2026-01-01 10:00:00.1234567"],
        ["taken_at", "now"],
        ["taken_at", ""],
    ],
    respell: { reading_id: withZeros, value: withDecimals, taken_at: (value) => value.replace(" ", "T").concat("Z") },
    written: { taken_at: writtenAsInstant("taken_at") },
};

const visits: ModelStream = {
    name: "visits",
    prefix: "visits-",
    table: "trade.visits",
    rules: {
        visit_id: required(uuid),
        page: required(text()),
        visited_at: required(instant),
        seconds: optional(integer(32)),
        note: optional(text()),
    },
    keys: ["visit_id"],
    derived: { key: "visit_id", from: ["visited_at", "page"], namespace: "5f8c3c4e-0d0a-4b7e-9d67-3a51f3a1c2b4" },
    checks: { seconds_not_negative: ({ seconds }) => seconds === null || !seconds!.startsWith("-") },
    parent: null,
    last: ["page", "note"],
    fill: (random) => ({
        page: random.pick(["/", "/a", "/a/b", "/käse", "/a, b"]),
        visited_at: `2026-0${random.between(1, 9)}-1${random.below(10)} 10:${random.between(10, 59)}:0${random.below(10)}`,
        seconds: random.chance(0.3) ? "" : String(random.below(4_000)),
        note: random.pick(notes),
    }),
    spoils: [
        ["page", ""],
        ["visited_at", ""],
        ["visited_at", "yesterday"],
        ["visited_at", "2026-02-30 10:00:00"],
        ["seconds", "-1"],
        ["seconds", "2147483648"],
        ["seconds", "1.5"],
    ],
    // What the key is made of makes another one in other words.
    respell: { seconds: withZeros },
    written: { visited_at: writtenAsInstant("visited_at") },
};

export const modelStreams: readonly ModelStream[] = [orders, orderLines, readings, visits];

/** The columns that its files have. */
export function fileColumns({ rules, derived }: ModelStream): string[] {
    return Object.keys(rules).filter((column) => column !== derived?.key);
}

/** By docs/column_mapping.md: from the file's values without white space around them; none when all are empty. */
export function withDerivedKey({ derived }: ModelStream, record: Record<string, string>): Record<string, string> {
    if (derived === null) return record;
    const parts = derived.from.map((column) => readText(record[column]!) ?? "");
    const isNone = parts.every((part) => part === "");
    const key = isNone ? "" : Bun.randomUUIDv5(JSON.stringify(parts), derived.namespace);
    return { ...record, [derived.key]: key };
}

/** What becomes of a record; `parent` where the table asks for a row of another one, whatever else is wrong with it. */
export function judge(stream: ModelStream, record: Record<string, string>): Fate {
    const { rules, checks, keys, parent } = stream;
    const raw: RawRecord = record;
    const verdict = applyRules(rules, withDerivedKey(stream, record));
    if ("reasons" in verdict) return { kind: "rejected", reasons: verdict.reasons, record: raw, rawText: null };
    const { typed } = verdict;
    const needs = parent === null ? null : typed[parent.column]!;
    const broken = Object.keys(checks).filter((name) => !checks[name]!(typed));
    if (broken.length > 0) return { kind: "rejected", reasons: broken, record: raw, rawText: null, parent: needs };
    const content = JSON.stringify(Object.keys(rules).map((column) => typed[column]));
    return {
        kind: "valid",
        eventId: JSON.stringify(keys.map((column) => typed[column])),
        content,
        record: raw,
        parent: needs,
    };
}

/**
 * The slice of a key, by the rule that docs/system_architecture.md gives: of its first column, the last digit of a uuid,
 * FNV-1a over the digits but zeros of a number, over the letters, digits and bytes beyond ASCII of a text.
 */
export function sliceOfKey({ rules, keys, derived }: ModelStream, key: string): number {
    const [first] = JSON.parse(key) as [string];
    if (derived !== null) return Number.parseInt(first.at(-1)!, 16);
    const isNumber = Object.hasOwn(rules[keys[0]!]!("x"), "problem");
    let hash = 0x811c9dc5;
    for (const byte of Buffer.from(first)) {
        const character = String.fromCharCode(byte);
        const counts = isNumber ? /[1-9]/.test(character) : byte >= 0x80 || /[a-z0-9]/i.test(character);
        if (counts) hash = Math.imul(hash ^ byte, 0x01000193);
    }
    return (hash ^ (hash >>> 16)) & 15;
}
