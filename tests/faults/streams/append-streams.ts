/**
 * The streams of the mode append, whose tables have no key: one by what a declaration need not say, one whose rewritten files come
 * again and whose table lets one record refuse another, one whose copies come again and whose columns may all be empty.
 */
import { cents, type ModelStream, notes, withDecimals, withZeros } from "./model-stream.ts";
import { date, double, instant, integer, numeric, optional, required, text } from "./rules.ts";

export const appendSchema = `
    create table public.hits (
        seen_at timestamptz not null,
        page text not null,
        ms integer constraint ms_not_negative check (ms >= 0),
        note text
    );
    create table trade.deposits (
        id bigint generated always as identity primary key,
        account text not null,
        amount numeric(8, 2) not null,
        booked_on date,
        voucher integer constraint voucher_once unique,
        note text
    );
    create table public.probes (probe text, value double precision, note text);`;

const hits: ModelStream = {
    name: "hits",
    prefix: "hits-",
    table: "hits",
    mode: { name: "append", rewritten: "refuse", copies: "skip", once: null },
    settings: { mode: "append" },
    rules: {
        seen_at: required(instant),
        page: required(text()),
        ms: optional(integer(32)),
        note: optional(text()),
    },
    keys: [],
    derived: null,
    checks: { ms_not_negative: ({ ms }) => ms === null || !ms!.startsWith("-") },
    parent: null,
    last: ["page", "note"],
    fill: (random) => ({
        seen_at: `2026-03-01 10:00:0${random.below(10)}`,
        page: random.pick(["/", "/home", "/käse", "/a, b"]),
        ms: random.chance(0.2) ? "" : String(random.below(20)),
        note: random.pick(notes),
    }),
    spoils: [
        ["seen_at", ""],
        ["seen_at", "2026-02-30 10:00:00"],
        ["page", " "],
        ["ms", "-1"],
        ["ms", "fast"],
        ["ms", "2147483648"],
    ],
    respell: { ms: withZeros },
    written: { seen_at: `to_char(seen_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')` },
};

const deposits: ModelStream = {
    name: "deposits",
    prefix: "deposits-",
    table: "trade.deposits",
    mode: {
        ...{ name: "append", rewritten: "again", copies: "skip" },
        once: { column: "voucher", index: "voucher_once" },
    },
    settings: { mode: "append", rewritten: "again" },
    rules: {
        account: required(text()),
        amount: required(numeric(8, 2)),
        booked_on: optional(date),
        voucher: optional(integer(32)),
        note: optional(text()),
    },
    keys: [],
    derived: null,
    checks: {},
    parent: null,
    last: ["account", "note"],
    fill: (random) => ({
        account: random.pick(["DE-1", "DE-22", "Köln 3"]),
        amount: cents(random),
        booked_on: random.chance(0.3) ? "" : `2026-0${random.between(1, 9)}-1${random.below(10)}`,
        // Each that was taken before is found by trial.
        voucher: random.chance(0.1) ? String(random.below(10_000)) : "",
        note: random.pick(notes),
    }),
    spoils: [
        ["account", ""],
        ["amount", "1.234"],
        ["amount", "1234567"],
        ["booked_on", "2026-02-30"],
        ["voucher", "12a"],
    ],
    respell: { amount: (value) => withZeros(withDecimals(value)), voucher: withZeros },
    written: {},
};

const probes: ModelStream = {
    name: "probes",
    prefix: "probes-",
    table: "probes",
    mode: { name: "append", rewritten: "refuse", copies: "again", once: null },
    settings: { mode: "append", copies: "again" },
    rules: { probe: optional(text()), value: optional(double), note: optional(text()) },
    keys: [],
    derived: null,
    checks: {},
    parent: null,
    last: ["probe", "note"],
    fill: (random) => ({
        probe: random.pick(["", "p-1", "Fühler"]),
        // One of them at least: a line of empty values is no record.
        value: String(random.between(-9, 9) / 8),
        note: random.pick(notes),
    }),
    spoils: [
        ["value", "warm"],
        ["value", "1,5"],
    ],
    respell: { value: withDecimals },
    written: {},
};

export const appendStreams: readonly ModelStream[] = [hits, deposits, probes];
