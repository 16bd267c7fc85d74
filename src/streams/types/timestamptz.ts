import type { SourceConfig } from "../source-config.ts";
import { createTimestampReader } from "../values/read-timestamp.ts";
import { type ColumnType, endOfDigits, type PlainEnd, type ValueForm } from "./column-type.ts";

const SPACE = 0x20;
const DASH = 0x2d;
const ZERO = 0x30;
const COLON = 0x3a;
const DOT = 0x2e;
const PLUS = 0x2b;
const T = 0x54;
const Z = 0x5a;

const dateLength = 10;
const length = 19;
/** Postgres takes up to fifteen hours. */
const mostOffsetHours = 14;
const daysInMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** `YYYY-MM-DD HH:MM:SS` of a real date from 1970 on. */
const plainEnd: PlainEnd = (bytes, start, end) =>
    bytes[start + dateLength] === SPACE ? timeEnd(bytes, start, end) : -1;

/** Where the second ends, whatever stands between the date and the time. */
function timeEnd(bytes: Uint8Array, start: number, end: number): number {
    if (start + length > end) return -1;
    const isShaped = bytes[start + 13] === COLON && bytes[start + 16] === COLON;
    // A value that is no number is in no range.
    const isReal =
        isShaped &&
        isRealDate(bytes, start) &&
        twoDigits(bytes, start + 11) <= 23 &&
        twoDigits(bytes, start + 14) <= 59 &&
        twoDigits(bytes, start + 17) <= 59;
    return isReal ? start + length : -1;
}

/** What may follow the date and the time, and the T between them, as Postgres reads it. */
export interface MomentForm {
    hasZone: boolean;
    /** Decimals of a second. */
    decimals: number;
}

/** ISO 8601 of a real date from 1970 on: a space or a T, and perhaps decimals and Z or an offset. */
export function momentEnd({ hasZone, decimals }: MomentForm): PlainEnd {
    return (bytes, start, end) => {
        const timeAt = start + dateLength;
        if (timeAt >= end || (bytes[timeAt] !== SPACE && bytes[timeAt] !== T)) return -1;
        const secondEnd = timeEnd(bytes, start, end);
        if (secondEnd === -1 || secondEnd >= end) return secondEnd;
        const at = bytes[secondEnd] === DOT ? endOfDigits(bytes, secondEnd + 1, end) : secondEnd;
        if (at !== secondEnd && (at === secondEnd + 1 || at - secondEnd - 1 > decimals)) return -1;
        if (!hasZone || at >= end) return at;
        if (bytes[at] === Z) return at + 1;
        return bytes[at] === PLUS || bytes[at] === DASH ? offsetEnd(bytes, start, at + 1, end) : at;
    };
}

/** +HH:MM or +HH, behind its sign. */
function offsetEnd(bytes: Uint8Array, start: number, at: number, end: number): number {
    // An offset may carry the last day of the year 9999 out of the range in which the year has four digits.
    const isFar = twoDigits(bytes, start) === 99;
    if (isFar || at + 2 > end || !(twoDigits(bytes, at) <= mostOffsetHours)) return -1;
    if (at + 2 === end || bytes[at + 2] !== COLON) return at + 2;
    return at + 5 <= end && twoDigits(bytes, at + 3) <= 59 ? at + 5 : -1;
}

/** `YYYY-MM-DD` from 1970 on. The ten bytes are there. */
export function isRealDate(bytes: Uint8Array, start: number): boolean {
    if (bytes[start + 4] !== DASH || bytes[start + 7] !== DASH) return false;
    const year = twoDigits(bytes, start) * 100 + twoDigits(bytes, start + 2);
    const month = twoDigits(bytes, start + 5);
    const day = twoDigits(bytes, start + 8);
    return (
        year >= 1970 &&
        month >= 1 &&
        month <= 12 &&
        day >= 1 &&
        day <= daysInMonth[month - 1]! &&
        (month !== 2 || day < 29 || isLeapYear(year))
    );
}

/** That of a plain value of this form. A value with decimals, and one before 1970 by its offset, has none. */
export function secondOf({ hasZone }: MomentForm) {
    return (bytes: Uint8Array, start: number, end: number): number => {
        const at = start + length;
        // An empty value: what stands there is a delimiter.
        if (at > end || Number.isNaN(twoDigits(bytes, start))) return 0;
        const mark = at < end ? bytes[at] : Z;
        if (mark === DOT) return 0;
        const second = plainSecond(bytes, start);
        if (!hasZone || (mark !== PLUS && mark !== DASH)) return second;
        const hasMinutes = at + 3 < end && bytes[at + 3] === COLON;
        const offset = twoDigits(bytes, at + 1) * 3600 + (hasMinutes ? twoDigits(bytes, at + 4) * 60 : 0);
        return Math.max(0, mark === PLUS ? second - offset : second + offset);
    };
}

/** In UTC. */
function plainSecond(bytes: Uint8Array, at: number): number {
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

/** A moment, in the forms that the source declares. */
function momentForm(source: SourceConfig | null): ValueForm {
    const read = source?.timestamps ? createTimestampReader(source.timestamps) : (text: string) => text;
    return (bytes, start, end) =>
        end - start < 100 &&
        /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(read(Buffer.from(bytes.subarray(start, end)).toString()) ?? "");
}

export const timestamptz: ColumnType = {
    name: "timestamptz",
    plainEnd,
    plainSecond,
    telltale: momentForm,
    writtenAs: "timestamps",
    slices: null,
    typed: null,
    samples: [
        "2024-02-29 23:59:59",
        "2023-02-28 00:00:00",
        "1970-01-01 00:00:00",
        "2024-05-01T10:00:00.5+02:00",
        "2024-05-01 10:00:00+02:0004",
    ],
};
