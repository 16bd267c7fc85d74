/**
 * The streams of the mode insert, beside events: a text key, a key of two columns whose first one is a foreign key to the
 * other table, a number, and a uuid that no file has.
 */
import { cents, type ModelStream, notes, withDecimals, withZeros } from "./model-stream.ts";
import { date, double, instant, integer, label, numeric, optional, required, text, uuid } from "./rules.ts";

export const insertSchema = `
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

const writtenAsInstant = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

const orders: ModelStream = {
    name: "orders",
    mode: { name: "insert" },
    settings: {},
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
    mode: { name: "insert" },
    settings: {},
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
    mode: { name: "insert" },
    settings: {},
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

const visitKey = { from: ["visited_at", "page"], namespace: "5f8c3c4e-0d0a-4b7e-9d67-3a51f3a1c2b4" };

const visits: ModelStream = {
    name: "visits",
    mode: { name: "insert" },
    settings: { deriveEventId: visitKey },
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
    derived: { key: "visit_id", ...visitKey },
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

export const insertStreams: readonly ModelStream[] = [orders, orderLines, readings, visits];
