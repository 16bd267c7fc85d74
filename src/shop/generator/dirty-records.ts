/**
 * Records that the rules reject: one function per kind of dirt, each of which is wrong for every record it is given.
 *
 * Texts are byte strings, as in awkward-records.ts.
 */
import { columns, type RecordValues, toLine } from "./event-record.ts";
import type { Random } from "./random.ts";

type Dirt = (values: RecordValues, random: Random) => string;

const toSeconds = (values: RecordValues) => Date.parse(`${values[4].replace(" ", "T")}Z`) / 1000;

/** Puts another text in place of one value. */
function spoil(column: string, toText: (value: string, random: Random, values: RecordValues) => string): Dirt {
    const place = columns.indexOf(column);
    return (values, random) => toLine(values.with(place, toText(values[place]!, random, values)));
}

function spoilWith(column: string, texts: readonly string[]): Dirt {
    return spoil(column, (_, random) => random.pick(texts));
}

/** Replaces the record's line by another, which need not be CSV. */
const spoilLine =
    (toText: (line: string, random: Random) => string): Dirt =>
    (values, random) =>
        `${toText(toLine(values).slice(0, -1), random)}\n`;

export const dirt: Readonly<Record<string, Dirt>> = {
    missingEventId: spoilWith("event_id", ["", "  "]),
    badEventId: spoil("event_id", (eventId, random) =>
        random.pick([
            eventId.slice(0, -1),
            eventId.replaceAll("-", ""),
            `{${eventId}}`,
            `x${eventId.slice(1)}`,
            "NULL",
        ]),
    ),
    missingEventType: spoilWith("event_type", [""]),
    unknownEventType: spoilWith("event_type", ["click", "refund", "wishlist", "null"]),
    missingProductId: spoilWith("product_id", ["", "\t"]),
    longProductId: spoil("product_id", (productId) => productId.padEnd(101, "x")),
    missingUserId: spoilWith("user_id", [""]),
    longUserId: spoil("user_id", (userId) => userId.padEnd(300, "x")),
    missingTimestamp: spoilWith("event_timestamp", [""]),
    impossibleDate: spoilWith("event_timestamp", [
        "2024-02-30 10:00:00",
        "2023-02-29 10:00:00",
        "2024-13-01 10:00:00",
        "2024-00-10 10:00:00",
        "2024-04-31 10:00:00",
        "2024-05-05 24:00:00",
        "2024-05-05 10:60:00",
        "2024-05-05 10:00:60",
        "1969-12-31 23:59:59",
        "2999-01-01 00:00:00",
    ]),
    foreignTimestamp: spoil("event_timestamp", (timestamp, random, values) =>
        random.pick([
            timestamp.slice(0, 10),
            timestamp.slice(0, 16),
            String(toSeconds(values)),
            `${timestamp} PM`,
            `${timestamp}.1234567`,
            "05/04/2024 10:00:00",
            "now",
            "infinity",
        ]),
    ),
    negativeQuantity: spoil("quantity", (_, random) => `-${random.between(1, 9)}`),
    badQuantity: spoilWith("quantity", ["1.5", "two", "1e3", "0x1F", "1_000", "99999999999", "NULL"]),
    negativePrice: spoil("price", (price) => (Number(price) > 0 ? `-${price}` : "-9.99")),
    badPrice: spoilWith("price", ["free", "NaN", "Infinity", "12,50", "$9.99", "1e2", "100000000.00"]),
    tooFinePrice: spoil("price", (_, random) => `${random.between(1, 99)}.125`),
    shortRow: (values, random) => toLine(values.slice(0, random.between(1, 6))),
    longRow: (values, random) => toLine([...values, ...["extra", "fields"].slice(random.below(2))]),
    foreignDelimiter: (values) => `${values.join(";")}\n`,
    strayQuote: spoilLine((line) => line.replace("product", 'pro"duct')),
    textAfterQuote: spoilLine((line) => line.replace(/(product\w+)/, '"$1"x')),
    unclosedQuote: spoilLine((line) => line.replace("user", '"user')),
    nulByte: spoilLine((line) => line.replace("product", "product\0")),
    badUtf8: spoilLine((line, random) =>
        line.replace("user", random.pick(["\xff", "\xc3(", "\xed\xa0\x80", "caf\xe9"])),
    ),
};

const kinds = Object.values(dirt);

/** One rejected record as a CSV line; the kinds are equally frequent. */
export function toDirtyLine(random: Random, values: RecordValues): string {
    return random.pick(kinds)(values, random);
}
