/**
 * Tells the records whose ids, times and numbers stand in the commonest form that the rules pass, so that the merge need not
 * check their shape again: in JavaScript, over bytes that have just been read, 0.1 s of CPU a million; in SQL 1.1 s. And tells
 * their time as a number, which the merge would spend 0.6 s a million to read from the text. Pure.
 *
 * It is a shortcut and no rule. Of a plain record sql/events/event_rules.sql passes event_id, event_timestamp (but for how
 * far in the future it lies), quantity and price; the merge judges all else, and whatever is not plain, by the rules. A
 * property test (tests/ingest/is-plain.test.ts) holds the one to the other. Who makes a rule for one of these four
 * stricter makes this stricter too, or the test fails.
 */
import type { EventColumn } from "../../streams/contract.ts";
import type { FileShape } from "../read/file-shape.ts";

/**
 * Of the record [start, end) of `bytes`, which holds no quote, and is plain: the second of its event_timestamp, since 1970.
 * NOT_PLAIN of another.
 */
export type PlainCheck = (bytes: Uint8Array, start: number, end: number) => number;

export const NOT_PLAIN = -1;

/** Where the plain value that begins at `at` ends; -1 when it is not plain. Never past `end`. */
type ValueEnd = (bytes: Uint8Array, at: number, end: number, delimiter: number) => number;

const valueEnds: Record<EventColumn, ValueEnd> = {
    event_id: endOfUuid,
    event_type: endOfAny,
    product_id: endOfAny,
    user_id: endOfAny,
    event_timestamp: endOfTimestamp,
    quantity: endOfQuantity,
    price: endOfPrice,
};

export function createPlainCheck({ targets, dialect }: Pick<FileShape, "targets" | "dialect">): PlainCheck {
    const delimiter = dialect.delimiter.charCodeAt(0);
    const ends = targets.map((target) => (target === null || target === "ignored" ? endOfAny : valueEnds[target]));
    const last = ends.length - 1;
    const timestampIndex = targets.indexOf("event_timestamp");
    if (timestampIndex === -1) return () => NOT_PLAIN;
    return (bytes, start, end) => {
        let at = start;
        let timestampAt = start;
        for (let index = 0; index <= last; index += 1) {
            if (index === timestampIndex) timestampAt = at;
            at = ends[index]!(bytes, at, end, delimiter);
            if (at === -1) return NOT_PLAIN;
            if (index < last && (at === end || bytes[at++] !== delimiter)) return NOT_PLAIN;
        }
        return at === end ? secondOf(bytes, timestampAt) : NOT_PLAIN;
    };
}

const SPACE = 0x20;
const DASH = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;

const isHex = new Uint8Array(256);
for (const digit of "0123456789abcdefABCDEF") isHex[digit.charCodeAt(0)] = 1;

function endOfAny(bytes: Uint8Array, start: number, end: number, delimiter: number): number {
    let at = start;
    while (at < end && bytes[at] !== delimiter) at += 1;
    return at;
}

/** 8-4-4-4-12 hex digits. */
function endOfUuid(bytes: Uint8Array, start: number, end: number): number {
    if (start + 36 > end) return -1;
    const hasDashes =
        bytes[start + 8] === DASH &&
        bytes[start + 13] === DASH &&
        bytes[start + 18] === DASH &&
        bytes[start + 23] === DASH;
    if (!hasDashes) return -1;
    let digits = 0;
    for (let at = start; at < start + 36; at += 1) digits += isHex[bytes[at]!]!;
    return digits === 32 ? start + 36 : -1;
}

const daysInMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** `YYYY-MM-DD HH:MM:SS` of a real date from 1970 on. */
function endOfTimestamp(bytes: Uint8Array, start: number, end: number): number {
    if (start + 19 > end) return -1;
    const isShaped =
        bytes[start + 4] === DASH &&
        bytes[start + 7] === DASH &&
        bytes[start + 10] === SPACE &&
        bytes[start + 13] === COLON &&
        bytes[start + 16] === COLON;
    if (!isShaped) return -1;
    const year = twoDigits(bytes, start) * 100 + twoDigits(bytes, start + 2);
    const month = twoDigits(bytes, start + 5);
    const day = twoDigits(bytes, start + 8);
    // What is no number is in no range.
    const isReal =
        year >= 1970 &&
        month >= 1 &&
        month <= 12 &&
        day >= 1 &&
        day <= daysInMonth[month - 1]! &&
        (month !== 2 || day < 29 || isLeapYear(year)) &&
        twoDigits(bytes, start + 11) <= 23 &&
        twoDigits(bytes, start + 14) <= 59 &&
        twoDigits(bytes, start + 17) <= 59;
    return isReal ? start + 19 : -1;
}

/** Seconds from 1970 to the plain timestamp at `at`, in UTC. */
function secondOf(bytes: Uint8Array, at: number): number {
    const year = twoDigits(bytes, at) * 100 + twoDigits(bytes, at + 2);
    const day = daysBeforeMonth(year, twoDigits(bytes, at + 5)) + twoDigits(bytes, at + 8) - 1;
    const hour = day * 24 + twoDigits(bytes, at + 11);
    const minute = hour * 60 + twoDigits(bytes, at + 14);
    return minute * 60 + twoDigits(bytes, at + 17);
}

const secondsOfDay = 86_400;
let knownMonth = -1;
let knownDays = 0;

/** Days from 1970 to the first of that month. Keeps the last answer: records of one month mostly follow on one another. */
function daysBeforeMonth(year: number, month: number): number {
    const wanted = year * 12 + month;
    if (wanted !== knownMonth) {
        knownDays = Date.UTC(year, month - 1, 1) / 1000 / secondsOfDay;
        knownMonth = wanted;
    }
    return knownDays;
}

/** NaN for what is not two digits. */
function twoDigits(bytes: Uint8Array, at: number): number {
    const tens = bytes[at]! - ZERO;
    const ones = bytes[at + 1]! - ZERO;
    return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

function isLeapYear(year: number): boolean {
    return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** Nothing, or up to nine digits: always an integer of Postgres. */
function endOfQuantity(bytes: Uint8Array, start: number, end: number): number {
    const at = endOfDigits(bytes, start, end);
    return at - start <= 9 ? at : -1;
}

/** Nothing, or up to eight digits, which a dot and one or two more may follow. */
function endOfPrice(bytes: Uint8Array, start: number, end: number): number {
    const at = endOfDigits(bytes, start, end);
    if (at - start > 8) return -1;
    if (at === start || at === end || bytes[at] !== DOT) return at;
    const decimalsEnd = endOfDigits(bytes, at + 1, end);
    const decimals = decimalsEnd - at - 1;
    return decimals === 1 || decimals === 2 ? decimalsEnd : -1;
}

function endOfDigits(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && bytes[at]! >= ZERO && bytes[at]! <= NINE) at += 1;
    return at;
}
