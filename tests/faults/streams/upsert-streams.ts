/** The streams of the mode upsert: by a version, a text key; by order, a key of two columns and the history kept. Both delete. */
import { cents, type ModelStream, notes, withDecimals, withZeros } from "./model-stream.ts";
import { boolean, date, integer, numeric, optional, required, text, withDefault } from "./rules.ts";

export const upsertSchema = `
    create table public.offers (
        item text primary key,
        revision numeric(8, 2),
        price numeric(8, 2),
        withdrawn boolean not null default false,
        note text
    );
    create table trade.stocks (
        place text not null,
        item integer not null,
        quantity integer constraint quantity_not_negative check (quantity >= 0),
        counted_on date,
        note text,
        primary key (place, item)
    );`;

const offers: ModelStream = {
    name: "offers",
    prefix: "offers-",
    table: "offers",
    mode: {
        ...{ name: "upsert", version: "revision", keepsHistory: false },
        deletes: ({ withdrawn }) => withdrawn === "true",
    },
    settings: { mode: "upsert", version: "revision", deleteWhen: "withdrawn" },
    rules: {
        item: required(text()),
        // The column may be null; a version may not.
        revision: required(numeric(8, 2)),
        price: optional(numeric(8, 2)),
        withdrawn: withDefault("false", boolean),
        note: optional(text()),
    },
    keys: ["item"],
    derived: null,
    checks: {},
    parent: null,
    last: ["item", "note"],
    fill: (random) => ({
        item: `${random.pick(["tea", "jam", "Öl"])}-${random.between(1, 60)}`,
        revision: String(random.between(1, 60) / 4),
        price: random.chance(0.3) ? "" : cents(random),
        withdrawn: random.chance(0.15) ? "true" : random.pick(["", "f", "false"]),
        note: random.pick(notes),
    }),
    spoils: [
        ["item", ""],
        ["revision", ""],
        ["revision", "1.234"],
        ["revision", "two"],
        ["revision", "1234567"],
        ["price", "0.999"],
        ["withdrawn", "tr"],
    ],
    respell: { revision: (value) => withZeros(withDecimals(value)), price: withDecimals },
    written: {},
};

const stocks: ModelStream = {
    name: "stocks",
    prefix: "stocks-",
    table: "trade.stocks",
    mode: { name: "upsert", version: null, keepsHistory: true, deletes: ({ quantity }) => quantity === "0" },
    settings: { mode: "upsert", deleteWhen: "quantity = 0", history: true },
    rules: {
        place: required(text()),
        item: required(integer(32)),
        quantity: optional(integer(32)),
        counted_on: optional(date),
        note: optional(text()),
    },
    keys: ["place", "item"],
    derived: null,
    checks: { quantity_not_negative: ({ quantity }) => quantity === null || !quantity!.startsWith("-") },
    parent: null,
    last: ["place", "note"],
    fill: (random) => ({
        place: random.pick(["A1", "A2", "B7", "C-3", "Köln", "shelf 4", 'the "dark" one', "D, left"]),
        item: String(random.between(1, 25)),
        quantity: random.chance(0.1) ? "" : String(random.below(6)),
        counted_on: random.chance(0.3) ? "" : `2026-0${random.between(1, 9)}-1${random.below(10)}`,
        note: random.pick(notes),
    }),
    spoils: [
        ["place", " "],
        ["item", ""],
        ["item", "2147483648"],
        ["quantity", "-1"],
        ["quantity", "some"],
        ["counted_on", "2026-02-30"],
    ],
    respell: { item: withZeros, quantity: withZeros },
    written: {},
};

export const upsertStreams: readonly ModelStream[] = [offers, stocks];
