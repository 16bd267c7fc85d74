/** The streams of the mode snapshot: a file is the whole table, or all rows of its days. */
import type { Random } from "../../../src/shop/generator/random.ts";
import type { ContentOptions } from "../../support/random-files.ts";
import { cents, type Limit, type ModelStream, notes, withDecimals, withZeros } from "./model-stream.ts";
import { boolean, date, integer, numeric, optional, required, text, withDefault } from "./rules.ts";

export const snapshotSchema = `
    create table trade.prices (
        sku text primary key,
        price numeric(8, 2) not null constraint price_not_negative check (price >= 0),
        listed boolean not null default true,
        note text
    );
    create table public.departures (
        trip integer primary key,
        day date not null,
        seats smallint constraint seats_not_negative check (seats >= 0),
        note text
    );`;

type SourceRecord = Record<string, string>;

const percent =
    (most: number): Limit =>
    (count, of) =>
        count * 100 <= most * of;

const atMost =
    (most: number): Limit =>
    (count) =>
        count <= most;

const skus = 250;
const trips = 300;
const days = ["2026-05-01", "2026-05-02", "2026-05-03", "2026-05-04", "2026-05-05"];

const prices: ModelStream = {
    name: "prices",
    prefix: "prices-",
    table: "trade.prices",
    mode: { name: "snapshot", by: [], mayReject: percent(10), mayRemove: percent(40) },
    settings: { mode: "snapshot", maxRejects: "10%", maxRemoved: "40%" },
    rules: {
        sku: required(text()),
        price: required(numeric(8, 2)),
        listed: withDefault("true", boolean),
        note: optional(text()),
    },
    keys: ["sku"],
    derived: null,
    checks: { price_not_negative: ({ price }) => !price!.startsWith("-") },
    parent: null,
    last: ["sku", "note"],
    fill: (random) => ({
        sku: `s-${random.between(1, skus)}`,
        price: cents(random),
        listed: random.pick(["", "t", "no"]),
        note: random.pick(notes),
    }),
    fillFile(random, source, options) {
        for (let sku = source.length + 1; sku <= skus; sku += 1)
            source.push({ ...this.fill(random, none), sku: `s-${sku}` });
        for (const record of source)
            if (random.chance(0.05)) Object.assign(record, { ...this.fill(random, none), sku: record.sku });
        const share = random.pick([1, 0.95, 0.8]);
        return writeOut(
            random,
            this,
            options,
            source.filter(() => random.chance(share)),
        );
    },
    spoils: [
        ["sku", ""],
        ["price", ""],
        ["price", "-0.01"],
        ["price", "free"],
        ["listed", "maybe"],
    ],
    respell: { price: (value) => withZeros(withDecimals(value)) },
    written: {},
};

const departures: ModelStream = {
    name: "departures",
    prefix: "departures-",
    table: "departures",
    mode: { name: "snapshot", by: ["day"], mayReject: atMost(4), mayRemove: percent(50) },
    settings: { mode: "snapshot", by: ["day"], maxRejects: 4, maxRemoved: "50%" },
    rules: {
        trip: required(integer(32)),
        day: required(date),
        seats: optional(integer(16)),
        note: optional(text()),
    },
    keys: ["trip"],
    derived: null,
    checks: { seats_not_negative: ({ seats }) => seats === null || !seats!.startsWith("-") },
    parent: null,
    last: ["day", "note"],
    fill: (random) => ({
        trip: String(random.between(1, trips)),
        day: random.pick(days),
        seats: random.chance(0.1) ? "" : String(random.below(300)),
        note: random.pick(notes),
    }),
    fillFile(random, source, options) {
        for (let trip = source.length + 1; trip <= trips; trip += 1)
            source.push({ ...this.fill(random, none), trip: String(trip) });
        // One that is given another day moves when a file of that day comes.
        for (const record of source)
            if (random.chance(0.06)) Object.assign(record, { ...this.fill(random, none), trip: record.trip });
        const from = random.below(days.length);
        const ofFile = new Set(days.slice(from, from + random.between(1, 2)));
        return writeOut(
            random,
            this,
            options,
            source.filter(({ day }) => ofFile.has(day!) && random.chance(0.9)),
        );
    },
    spoils: [
        ["trip", ""],
        ["trip", "12a"],
        ["day", "2026-02-30"],
        ["day", ""],
        ["seats", "-1"],
        ["seats", "32768"],
    ],
    respell: { trip: withZeros, seats: withZeros },
    written: {},
};

const none = { orders: 0, readings: 0 };

/** The records of a file: few have a fault, some come twice, and once in a while nearly all are left out. */
function writeOut(
    random: Random,
    { spoils, respell }: ModelStream,
    { records: size, dirty, repeated }: ContentOptions,
    chosen: SourceRecord[],
): SourceRecord[] {
    const written = (size < 3 ? chosen.slice(0, size) : chosen).map((record) => ({ ...record }));
    const again = written.filter(() => random.chance(repeated / 20));
    for (const record of again) {
        const other: SourceRecord = random.chance(0.2) ? { note: "n-5" } : {};
        written.splice(random.below(written.length + 1), 0, { ...record, ...other });
    }
    for (const record of written) {
        for (const [column, respelled] of Object.entries(respell))
            if (record[column] !== "" && random.chance(0.1)) record[column] = respelled(record[column]!);
        if (!random.chance(dirty / 5)) continue;
        const [column, value] = random.pick(spoils);
        record[column] = value;
    }
    const from = random.below(written.length + 1);
    return [...written.slice(from), ...written.slice(0, from)];
}

export const snapshotStreams: readonly ModelStream[] = [prices, departures];
