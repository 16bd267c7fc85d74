/**
 * Records that look suspicious and are valid: the harmless neighbours of dirty ones.
 *
 * All texts are byte strings: one character per byte, UTF-8 already encoded.
 */
import { type EventRecord, formatTimestamp, quote, type RecordValues, toLine, toValues } from "./event-record.ts";
import type { Random } from "./random.ts";

function toByteString(text: string): string {
    return Buffer.from(text, "utf8").toString("latin1");
}

/*
 * Every opening quote is followed by a letter or a digit. So the unclosed quote of a dirty record can't pair with it,
 * and costs one line as intended.
 */
const awkwardUsers: ((userId: string) => string)[] = [
    (userId) => `${userId}, second account`,
    (userId) => `${userId}\nmoved`,
    (userId) => `${userId}\r\nmoved`,
    (userId) => `${userId} "the first"`,
    (userId) => toByteString(`${userId} Zoë Łukasz 🛒`),
    (userId) => `${userId}'; drop table events; --`,
    (userId) => `${userId}\n\\.\nmoved`,
];

/** Another value where the rules allow it: a duplicate of the result has to repeat it. */
export function makeValuesAwkward(random: Random, record: EventRecord): EventRecord {
    if (record.eventType !== "purchase" && random.chance(0.3)) return { ...record, quantity: "", price: "" };
    return { ...record, userId: random.pick(awkwardUsers)(record.userId) };
}

const awkwardLines: ((values: RecordValues, record: EventRecord) => string)[] = [
    ([eventId, ...others]) => toLine([eventId.toUpperCase(), ...others]),
    (values) => `${values.map(quote).join(",")}\n`,
    (values) => toLine(values.map((value) => ` ${value}\t`)),
    (values) => toLine(values.with(4, values[4].replace(" ", "T").concat("Z"))),
    (values) => toLine(values.with(4, `${values[4]}.000000`)),
    (values, { eventSeconds }) => toLine(values.with(4, `${formatTimestamp(eventSeconds + 7_200)}+02:00`)),
    (values, { eventSeconds }) => toLine(values.with(4, `${formatTimestamp(eventSeconds + 5_400)}+0130`)),
    (values) => toLine(values.with(6, withMoreZeros(values[6]))),
    (values) => toLine(values).replace(/\n$/, "\r\n"),
    (values) => `\n${toLine(values)}`,
];

/** Another spelling of the same typed values. May begin with a blank line, which is no record. */
export function toAwkwardLine(random: Random, record: EventRecord): string {
    return random.pick(awkwardLines)(toValues(record), record);
}

function withMoreZeros(price: string): string {
    if (price === "") return price;
    return price.includes(".") ? `${price}0` : `${price}.000`;
}
