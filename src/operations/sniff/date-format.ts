/** How the dates of a column are written, as `timestamps.format` says it, when the order of day and month is not ISO's. Pure. */
import type { ColumnEvidence } from "./column-evidence.ts";

/** What was seen of the dates of a column, in memory that does not grow. */
export interface DayFacts {
    firstOver12: number;
    secondOver12: number;
    /** Separator, digits of the year, gap and form of the time; more than one: no one format reads them all. */
    shapes: Set<string>;
    hasShortFirst: boolean;
    hasShortSecond: boolean;
    hasShortHour: boolean;
}

const dayMonth = /^(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d\d)(?:( |T|, )(\d{1,2}):\d\d(:\d\d)?)?$/;
const mostShapes = 2;
const unreadable = "";

export function noDays(): DayFacts {
    return {
        firstOver12: 0,
        secondOver12: 0,
        shapes: new Set(),
        hasShortFirst: false,
        hasShortSecond: false,
        hasShortHour: false,
    };
}

export function addDay(facts: DayFacts, value: string): void {
    const [first, second] = value.split(/[./-]/, 2) as [string, string];
    if (Number(first) > 12) facts.firstOver12 += 1;
    if (Number(second) > 12) facts.secondOver12 += 1;
    if (first.length === 1) facts.hasShortFirst = true;
    if (second.length === 1) facts.hasShortSecond = true;
    const parts = dayMonth.exec(value);
    if (parts?.[6]?.length === 1) facts.hasShortHour = true;
    if (facts.shapes.size < mostShapes) facts.shapes.add(parts === null ? unreadable : shapeOf(parts));
}

const shapeOf = ([, , separator, , year, gap = "", hour, seconds]: RegExpExecArray): string =>
    [separator, year!.length, gap, hour === undefined ? "" : seconds === undefined ? "m" : "s"].join("|");

/** One: it is certain. Two: the day or the month may come first. None: no one format reads all of its values. */
export function dateFormatsOf(column: ColumnEvidence): readonly string[] {
    const { days } = column;
    const [shape = unreadable] = days.shapes;
    const isAll = column.valueCount > 0 && column.countOf("day_month") === column.valueCount;
    if (!isAll || days.shapes.size !== 1 || shape === unreadable) return [];
    const [separator, yearDigits, gap, time] = shape.split("|") as [string, string, string, string];
    // Two digits do not say which century.
    if (yearDigits !== "4") return [];
    const hour = days.hasShortHour ? "H" : "HH";
    const clock = time === "" ? "" : `${gap === "T" ? "'T'" : gap}${hour}:mm${time === "s" ? ":ss" : ""}`;
    const inOrder = (letters: "dM" | "Md") => {
        const [first, second] = letters.split("") as [string, string];
        const two = (letter: string, isShort: boolean) => (isShort ? letter : letter + letter);
        const day = [two(first, days.hasShortFirst), two(second, days.hasShortSecond), "yyyy"].join(separator);
        return day + clock;
    };
    return [...(days.secondOver12 === 0 ? [inOrder("dM")] : []), ...(days.firstOver12 === 0 ? [inOrder("Md")] : [])];
}

/** `d/M/yyyy` and `dd/MM/yyyy` read the same dates where both digits are there. */
const letters = (format: string): string => format.replace(/([dMyH])\1+/g, "$1");

/** Whether the values of the column are written so. */
export function isWrittenSo(column: ColumnEvidence, formats: string | readonly string[] | undefined): boolean {
    const declared = [formats ?? []].flat().map(letters);
    return dateFormatsOf(column).some((format) => declared.includes(letters(format)));
}

/** Columns with the day first beside others with the month first: a value such as 03/04/2026 would be read by the first format. */
export function isContradictory(formats: readonly string[]): boolean {
    const first = new Set(formats.map((format) => letters(format)[0]));
    return first.size > 1;
}

export const isTimeType = (type: string): boolean => /^(?:date|timestamp|timestamptz)\b/i.test(type);
